/**
 * What the library of 2017 got wrong in its mesh, under the numbers that the
 * tests of the dict have, too.
 */
import {
  ListenError,
  MeshSocket,
  type Message,
  NoPeerError,
  ProtocolError,
  SubnetMismatchError,
  TimeoutError,
} from "@chord/dict";
import { listen } from "@chord/dict/deno";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../src/system.ts";
import { until } from "./fixture.ts";

type Options = ConstructorParameters<typeof MeshSocket>[0];

/** Nodes that listen and are all connected; disposing closes them. */
async function mesh(
  count: number,
  optionsOf: (i: number) => Options = () => ({}),
): Promise<MeshSocket[] & AsyncDisposable> {
  const socks: MeshSocket[] = [];
  for (let i = 0; i < count; i++) {
    const sock = new MeshSocket(optionsOf(i));
    socks.push(sock);
    await listen(sock);
    if (i > 0) await sock.connect(socks[0]!.url);
  }
  await until(
    "all are connected",
    () => socks.every(({ routingTable }) => routingTable.size === count - 1),
  );
  return Object.assign(socks, {
    async [Symbol.asyncDispose]() {
      await Promise.all(socks.map((sock) => sock.close()));
    },
  });
}

function texts(messages: readonly Message[]): unknown[] {
  return messages.map(({ packets }) => packets[0]);
}

Deno.test("9, mesh: many nodes on one host all meet, by one introduction each", async () => {
  await using socks = await mesh(5);
  for (const sock of socks) assertEquals(sock.members.length, 5);
});

Deno.test("9, mesh: crossed dials leave one connection, and nothing behind", async () => {
  await using a = new MeshSocket();
  await using b = new MeshSocket();
  await Promise.all([listen(a), listen(b)]);
  await Promise.all([a.connect(b.url), b.connect(a.url)]);
  await until(
    "one link on both sides",
    () => a.stats().links === 1 && b.stats().links === 1,
  );
  await a.send(["over it"]);
  await until("it is there", () => b.stats().messagesWaiting === 1);
});

Deno.test("10, mesh: a wrong subnet, a port in use and silence are typed errors", async () => {
  await using one = new MeshSocket({ subnet: "one" });
  await using two = new MeshSocket({ subnet: "two" });
  const { url, port } = await listen(one);
  await assertRejects(() => two.connect(url), SubnetMismatchError);
  await assertRejects(() => listen(two, { port }), ListenError);
  using mute = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port: mutePort } = mute.addr as Deno.NetAddr;
  await assertRejects(
    () => two.connect("127.0.0.1", mutePort, { timeoutMs: 100 }),
    TimeoutError,
  );
});

Deno.test("10, mesh: a send before the first peer harms nothing", async () => {
  await using sock = new MeshSocket();
  await sock.send(["to nobody"]);
  await sock.send(["to nobody"], { to: "neighbours" });
  assertEquals(sock.status.state, "alone");
});

Deno.test("10, mesh: a connection that breaks is made again", async () => {
  const made: WebSocket[] = [];
  class Recorded extends WebSocket {
    constructor(url: string) {
      super(url);
      made.push(this);
    }
  }
  await using one = new MeshSocket();
  await using two = new MeshSocket({ webSocket: Recorded as never });
  await listen(one);
  let connects = 0;
  two.on("connect", () => connects++);
  await two.connect(one.url);
  made[0]!.close();
  await until("it is there again", () => connects === 2);
  await two.send(["after it"]);
  await until("it is there", () => one.stats().messagesWaiting === 1);
});

Deno.test("11, mesh: a length header of 4 GiB ends its connection with a reason", async () => {
  await using sock = new MeshSocket();
  const errors: unknown[] = [];
  sock.on("error", (error) => errors.push(error));
  const { url } = await listen(sock);
  const raw = new WebSocket(url);
  raw.binaryType = "arraybuffer";
  const closed = new Promise<CloseEvent>((resolve) => raw.onclose = resolve);
  raw.onopen = () => raw.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 1));
  const { code, reason } = await closed;
  assertEquals(code, 4001);
  assert(reason.length > 10, reason);
  await until("it is reported", () => errors.length > 0);
  assert(errors[0] instanceof ProtocolError);
});

