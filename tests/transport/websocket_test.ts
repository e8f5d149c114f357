import { assert, assertEquals } from "@std/assert";
import {
  BUFFERED_BYTES_HIGH,
  FRAME_BYTES_MAX,
  PAUSED_BYTES_MAX,
} from "../../src/base/limits.ts";
import { systemClock } from "../../src/system.ts";
import { fitReason } from "../../src/transport/channel.ts";
import {
  WebSocketChannel,
  type WebSocketLike,
} from "../../src/transport/websocket.ts";
import { record, type Recorder } from "./recorder.ts";

/** A server that hands over the WebSockets that come in. */
interface TestServer extends AsyncDisposable {
  readonly url: string;
  next(): Promise<WebSocket>;
}

function serve(): TestServer {
  const arrived: PromiseWithResolvers<WebSocket>[] = [
    Promise.withResolvers(),
  ];
  let taken = 0;
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen: () => {},
  }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    arrived.at(-1)!.resolve(socket);
    arrived.push(Promise.withResolvers());
    return response;
  });
  return {
    url: `ws://127.0.0.1:${server.addr.port}/`,
    next: () => arrived[taken++]!.promise,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await server.finished;
    },
  };
}

function channelOf(socket: WebSocketLike, dialled: boolean): Recorder {
  return record(
    new WebSocketChannel(socket, { dialled, clock: systemClock }),
  );
}

/** Both ends of one connection, as channels. */
async function pair(server: TestServer): Promise<[Recorder, Recorder]> {
  const dialled = channelOf(new WebSocket(server.url), true);
  const accepted = channelOf(await server.next(), false);
  await Promise.all([dialled.opened, accepted.opened]);
  return [dialled, accepted];
}

/** One end as a channel, the other as a plain WebSocket that is open. */
async function half(server: TestServer): Promise<[WebSocket, Recorder]> {
  const plain = new WebSocket(server.url);
  plain.binaryType = "arraybuffer";
  const accepted = channelOf(await server.next(), false);
  await accepted.opened;
  if (plain.readyState !== WebSocket.OPEN) await eventOf(plain, "open");
  return [plain, accepted];
}

function eventOf<E extends Event>(
  socket: WebSocket,
  name: string,
): Promise<E> {
  return new Promise((resolve) =>
    socket.addEventListener(name, (event) => resolve(event as E), {
      once: true,
    })
  );
}

Deno.test("frames of every size arrive whole, in order, from both sides", async () => {
  await using server = serve();
  const [dialled, accepted] = await pair(server);
  const sizes = [2, 100, 999, 1000, 1001, 1024, 1025, 4000, 65_535, 65_536];
  sizes.push(FRAME_BYTES_MAX);
  for (const size of sizes) {
    const frame = new Uint8Array(size).fill(size % 251 + 2);
    dialled.send(frame);
    accepted.send(frame);
  }
  await Promise.all([
    dialled.received(sizes.length),
    accepted.received(sizes.length),
  ]);
  for (const { frames } of [dialled, accepted]) {
    assertEquals(frames.map((frame) => frame.length), sizes);
    for (const frame of frames) {
      assert(frame.every((byte) => byte === frame.length % 251 + 2));
    }
  }
  dialled.channel.close(4000, "done");
  await Promise.all([dialled.closed, accepted.closed]);
});

Deno.test("a code and a reason go with the end, to both sides", async () => {
  await using server = serve();
  const [dialled, accepted] = await pair(server);
  accepted.channel.close(4002, "another subnet");
  assertEquals(await dialled.closed, [4002, "another subnet"]);
  assertEquals(await accepted.closed, [4002, "another subnet"]);
});

Deno.test("what was sent before the end arrives before the end", async () => {
  await using server = serve();
  const [dialled, accepted] = await pair(server);
  dialled.send(Uint8Array.of(5, 5));
  dialled.channel.close(4000, "");
  await accepted.closed;
  assertEquals(accepted.frames, [Uint8Array.of(5, 5)]);
  await dialled.closed;
});

