/** The end of calls and sockets: abort, time-outs, close; and hostile peers. */
import {
  AbortError,
  ClosedError,
  ConnectionError,
  memoryPair,
  ProtocolError,
  SelfConnectError,
  TimeoutError,
} from "@chord/dict";
import { listen, upgrade } from "@chord/dict/deno";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { TestRing, textSocket, until } from "./fixture.ts";

Deno.test("a call on a closed socket says so, and did nothing", async () => {
  const sock = textSocket();
  await sock.join();
  await sock.close();
  assertEquals(sock.status.state, "closed");
  for (
    const call of [
      () => sock.set("key", "value"),
      () => sock.get("key"),
      () => sock.size(),
      () => sock.join(),
      () => sock.connect("ws://127.0.0.1:1/"),
      () => sock.send(["text"]),
      () => sock.attach(memoryPair()[0]),
      () => listen(sock),
    ]
  ) {
    const error = await assertRejects(call, ClosedError);
    assertEquals(error.applied, "no");
  }
  await sock.close();
});

Deno.test("a connection that comes too late is ended", async () => {
  const sock = textSocket();
  await sock.close();
  const [left, right] = memoryPair();
  await assertRejects(() => sock.attach(left), ClosedError);
  const { done } = await right.readable.getReader().read();
  assert(done);
});

