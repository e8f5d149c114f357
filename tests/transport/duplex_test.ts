import { assert, assertEquals, assertThrows } from "@std/assert";
import { FRAME_BYTES_MAX } from "../../src/base/limits.ts";
import { systemClock } from "../../src/system.ts";
import { DuplexChannel, memoryPair } from "../../src/transport/duplex.ts";
import { record } from "./recorder.ts";

Deno.test("a pair of duplexes carries frames both ways, whole and in order", async () => {
  const [left, right] = memoryPair();
  const a = record(new DuplexChannel(left, systemClock));
  const b = record(new DuplexChannel(right, systemClock));
  await Promise.all([a.opened, b.opened]);
  for (let i = 0; i < 100; i++) a.send(Uint8Array.of(i, 1));
  b.send(Uint8Array.of(7, 7, 7));
  await b.received(100);
  await a.received(1);
  assertEquals(b.frames.map((frame) => frame[0]), [...Array(100).keys()]);
  assertEquals(a.frames, [Uint8Array.of(7, 7, 7)]);
  a.channel.close(4000, "done");
  await Promise.all([a.closed, b.closed]);
});

Deno.test("close() sends what waits and then ends both sides", async () => {
  const [left, right] = memoryPair();
  const a = record(new DuplexChannel(left, systemClock));
  const b = record(new DuplexChannel(right, systemClock));
  await Promise.all([a.opened, b.opened]);
  a.send(Uint8Array.of(9, 9));
  a.channel.close(4003, "no common version");
  assertEquals(await a.closed, [4003, "no common version"]);
  assertEquals((await b.closed)[0], 4000);
  assertEquals(b.frames, [Uint8Array.of(9, 9)]);
});

Deno.test("a slow reader takes the room away, and gives it back", async () => {
  const [left, right] = memoryPair(1000);
  const a = record(new DuplexChannel(left, systemClock));
  await a.opened;
  assert(a.channel.hasRoom);
  a.send(new Uint8Array(1500));
  assert(!a.channel.hasRoom);
  const reader = right.readable.getReader();
  await reader.read();
  await a.drained;
  assert(a.channel.hasRoom);
  reader.releaseLock();
  await right.readable.cancel();
  await a.closed;
});

Deno.test("a frame that is too long ends a duplex, and is not handed over", async () => {
  const [left, right] = memoryPair(1024 * 1024);
  const a = record(new DuplexChannel(left, systemClock));
  await a.opened;
  const writer = right.writable.getWriter();
  const reader = right.readable.getReader();
  const ended = reader.read();
  writer.write(new Uint8Array(FRAME_BYTES_MAX + 1)).catch(() => {});
  assertEquals((await a.closed)[0], 4001);
  assertEquals(a.frames, []);
  assert((await ended).done);
});

Deno.test("a chunk that is no byte array ends a duplex", async () => {
  const text = new TransformStream<Uint8Array, Uint8Array>();
  const other = new TransformStream<Uint8Array, Uint8Array>();
  const a = record(
    new DuplexChannel(
      { readable: text.readable, writable: other.writable },
      systemClock,
    ),
  );
  await a.opened;
  const writer = text.writable.getWriter();
  writer.write("text" as unknown as Uint8Array).catch(() => {});
  const reader = other.readable.getReader();
  const ended = reader.read();
  assertEquals((await a.closed)[0], 4001);
  await ended.catch(() => {});
});

Deno.test("a stream that breaks is the end of the channel, with its reason", async () => {
  const broken = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new Error("cable cut")),
  });
  const a = record(
    new DuplexChannel(
      { readable: broken, writable: new WritableStream() },
      systemClock,
    ),
  );
  assertEquals(await a.closed, [1006, "cable cut"]);
});

Deno.test("a frame can be changed by its sender's side once it was received", async () => {
  const [left, right] = memoryPair();
  const a = record(new DuplexChannel(left, systemClock));
  await a.opened;
  const writer = right.writable.getWriter();
  const chunk = Uint8Array.of(1, 2, 3);
  await writer.write(chunk);
  await a.received(1);
  chunk.fill(0);
  assertEquals(a.frames, [Uint8Array.of(1, 2, 3)]);
  const reader = right.readable.getReader();
  a.channel.close(4000, "");
  assert((await reader.read()).done);
  await a.closed;
});

Deno.test("a duplex that is in use, or is none, is refused at once", () => {
  const [left] = memoryPair();
  left.readable.getReader();
  assertThrows(() => new DuplexChannel(left, systemClock), TypeError, "locked");
  assertThrows(
    () => new DuplexChannel({} as never, systemClock),
    TypeError,
    "without streams",
  );
});

Deno.test("who is not read is not pulled either, and nothing is lost", async () => {
  const [left, right] = memoryPair(1000);
  const a = record(new DuplexChannel(left, systemClock));
  const b = record(new DuplexChannel(right, systemClock));
  await Promise.all([a.opened, b.opened]);
  b.channel.pause();
  for (let i = 0; i < 100 && a.channel.hasRoom; i++) {
    a.send(Uint8Array.of(i, ...new Uint8Array(99)));
    await Promise.resolve();
  }
  assert(!a.channel.hasRoom, "the sender is asked to wait");
  // What was pulled when it was paused is the most that comes.
  assert(b.frames.length <= 1, `${b.frames.length} frames`);
  b.channel.resume();
  await a.drained;
  assert(b.frames.length > 1);
  assertEquals(b.frames.map(([first]) => first), [...b.frames.keys()]);
  b.channel.pause();
  a.channel.close(4000, "done");
  b.channel.close(4000, "done");
  await Promise.all([a.closed, b.closed]);
});