Deno.test("a text message ends the link as a protocol error", async () => {
  await using server = serve();
  const [plain, accepted] = await half(server);
  const ended = eventOf<CloseEvent>(plain, "close");
  plain.send("text");
  assertEquals((await accepted.closed)[0], 4001);
  const { code, reason } = await ended;
  assertEquals([code, reason], [4001, "only binary messages are frames"]);
  assertEquals(accepted.frames, []);
});

Deno.test("a message longer than a frame ends the link and is not handed over", async () => {
  await using server = serve();
  const [plain, accepted] = await half(server);
  const ended = eventOf<CloseEvent>(plain, "close");
  plain.send(new Uint8Array(FRAME_BYTES_MAX + 2).fill(7));
  assertEquals((await accepted.closed)[0], 4001);
  assertEquals((await ended).code, 4001);
  assertEquals(accepted.frames, []);
});

Deno.test("a frame that asks for an answer gets one byte, unless more is said", async () => {
  await using server = serve();
  const [plain, accepted] = await half(server);
  const first = eventOf<MessageEvent>(plain, "message");
  plain.send(Uint8Array.of(0, 8, 8));
  assertEquals(new Uint8Array((await first).data), Uint8Array.of(1));
  assertEquals(accepted.frames, [Uint8Array.of(8, 8)]);

  // The handler says something in the same turn: that is answer enough.
  const heard: number[] = [];
  const both = Promise.withResolvers<void>();
  plain.onmessage = ({ data }) => {
    heard.push(new Uint8Array(data)[0]!);
    if (heard.length === 2) both.resolve();
  };
  accepted.received(2).then(() => {
    accepted.send(Uint8Array.of(9, 9));
  });
  plain.send(Uint8Array.of(0, 8, 8));
  plain.send(Uint8Array.of(0));
  await both.promise;
  assertEquals(heard, [9, 1]);
  const ended = eventOf(plain, "close");
  plain.close();
  await Promise.all([ended, accepted.closed]);
});

Deno.test("an announced frame is answered at once and again until it comes", async () => {
  await using server = serve();
  const [plain, accepted] = await half(server);
  const answers = Promise.withResolvers<void>();
  let count = 0;
  plain.onmessage = ({ data }) => {
    assertEquals(new Uint8Array(data), Uint8Array.of(1));
    if (++count === 3) answers.resolve();
  };
  plain.send(Uint8Array.of(0));
  await answers.promise;
  assertEquals(accepted.frames, []);
  const ended = eventOf(plain, "close");
  plain.close();
  await Promise.all([ended, accepted.closed]);
});

Deno.test("a dial that nobody takes ends the channel without opening it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const dialled = channelOf(new WebSocket(`ws://127.0.0.1:${port}/`), true);
  assertEquals((await dialled.closed)[0], 1006);
});

Deno.test("a channel can be closed before it is open", async () => {
  await using server = serve();
  const dialled = channelOf(new WebSocket(server.url), true);
  dialled.channel.close(4000, "changed my mind");
  assertEquals(await dialled.closed, [4000, "changed my mind"]);
});

/** What a test needs to say about how much waits. */
class Clogged extends EventTarget implements WebSocketLike {
  binaryType = "blob";
  readyState = 1;
  bufferedAmount = 0;
  send(data: Uint8Array): void {
    this.bufferedAmount += data.length;
  }
  close(): void {}
}

/** What a test needs to say of what is sent, and when. */
class Sent extends EventTarget implements WebSocketLike {
  binaryType = "blob";
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  readonly messages: Uint8Array[] = [];
  readonly sendsAtOnce: boolean;
  constructor(sendsAtOnce: boolean) {
    super();
    this.sendsAtOnce = sendsAtOnce;
  }
  send(data: Uint8Array): void {
    this.messages.push(data);
  }
  close(): void {}
}

Deno.test("a WebSocket that sends at once asks for no answers", async () => {
  for (const sendsAtOnce of [true, false]) {
    const socket = new Sent(sendsAtOnce);
    const { channel, opened, send } = channelOf(socket, true);
    await opened;
    send(Uint8Array.of(8, 8));
    const asked = sendsAtOnce ? [] : [0];
    assertEquals(socket.messages, [Uint8Array.of(...asked, 8, 8)]);
    assertEquals(channel.fillBytes === undefined, sendsAtOnce);
  }
});

