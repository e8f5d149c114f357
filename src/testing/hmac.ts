/**
 * HMAC-SHA-256 (RFC 2104), synchronous: for simulated nodes, which have no
 * secrets worth keeping. Real ones use WebCrypto.
 *
 * @module
 */
import { type Bytes, concatBytes } from "../base/bytes.ts";
import { sha256 } from "../base/sha256.ts";

const BLOCK_BYTES = 64;

/** The MAC of `text` by `key`. */
export function hmac(key: Bytes, text: Bytes): Bytes {
  const short = key.length > BLOCK_BYTES ? sha256(key) : key;
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(short);
  const inner = sha256(concatBytes([block.map((byte) => byte ^ 0x36), text]));
  return sha256(concatBytes([block.map((byte) => byte ^ 0x5c), inner]));
}
