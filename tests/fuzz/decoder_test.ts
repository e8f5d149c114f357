import { assert } from "@std/assert";
import { encodeHex } from "@std/encoding";
import { equalBytes } from "../../src/base/bytes.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import { MESSAGE_BYTES_MAX } from "../../src/base/limits.ts";
import { below, pick, SeededRandom } from "../../src/base/random.ts";
import { decode, encode } from "../../src/wire/codec.ts";
import { declarations, type Message } from "../../src/wire/messages.ts";
import { messageOf, messageTypes } from "../wire/generator.ts";
import { mutated, randomBytes, spliced } from "./mutations.ts";

const FRAMES = 100_000;
/** Objects, numbers and bytes that one byte of input may become at most. */
const GROWTH_MAX = 8;
const GROWTH_START = 64;

/** How much a decoded value holds: one for each thing, and its bytes. */
function weight(value: unknown): number {
  if (value instanceof Uint8Array) return 1 + value.length;
  if (typeof value === "string") return 1 + value.length;
  if (typeof value !== "object" || value === null) return 1;
  let sum = 1;
  for (const part of Object.values(value)) sum += weight(part);
  return sum;
}

/** The message, or `undefined` if it was refused as it must be. */
function tryDecode(bytes: Uint8Array<ArrayBuffer>): Message | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    const shown = encodeHex(bytes.subarray(0, 4096));
    throw new Error(`Cannot decode, but not as it should: ${shown}`, {
      cause: error,
    });
  }
}

/** What must hold of whatever was accepted. */
function checkAccepted(bytes: Uint8Array, message: Message): void {
  const held = weight(message);
  assert(
    held <= GROWTH_MAX * bytes.length + GROWTH_START,
    `${bytes.length} bytes became ${held}: ${encodeHex(bytes)}`,
  );
  assert(
    equalBytes(encode(message), bytes),
    `accepted in a second spelling: ${encodeHex(bytes)}`,
  );
}

Deno.test("100,000 mutated frames cause nothing but ProtocolError", () => {
  const random = new SeededRandom(20, "frames");
  const pool = messageTypes.flatMap((type) =>
    Array.from({ length: 20 }, () => encode(messageOf(type, random)))
  ).filter(({ length }) => length <= 4096);
  let accepted = 0;
  for (let i = 0; i < FRAMES; i++) {
    const frame = pick(random, pool)!;
    const bytes = below(random, 10) === 0
      ? spliced(random, frame, pick(random, pool)!)
      : mutated(random, frame);
    const message = tryDecode(bytes);
    if (message === undefined) continue;
    accepted++;
    checkAccepted(bytes, message);
  }
  // Both ways out of the decoder must have been taken.
  assert(accepted > FRAMES / 100, `${accepted} were accepted`);
  assert(accepted < FRAMES * 0.9, `${accepted} were accepted`);
});

Deno.test("100,000 runs of random bytes cause nothing but ProtocolError", () => {
  const random = new SeededRandom(21, "bytes");
  for (let i = 0; i < FRAMES; i++) {
    const bytes = randomBytes(random, below(random, 100));
    // Half of them get past the first byte.
    if (bytes.length > 0 && i % 2 === 0) {
      bytes[0] = pick(random, declarations)!.kind;
    }
    const message = tryDecode(bytes);
    if (message !== undefined) checkAccepted(bytes, message);
  }
});

Deno.test("every frame of two bytes is decoded or refused", () => {
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      const bytes = Uint8Array.of(first, second);
      const message = tryDecode(bytes);
      if (message !== undefined) checkAccepted(bytes, message);
    }
  }
});

Deno.test("a megabyte of any one byte after any kind is refused quickly", () => {
  const startMs = performance.now();
  const fills = [0, 1, 2, 127, 128, 255];
  for (const { kind } of declarations) {
    for (const fill of fills) {
      const bytes = new Uint8Array(MESSAGE_BYTES_MAX).fill(fill);
      bytes[0] = kind;
      const message = tryDecode(bytes);
      if (message !== undefined) checkAccepted(bytes, message);
    }
  }
  const eachMs = (performance.now() - startMs) /
    (declarations.length * fills.length);
  assert(eachMs < 100, `a frame took ${eachMs} ms`);
});
