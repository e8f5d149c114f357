import { MeshSocket, type Message } from "@chord/dict";
import { listen } from "@chord/dict/deno";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TestRing, until } from "./fixture.ts";

/** A node that listens, and one that is connected to it. */
async function pair(): Promise<
  [MeshSocket, MeshSocket, AsyncDisposableStack]
> {
  const stack = new AsyncDisposableStack();
  const one = stack.use(new MeshSocket({ subnet: "messages" }));
  const two = stack.use(new MeshSocket({ subnet: "messages" }));
  const { url } = await listen(one);
  await two.connect(url);
  await until("the other side", () => one.routingTable.size === 1);
  return [one, two, stack];
}

Deno.test("packets arrive as what they were", async () => {
  const [one, two, stack] = await pair();
  await using _ = stack;
  const packets = [
    "text",
    "",
    Uint8Array.of(0, 255),
    new Uint8Array(),
    null,
    false,
    0,
    [1, [2]],
    { a: { b: "c" } },
  ];
  await two.send(packets);
  await until("it is there", () => one.stats().messagesWaiting === 1);
  const message = one.recv()!;
  assertEquals(message.packets, packets);
  assertEquals(message.sender, two.id);
  assert(Math.abs(message.time - Date.now()) < 60_000);
  assertEquals(one.recv(), undefined);
});

Deno.test("recv(n) gives up to n messages, the oldest first", async () => {
  const [one, two, stack] = await pair();
  await using _ = stack;
  for (let i = 0; i < 5; i++) await two.send([i], { to: "neighbours" });
  await until("all are there", () => one.stats().messagesWaiting === 5);
  const numbers = (messages: Message[]) => messages.map((m) => m.packets[0]);
  assertEquals(numbers(one.recv(2)), [0, 1]);
  assertEquals(numbers(one.recv(10)), [2, 3, 4]);
  assertEquals(one.recv(10), []);
});

Deno.test("messages that nobody takes give way, oldest first, and are counted", async () => {
  const [one, two, stack] = await pair();
  await using _ = stack;
  for (let i = 0; i < 1100; i++) await two.send([i]);
  await until("all have come", () => {
    const { messagesWaiting, messagesDropped } = one.stats();
    return messagesWaiting + messagesDropped === 1100;
  });
  assertEquals(one.stats().messagesDropped, 76);
  assertEquals(one.recv()!.packets, [76]);
});

Deno.test("a handler sees a message first, and one that throws harms nobody", async () => {
  const [one, two, stack] = await pair();
  await using _ = stack;
  const errors: string[] = [];
  let announced = 0;
  one.on("error", (error) => errors.push(error.message));
  one.on("message", (sock) => {
    assertEquals(sock, one);
    announced++;
  });
  one.registerHandler(() => {
    throw new Error("handler");
  });
  one.registerHandler(({ packets }, connection) => {
    assertEquals(connection?.id, two.id);
    return packets[0] === "handled";
  });
  await two.send(["handled"]);
  await two.send(["queued"]);
  await until("both have come", () => errors.length === 2);
  assertEquals(one.recv(10).map(({ packets }) => packets[0]), ["queued"]);
  assertEquals([errors, announced], [["handler", "handler"], 1]);
});

Deno.test("reply() answers the sender alone, and names what it answers", async () => {
  await using ring = await TestRing.of(3);
  const [asking, answering, third] = ring.nodes;
  await asking!.send(["question"]);
  await until("it is there", () => answering!.stats().messagesWaiting === 1);
  const question = answering!.recv()!;
  await question.reply(["answer"]);
  await until(
    "the answer is there",
    () => asking!.stats().messagesWaiting === 1,
  );
  const answer = asking!.recv()!;
  assertEquals(answer.packets, ["answer"]);
  assertEquals(answer.inReplyTo, question.id);
  assertEquals(third!.recv(9).map(({ packets }) => packets), [["question"]]);
});

Deno.test("reply() rejects when no way leads to the sender any more", async () => {
  const [one, two, stack] = await pair();
  await using _ = stack;
  await two.send(["question"]);
  await until("it is there", () => one.stats().messagesWaiting === 1);
  await two.close();
  await until("it is gone", () => one.routingTable.size === 0);
  const message = one.recv()!;
  await assertRejects(() => message.reply(["answer"]));
});

Deno.test("messages() ends when the socket closes", async () => {
  const [one, two, stack] = await pair();
  await using _ = stack;
  await two.send(["last"]);
  await until("it is there", () => one.stats().messagesWaiting === 1);
  await one.close();
  const all = await Array.fromAsync(one.messages());
  assertEquals(all.map(({ packets }) => packets), [["last"]]);
});
