import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import {
  FRAME_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PIECE_BYTES_MAX,
} from "../../src/base/limits.ts";
import { Inbox, Outbox } from "../../src/mesh/framer.ts";
import { Lane } from "../../src/wire/messages.ts";

/** A message of `length` bytes that differ from those of other `seed`s. */
function message(length: number, seed: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255);
}

function drain(outbox: Outbox, inbox: Inbox): { frames: number; got: Bytes[] } {
  const got: Bytes[] = [];
  let frames = 0;
  for (;;) {
    const frame = outbox.pull();
    if (frame === undefined) return { frames, got };
    assert(frame.length <= FRAME_BYTES_MAX, `a frame of ${frame.length} bytes`);
    frames++;
    got.push(...inbox.take(frame));
  }
}

Deno.test("64 small messages leave in one frame and arrive in order", () => {
  const outbox = new Outbox();
  const sent = Array.from({ length: 64 }, (_, i) => message(96, i));
  for (const bytes of sent) outbox.push(Lane.operations, [bytes]);
  const { frames, got } = drain(outbox, new Inbox());
  assertEquals(frames, 1);
  assertEquals(got, sent);
});

Deno.test("messages around every size limit survive framing", () => {
  const sizes = [
    1,
    126,
    127,
    128,
    16_382,
    16_383,
    16_384,
    PIECE_BYTES_MAX - 1,
    PIECE_BYTES_MAX,
    PIECE_BYTES_MAX + 1,
    2 * PIECE_BYTES_MAX,
    MESSAGE_BYTES_MAX,
  ];
  for (const size of sizes) {
    for (const lane of [Lane.control, Lane.operations, Lane.bulk]) {
      const outbox = new Outbox();
      const sent = message(size, lane);
      outbox.push(lane, [sent]);
      const { got } = drain(outbox, new Inbox());
      assertEquals(got.length, 1, `size ${size}, lane ${lane}`);
      assertEquals(got[0], sent);
      assert(outbox.isEmpty);
      assertEquals(outbox.bytes, 0);
    }
  }
});

Deno.test("a life sign goes out between the pieces of bulk", () => {
  const outbox = new Outbox();
  const inbox = new Inbox();
  const bulk = message(MESSAGE_BYTES_MAX, 1);
  outbox.push(Lane.bulk, [bulk]);
  assertEquals(inbox.take(outbox.pull()!), []);
  const sign = message(8, 2);
  outbox.push(Lane.control, [sign]);
  assertEquals(inbox.take(outbox.pull()!), [sign]);
  assertEquals(drain(outbox, inbox).got, [bulk]);
});

Deno.test("bulk gets through while operations never run dry", () => {
  const outbox = new Outbox();
  const inbox = new Inbox();
  const bulk = message(PIECE_BYTES_MAX, 9);
  outbox.push(Lane.bulk, [bulk]);
  let operations = 0;
  for (let frames = 0; frames < 10; frames++) {
    for (let i = 0; i < 4; i++) {
      outbox.push(Lane.operations, [message(PIECE_BYTES_MAX, i)]);
    }
    for (const got of inbox.take(outbox.pull()!)) {
      if (got[0] === bulk[0]) {
        assertEquals(got, bulk);
        return;
      }
      operations++;
    }
  }
  throw new Error(`no bulk in 10 frames with ${operations} operations`);
});

Deno.test("messages share a frame up to the length that the transport likes", () => {
  const outbox = new Outbox();
  for (let i = 0; i < 50; i++) outbox.push(Lane.operations, [message(60, i)]);
  outbox.push(Lane.operations, [message(5_000, 50)]);
  const inbox = new Inbox();
  let taken = 0;
  for (
    let frame = outbox.pull({ fillBytes: 1_000 });
    frame;
    frame = outbox.pull({ fillBytes: 1_000 })
  ) {
    const count = inbox.take(frame).length;
    assert(frame.length <= 1_000 || count === 1, `${frame.length} bytes`);
    taken += count;
  }
  assertEquals(taken, 51);
});

Deno.test("frames that are none are refused", () => {
  const bad: [string, Bytes][] = [
    ["empty", new Uint8Array(0)],
    ["longer than a frame", new Uint8Array(FRAME_BYTES_MAX + 1)],
    ["cut off in an item", Uint8Array.of(5, 0, 1)],
    ["an item without a tag", Uint8Array.of(0, 0)],
    ["an item with nothing behind the tag", Uint8Array.of(1, 0)],
    ["an unknown lane", Uint8Array.of(2, 3, 7)],
    ["an unknown bit", Uint8Array.of(2, 8, 7)],
    ["a small piece", Uint8Array.of(2, 4, 7)],
    ["a size in a longer form than needed", Uint8Array.of(0x82, 0, 0, 7)],
  ];
  for (const [what, frame] of bad) {
    assertThrows(() => new Inbox().take(frame), ProtocolError, "Cannot", what);
  }
});

Deno.test("an endless message is refused at the limit", () => {
  const inbox = new Inbox();
  const outbox = new Outbox();
  outbox.push(Lane.bulk, [new Uint8Array(2 * PIECE_BYTES_MAX)]);
  const piece = outbox.pull()!;
  let taken = 0;
  assertThrows(() => {
    for (; taken < 100; taken++) inbox.take(piece);
  }, ProtocolError);
  assertEquals(taken, Math.floor(MESSAGE_BYTES_MAX / PIECE_BYTES_MAX));
});