/** A WebSocket server that takes connections and says nothing. */
function mute(): { url: string; [Symbol.asyncDispose](): Promise<void> } {
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen: () => {},
  }, (request) => Deno.upgradeWebSocket(request).response);
  return {
    url: `ws://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await server.finished;
    },
  };
}

Deno.test("close() ends what waits", async () => {
  await using server = mute();
  const sock = textSocket();
  const connecting = sock.connect(server.url);
  const messages = sock.messages();
  const message = messages.next();
  const rejected = assertRejects(() => connecting, ClosedError);
  await sock.close();
  await rejected;
  assertEquals(await message, { done: true, value: undefined });
});

Deno.test("a dial to somebody who says nothing times out", async () => {
  await using server = mute();
  await using sock = textSocket();
  const error = await assertRejects(
    () => sock.connect(server.url, { timeoutMs: 50 }),
    TimeoutError,
  );
  assertEquals(error.applied, "no");
});

Deno.test("a dial to nobody, and one to itself, are told apart", async () => {
  await using sock = textSocket();
  const { url } = await listen(sock);
  await assertRejects(() => sock.connect(url), SelfConnectError);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assertRejects(() => sock.connect("127.0.0.1", port), ConnectionError);
});

Deno.test("a signal ends a call, with the signal's reason as the cause", async () => {
  await using server = mute();
  await using sock = textSocket();
  const reason = new Error("changed my mind");
  const stop = new AbortController();
  const connecting = sock.connect(server.url, { signal: stop.signal });
  stop.abort(reason);
  const error = await assertRejects(() => connecting, AbortError);
  assertEquals([error.cause, error.applied], [reason, "no"]);
  assertEquals(sock.stats().callsWaiting, 0);

  const before = AbortSignal.abort(reason);
  const again = await assertRejects(
    () => sock.set("key", "value", { signal: before }),
    AbortError,
  );
  assertEquals(again.applied, "no");
});

Deno.test("a write that is given up may have taken effect", async () => {
  await using ring = await TestRing.of(2);
  const leaf = await ring.leaf();
  const stop = new AbortController();
  const writing = leaf.set("key", "value", { signal: stop.signal });
  stop.abort();
  const error = await assertRejects(() => writing, AbortError);
  assertEquals(error.applied, "maybe");
});

Deno.test("a node comes and goes without anything left behind", async () => {
  // Deno's own checks for timers and resources judge this test.
  for (let i = 0; i < 5; i++) {
    await using ring = await TestRing.of(3);
    await ring.first.set("key", "value");
    const leaf = await ring.leaf();
    assertEquals(await leaf.get("key"), "value");
  }
});

Deno.test("a hundred large values at once go through without breaking a link", async () => {
  await using ring = await TestRing.of(2);
  const leaf = await ring.leaf();
  const ends: number[] = [];
  leaf.on("disconnect", (_, code) => ends.push(code));
  const value = "x".repeat(1024 * 1024);
  const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);
  const options = { timeoutMs: 30_000 };
  await leaf.update(keys.map((key) => [key, value]), options);
  const read = await Promise.all(
    keys.map((key) => leaf.get(key, null, options)),
  );
  assert(read.every((each) => each === value));
  assertEquals(ends, []);
});

Deno.test("nodes meet over streams as over WebSockets", async () => {
  await using one = textSocket();
  await using two = textSocket();
  const [left, right] = memoryPair();
  const [toTwo, toOne] = await Promise.all([
    one.attach(left),
    two.attach(right),
  ]);
  assertEquals([toTwo.id, toOne.id], [two.id, one.id]);
  await one.join();
  const large = "x".repeat(1_000_000);
  await two.set("key", large);
  assert(await one.get("key") === large);
});

Deno.test("a server that is no WebSocket's gets 426, and may have pages of its own", async () => {
  await using sock = textSocket({ url: "ws://127.0.0.1:1/peers" });
  const answer = upgrade(sock, new Request("http://127.0.0.1:1/peers"));
  assertEquals(answer.status, 426);
  await using other = textSocket();
  const { port } = await listen(other);
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assertEquals(response.status, 426);
  await response.body?.cancel();
});

/** Sends `messages` to a node; gives the code and reason of the end. */
async function attack(
  url: string,
  messages: Iterable<string | Uint8Array<ArrayBuffer>>,
): Promise<[number, string]> {
  const socket = new WebSocket(url);
  const ended = new Promise<[number, string]>((resolve) => {
    socket.onclose = ({ code, reason }) => resolve([code, reason]);
  });
  await new Promise((resolve) => socket.onopen = resolve);
  for (const message of messages) {
    if (socket.readyState !== WebSocket.OPEN) break;
    socket.send(message);
    // Whatever the node says to it must be able to come in.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return await ended;
}

function* garbage(
  seed: number,
  count: number,
): Generator<Uint8Array<ArrayBuffer>> {
  let state = seed;
  for (let i = 0; i < count; i++) {
    const length = 2 + (state >>> 8) % 300;
    const frame = new Uint8Array(length);
    for (let at = 0; at < length; at++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      frame[at] = state >>> 16;
    }
    if (frame[0]! < 2) frame[0] = 2;
    yield frame;
  }
}

Deno.test("garbage of any kind ends its own link, with a reason, and nothing else", async () => {
  await using ring = await TestRing.of(2);
  const errors: unknown[] = [];
  ring.first.on("error", (error) => errors.push(error));
  await ring.first.set("key", "value");
  const { url } = ring.first;
  const attacks: Iterable<string | Uint8Array<ArrayBuffer>>[] = [
    ["text"],
    [new Uint8Array()],
    [new Uint8Array(200_000).fill(7)],
    // A message of 4 GiB is announced; a piece without a beginning.
    [Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 0)],
    [Uint8Array.of(3, 0, 1)],
    ...Array.from({ length: 20 }, (_, i) => garbage(i + 1, 10)),
  ];
  const ends = await Promise.all(attacks.map((each) => attack(url, each)));
  for (const [code, reason] of ends) {
    // Who goes on sending to a closed connection may miss why it was closed.
    if (code === 0) continue;
    assert(code >= 4001 && code <= 4007, `${code} ${reason}`);
    assert(reason !== "");
  }
  assert(ends.filter(([code]) => code > 0).length >= 5);
  await until(
    "only the ring's link is left",
    () => ring.first.stats().links === 1,
  );
  assertEquals(errors.length, attacks.length);
  for (const error of errors) assertInstanceOf(error, ProtocolError);
  assertEquals(await ring.nodes[1]!.get("key"), "value");
});

Deno.test("a peer that never says hello is shown out", async () => {
  await using sock = textSocket({ timings: { handshakeMs: 100 } });
  const { url } = await listen(sock);
  const [code] = await attack(url, []);
  assertEquals(code, 4006);
  await until("its link is gone", () => sock.stats().links === 0);
});
