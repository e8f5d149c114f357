/**
 * Ways in which bytes go wrong on purpose.
 *
 * @module
 */
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { below, pick, type Random } from "../../src/base/random.ts";

/** Values that lengths, counts and flags are wrong at. */
const TELLING = [0, 1, 2, 3, 127, 128, 129, 254, 255];

function flipBit(random: Random, bytes: Bytes): Bytes {
  if (bytes.length === 0) return bytes;
  bytes[below(random, bytes.length)]! ^= 1 << below(random, 8);
  return bytes;
}

function setByte(random: Random, bytes: Bytes): Bytes {
  if (bytes.length === 0) return bytes;
  bytes[below(random, bytes.length)] = pick(random, TELLING)!;
  return bytes;
}

function cutOff(random: Random, bytes: Bytes): Bytes {
  return bytes.slice(0, below(random, bytes.length + 1));
}

function cutOut(random: Random, bytes: Bytes): Bytes {
  const from = below(random, bytes.length + 1);
  const to = from + below(random, Math.min(16, bytes.length - from + 1));
  return concatBytes([bytes.subarray(0, from), bytes.subarray(to)]);
}

function insert(random: Random, bytes: Bytes): Bytes {
  const at = below(random, bytes.length + 1);
  const extra = randomBytes(random, 1 + below(random, 8));
  return concatBytes([bytes.subarray(0, at), extra, bytes.subarray(at)]);
}

/** A varint that says that very much follows. */
function claimMuch(random: Random, bytes: Bytes): Bytes {
  const at = below(random, bytes.length + 1);
  const claim = Uint8Array.of(255, 255, 255, 127).subarray(below(random, 4));
  return concatBytes([
    bytes.subarray(0, at),
    claim,
    bytes.subarray(at + below(random, 2)),
  ]);
}

const MUTATIONS = [flipBit, setByte, cutOff, cutOut, insert, claimMuch];

/** Any bytes. */
export function randomBytes(random: Random, length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random.uint32() & 255;
  return bytes;
}

/** A copy of `bytes` with one to four things wrong, or none by luck. */
export function mutated(random: Random, bytes: Uint8Array): Bytes {
  let result = bytes.slice() as Bytes;
  for (let left = 1 + below(random, 4); left > 0; left--) {
    result = pick(random, MUTATIONS)!(random, result);
  }
  return result;
}

/** The beginning of one and the end of another. */
export function spliced(random: Random, a: Uint8Array, b: Uint8Array): Bytes {
  return concatBytes([
    a.subarray(0, below(random, a.length + 1)),
    b.subarray(below(random, b.length + 1)),
  ]);
}
