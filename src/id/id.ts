/**
 * 128-bit identifiers: of nodes, of positions on the ring, of keys.
 *
 * An id is 32 lower-case hexadecimal characters: the order of the texts is the
 * order of the numbers, and a `Map` takes them as keys.
 *
 * @module
 */
import { type Bytes, toHex } from "../base/bytes.ts";
import type { Random } from "../base/random.ts";
import { sha256Into } from "../base/sha256.ts";

/** 32 lower-case hexadecimal characters. */
export type Id = string;

/** Bytes of an id on the wire. */
export const ID_BYTES = 16;

/** The smallest id; also what "no id" is on the wire where a field needs one. */
export const ZERO_ID: Id = "0".repeat(32);

/** The largest id. */
export const MAX_ID: Id = "f".repeat(32);

/** A new id from four draws. */
export function randomId(random: Random): Id {
  let id = "";
  for (let i = 0; i < 4; i++) {
    id += random.uint32().toString(16).padStart(8, "0");
  }
  return id;
}

// One for all calls: nothing here can be interrupted.
const digest = new Uint8Array(32);

/** Where a key is on the ring: the first 128 bits of its SHA-256. */
export function keyId(key: Uint8Array): Id {
  sha256Into(key, digest);
  return toHex(digest, 0, ID_BYTES);
}

/**
 * Ids that were read lately, each where its last bytes say. A node reads the
 * same few again and again; one that is known need not be put together, and a
 * `Map` has hashed it already. Who sends others only makes this useless.
 */
const RECENT = 1024;
const recentWords = new Int32Array(4 * RECENT);
const recentIds: Id[] = new Array<Id>(RECENT).fill(ZERO_ID);

/** Reads the id at `offset`; the caller has checked the bounds. */
export function idFromBytes(bytes: Uint8Array, offset = 0): Id {
  const a = wordAt(bytes, offset);
  const b = wordAt(bytes, offset + 4);
  const c = wordAt(bytes, offset + 8);
  const d = wordAt(bytes, offset + 12);
  const slot = d & (RECENT - 1);
  const at = 4 * slot;
  const isKnown = recentWords[at] === a && recentWords[at + 1] === b &&
    recentWords[at + 2] === c && recentWords[at + 3] === d;
  if (isKnown) return recentIds[slot]!;
  recentWords[at] = a;
  recentWords[at + 1] = b;
  recentWords[at + 2] = c;
  recentWords[at + 3] = d;
  return recentIds[slot] = toHex(bytes, offset, ID_BYTES);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) |
    bytes[at + 3]!;
}

/** Writes `id` at `offset`; the caller has checked the bounds. */
export function writeId(id: Id, target: Uint8Array, offset: number): void {
  for (let i = 0; i < ID_BYTES; i++) {
    target[offset + i] = (hexDigit(id, 2 * i) << 4) | hexDigit(id, 2 * i + 1);
  }
}

/** The 16 bytes of `id`. */
export function idToBytes(id: Id): Bytes {
  const bytes = new Uint8Array(ID_BYTES);
  writeId(id, bytes, 0);
  return bytes;
}

/** The id as a number. */
export function idToBigInt(id: Id): bigint {
  return BigInt(`0x${id}`);
}

/** The id of a number, taken modulo 2^128. */
export function idFromBigInt(value: bigint): Id {
  return BigInt.asUintN(128, value).toString(16).padStart(32, "0");
}

/** One of the digits of an id, as a number. */
export function hexDigit(id: Id, at: number): number {
  const charCode = id.charCodeAt(at);
  return charCode < 58 ? charCode - 48 : charCode - 87;
}