Deno.test("11, mesh: a message of a megabyte takes little time and comes whole", async () => {
  await using socks = await mesh(3);
  const packet = "0123456789abcdef".repeat(60_000);
  const startMs = performance.now();
  await socks[1]!.send([packet]);
  await until(
    "it is at both",
    () => [socks[0]!, socks[2]!].every((s) => s.stats().messagesWaiting === 1),
  );
  assert(performance.now() - startMs < 5_000);
  assertEquals(socks[0]!.recv()!.packets[0] === packet, true);
});

Deno.test("12, mesh: a broadcast takes N - 1 messages and not (N - 1)²", async () => {
  await using socks = await mesh(8);
  const frames = () =>
    socks.reduce((sum, sock) => sum + sock.stats().framesSent, 0);
  const before = frames();
  for (let i = 0; i < 100; i++) {
    await socks[0]!.send([i]);
    // Each leaves in frames of its own.
    await until(
      "all have it",
      () => socks.slice(1).every((s) => s.stats().messagesWaiting === i + 1),
    );
  }
  const sent = frames() - before;
  for (const sock of socks.slice(1)) {
    assertEquals(texts(sock.recv(200)), [...Array(100).keys()]);
  }
  // Heartbeats come on top; a flood would be 4,900.
  assert(sent >= 700 && sent < 1_500, `${sent} frames were sent`);
});

Deno.test("12, mesh: clocks that are hours apart keep no message from coming", async () => {
  const hoursMs = 3_600_000;
  await using socks = await mesh(3, (i) => ({
    clock: {
      ...systemClock,
      wallMs: () => systemClock.wallMs() + (i - 1) * 7 * hoursMs,
    },
  }));
  for (const [i, sock] of socks.entries()) await sock.send([i]);
  for (const [i, sock] of socks.entries()) {
    await until(
      "both others are there",
      () => sock.stats().messagesWaiting === 2,
    );
    assertEquals(texts(sock.recv(9)).sort(), [0, 1, 2].filter((n) => n !== i));
  }
});

Deno.test("12, mesh: an answer reaches a neighbour, a leaf, and nobody twice", async () => {
  await using socks = await mesh(2);
  await using leaf = new MeshSocket();
  await using other = new MeshSocket();
  for (const sock of [leaf, other]) await sock.connect(socks[0]!.url);
  await until(
    "all know of each other",
    () => [...socks, leaf, other].every(({ members }) => members.length === 4),
  );
  await leaf.send(["question"]);
  for (const sock of [...socks, other]) {
    await until("it is there", () => sock.stats().messagesWaiting === 1);
    await sock.recv()!.reply([sock.id]);
  }
  const answers = leaf.recv(9);
  assertEquals(
    answers.map(({ sender }) => sender).sort(),
    [...socks, other].map(({ id }) => id).sort(),
  );
});

Deno.test("12, mesh: an answer to who has left is an error at once", async () => {
  await using socks = await mesh(2);
  const leaving = new MeshSocket();
  await leaving.connect(socks[0]!.url);
  await until("it is known", () => socks[1]!.members.length === 3);
  await leaving.send(["question"]);
  await until("it is there", () => socks[1]!.stats().messagesWaiting === 1);
  const message = socks[1]!.recv()!;
  await leaving.close();
  await until(
    "it has left",
    () =>
      socks[1]!.members.some(({ id, health }) =>
        id === leaving.id && health === "left"
      ),
  );
  const startMs = performance.now();
  const error = await assertRejects(
    () => message.reply(["answer"], { timeoutMs: 60_000 }),
    NoPeerError,
  );
  assertEquals(error.applied, "no");
  assert(performance.now() - startMs < 1_000);
});

Deno.test("15, mesh: subnets whose parts join to the same text never meet", async () => {
  for (const [name, other] of [["ab", "abc"], ["a", "a\0"]]) {
    await using one = new MeshSocket({ subnet: name! });
    await using two = new MeshSocket({ subnet: other! });
    const { url } = await listen(one);
    await assertRejects(() => two.connect(url), SubnetMismatchError);
  }
});
