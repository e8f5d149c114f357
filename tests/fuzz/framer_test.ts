import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import {
  FRAME_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PIECE_BYTES_MAX,
} from "../../src/base/limits.ts";
import {
  below,
  pick,
  type Random,
  SeededRandom,
} from "../../src/base/random.ts";
import { Inbox, Outbox } from "../../src/mesh/framer.ts";
import { Lane } from "../../src/wire/messages.ts";

const LANES = [Lane.control, Lane.operations, Lane.bulk] as const;

/** A message that says in its first bytes which one it is. */
function message(lane: Lane, number: number, length: number): Bytes {
  const bytes = new Uint8Array(Math.max(length, 5)).fill(lane);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

const LENGTHS = [1, 5, 127, 128, 16_384, PIECE_BYTES_MAX - 1, PIECE_BYTES_MAX];
const LONG = [PIECE_BYTES_MAX + 1, 3 * PIECE_BYTES_MAX, MESSAGE_BYTES_MAX];

function lengthOf(random: Random, lane: Lane): number {
  const isLong = lane === Lane.bulk ? 4 : 40;
  return pick(random, below(random, isLong) === 0 ? LONG : LENGTHS)!;
}

/** Sends messages in all lanes while frames leave, and checks what arrives. */
function carry(random: Random, count: number): void {
  const outbox = new Outbox();
  const inbox = new Inbox();
  const arrived: Bytes[] = [];
  const sent: Bytes[][] = [[], [], []];
  const pull = () => {
    const frame = outbox.pull();
    if (frame === undefined) return;
    assert(frame.length <= FRAME_BYTES_MAX, `a frame of ${frame.length} bytes`);
    arrived.push(...inbox.take(frame));
  };
  for (let number = 0; number < count; number++) {
    const lane = pick(random, LANES)!;
    const bytes = message(lane, number, lengthOf(random, lane));
    sent[lane]!.push(bytes);
    // However many arrays a message is in, it is the same message.
    const at = below(random, bytes.length + 1);
    outbox.push(lane, [bytes.subarray(0, at), bytes.subarray(at)]);
    while (below(random, 3) === 0) pull();
  }
  while (!outbox.isEmpty) pull();
  assertEquals(outbox.bytes, 0);
  assertEquals(outbox.pull(), undefined);
  for (const lane of LANES) {
    const there = arrived.filter((bytes) => bytes.at(-1) === lane);
    assertEquals(there.length, sent[lane]!.length);
    for (const [at, bytes] of there.entries()) {
      assert(equal(bytes, sent[lane]![at]!), `lane ${lane}, message ${at}`);
    }
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

Deno.test("messages arrive whole and, within their lane, in order", () => {
  for (let seed = 0; seed < 10; seed++) {
    carry(new SeededRandom(seed, "carry"), 60);
  }
});

Deno.test("a life sign leaves with the next frame, whatever else waits", () => {
  const outbox = new Outbox();
  for (let i = 0; i < 8; i++) {
    outbox.push(Lane.bulk, [message(Lane.bulk, i, MESSAGE_BYTES_MAX)]);
    outbox.push(Lane.operations, [message(Lane.operations, i, 200_000)]);
  }
  const inbox = new Inbox();
  for (let i = 0; i < 20; i++) {
    inbox.take(outbox.pull()!);
    outbox.push(Lane.control, [message(Lane.control, i, 40)]);
    const [first] = inbox.take(outbox.pull()!);
    assertEquals(first, message(Lane.control, i, 40));
  }
});

Deno.test("bulk goes on while operations never cease", () => {
  const outbox = new Outbox();
  const inbox = new Inbox();
  outbox.push(Lane.bulk, [message(Lane.bulk, 0, MESSAGE_BYTES_MAX)]);
  const pieces = Math.ceil(MESSAGE_BYTES_MAX / PIECE_BYTES_MAX);
  let frames = 0;
  for (let isThere = false; !isThere; frames++) {
    assert(frames < 4 * pieces, "bulk starves");
    for (let i = 0; i < 4; i++) {
      outbox.push(Lane.operations, [message(Lane.operations, i, 60_000)]);
    }
    isThere = inbox.take(outbox.pull()!).some((bytes) => bytes.at(-1) === 2);
  }
});

Deno.test("64 small messages of one turn are one frame", () => {
  const outbox = new Outbox();
  for (let i = 0; i < 64; i++) {
    outbox.push(Lane.operations, [message(Lane.operations, i, 96)]);
  }
  assertEquals(new Inbox().take(outbox.pull()!).length, 64);
  assert(outbox.isEmpty);
});

/** An item with the size that is true for its bytes. */
function item(tag: number, length: number): Bytes {
  const size = length + 1;
  const sizes: number[] = [];
  for (let rest = size;; rest >>>= 7) {
    sizes.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return concatBytes([
    Uint8Array.from([...sizes, tag]),
    new Uint8Array(length),
  ]);
}

Deno.test("pieces without an end are refused at the largest message", () => {
  for (const lane of LANES) {
    const inbox = new Inbox();
    const piece = item(lane | 4, PIECE_BYTES_MAX);
    const allowed = Math.floor(MESSAGE_BYTES_MAX / PIECE_BYTES_MAX);
    for (let i = 0; i < allowed; i++) assertEquals(inbox.take(piece), []);
    assertThrows(() => inbox.take(piece), ProtocolError, "at most");
  }
});

Deno.test("pieces so small that they would cost more than they carry are refused", () => {
  const inbox = new Inbox();
  assertThrows(() => inbox.take(item(4, 1)), ProtocolError, "piece of 1 bytes");
});

Deno.test("frames that are empty, too long or of unknown tags are refused", () => {
  const broken = [
    new Uint8Array(0),
    new Uint8Array(FRAME_BYTES_MAX + 1),
    Uint8Array.of(2),
    item(0, 0),
    item(3, 5),
    item(8, 5),
    item(0, 5).subarray(0, 6),
    item(0, PIECE_BYTES_MAX + 1),
  ];
  for (const frame of broken) {
    assertThrows(() => new Inbox().take(frame), ProtocolError, "Cannot read");
  }
});