Deno.test("what is answered as it is heard needs no timer", async () => {
  for (const [replies, timersSet] of [[true, 0], [false, 1]] as const) {
    let timers = 0;
    const setTimer = () => ++timers;
    const socket = new Sent(false);
    const channel = new WebSocketChannel(socket, {
      dialled: false,
      clock: { ...systemClock, setTimer, clearTimer: () => {} },
    });
    const opened = Promise.withResolvers<void>();
    channel.start({
      onOpen: opened.resolve,
      onFrame: (frame) => replies && channel.send(frame),
      onDrain: () => {},
      onClose: () => {},
    });
    await opened.promise;
    const { buffer: data } = Uint8Array.of(0, 8, 8);
    socket.dispatchEvent(new MessageEvent("message", { data }));
    assertEquals(socket.messages.length, replies ? 1 : 0);
    assertEquals(timers, timersSet);
  }
});

Deno.test("a clogged WebSocket takes the room away, and gives it back when it flows", async () => {
  const socket = new Clogged();
  const channel = channelOf(socket, false);
  await channel.opened;
  assert(channel.channel.hasRoom);
  channel.send(new Uint8Array(BUFFERED_BYTES_HIGH));
  assert(!channel.channel.hasRoom);
  socket.bufferedAmount = 0;
  await channel.drained;
  assert(channel.channel.hasRoom);
});

Deno.test("a peer that never answers a close does not keep the channel", async () => {
  const timers: (() => void)[] = [];
  const clock = {
    ...systemClock,
    setTimer: (run: () => void) => timers.push(run),
    clearTimer: () => {},
  };
  const channel = record(
    new WebSocketChannel(new Clogged(), { dialled: false, clock }),
  );
  await channel.opened;
  channel.channel.close(4008, "silent");
  assertEquals(timers.length, 1);
  timers[0]!();
  assertEquals(await channel.closed, [4008, "silent"]);
});

Deno.test("a reason is cut to what a close frame holds, between characters", () => {
  assertEquals(fitReason("short"), "short");
  const cut = fitReason("é".repeat(100));
  assertEquals(cut, "é".repeat(61));
});

Deno.test("what comes while nobody reads is told afterwards, in order", async () => {
  await using server = serve();
  const [dialled, accepted] = await pair(server);
  accepted.channel.pause();
  for (let i = 0; i < 20; i++) dialled.send(Uint8Array.of(9, i));
  accepted.send(Uint8Array.of(9)); // Comes after them, as an echo.
  await dialled.received(1);
  assertEquals(accepted.frames.length, 0);
  accepted.channel.resume();
  await accepted.received(20);
  assertEquals(accepted.frames.map(([, i]) => i), [...Array(20).keys()]);
  accepted.channel.pause();
  dialled.send(Uint8Array.of(9, 20));
  dialled.channel.close(4000, "done");
  await Promise.all([dialled.closed, accepted.closed]);
  assertEquals(accepted.frames.length, 21, "the end is told last");
});

Deno.test("who goes on sending though nobody reads is cut off", async () => {
  await using server = serve();
  const [dialled, accepted] = await pair(server);
  accepted.channel.pause();
  const frame = new Uint8Array(FRAME_BYTES_MAX).fill(9);
  const count = PAUSED_BYTES_MAX / FRAME_BYTES_MAX;
  for (let i = 0; i < count; i++) dialled.send(frame);
  dialled.send(Uint8Array.of(9));
  assertEquals((await accepted.closed)[0], 4007);
  assertEquals((await dialled.closed)[0], 4007);
  assertEquals(accepted.frames, []);
});

Deno.test("a library that can stop a sender does so", async () => {
  await using server = serve();
  const [plain] = await half(server);
  const calls: string[] = [];
  const pausable = Object.assign(plain as WebSocketLike, {
    pause: () => calls.push("pause"),
    resume: () => calls.push("resume"),
  });
  const { channel, closed } = channelOf(pausable, true);
  channel.pause();
  channel.resume();
  channel.pause();
  channel.close(4000, "done"); // Or it would not read the answer.
  assertEquals(calls, ["pause", "resume", "pause", "resume"]);
  await closed;
});
