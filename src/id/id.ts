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

/** Reads the id at `offset`; the caller has checked the bounds. */
export function idFromBytes(bytes: Uint8Array, offset = 0): Id {
  return toHex(bytes, offset, ID_BYTES);
}

/** Writes `id` at `offset`; the caller has checked the bounds. */
export function writeId(id: Id, target: Uint8Array, offset: number): void {
  for (let i = 0; i < ID_BYTES; i++) {
    target[offset + i] = (digit(id.charCodeAt(2 * i)) << 4) |
      digit(id.charCodeAt(2 * i + 1));
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

function digit(charCode: number): number {
  return charCode < 58 ? charCode - 48 : charCode - 87;
}
