/**
 * SHA-256 (FIPS 180-4, section 6.2), synchronous.
 *
 * Every key is hashed before anything else can happen, so the hash must not
 * cost a turn of the event loop: `crypto.subtle.digest` takes 30 to 45 µs of
 * latency, as much as a loopback round trip, and this 1 to 2 µs. Secrets are
 * never hashed here; they go through WebCrypto.
 *
 * @module
 */
import type { Bytes } from "./bytes.ts";

/** The first 32 bits of the fractional parts of `root` of the first primes. */
function primeFractions(
  count: number,
  root: (n: number) => number,
): Int32Array {
  const words = new Int32Array(count);
  for (let candidate = 2, found = 0; found < count; candidate++) {
    let prime = true;
    for (let d = 2; d * d <= candidate; d++) {
      if (candidate % d === 0) prime = false;
    }
    if (!prime) continue;
    const value = root(candidate);
    words[found++] = ((value - Math.floor(value)) * 0x1_0000_0000) | 0;
  }
  return words;
}

const INITIAL = primeFractions(8, Math.sqrt);
const ROUND = primeFractions(64, Math.cbrt);

// One schedule for all calls: nothing here can be interrupted.
const schedule = new Int32Array(64);
const state = new Int32Array(8);
const tail = new Uint8Array(128);

function compress(block: Uint8Array, offset: number): void {
  const w = schedule;
  for (let i = 0, at = offset; i < 16; i++, at += 4) {
    w[i] = (block[at]! << 24) | (block[at + 1]! << 16) |
      (block[at + 2]! << 8) | block[at + 3]!;
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!;
    const y = w[i - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
  }
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^
      ((e >>> 25) | (e << 7));
    const t1 = (h + S1 + ((e & f) ^ (~e & g)) + ROUND[i]! + w[i]!) | 0;
    const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^
      ((a >>> 22) | (a << 10));
    const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = (state[0]! + a) | 0;
  state[1] = (state[1]! + b) | 0;
  state[2] = (state[2]! + c) | 0;
  state[3] = (state[3]! + d) | 0;
  state[4] = (state[4]! + e) | 0;
  state[5] = (state[5]! + f) | 0;
  state[6] = (state[6]! + g) | 0;
  state[7] = (state[7]! + h) | 0;
}

/**
 * The SHA-256 digest of `bytes`: 32 bytes.
 *
 * @example The digest of nothing
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sha256 } from "./sha256.ts";
 *
 * assertEquals(sha256(new Uint8Array())[0], 0xe3);
 * ```
 */
export function sha256(bytes: Uint8Array): Bytes {
  const digest = new Uint8Array(32);
  sha256Into(bytes, digest);
  return digest;
}

/** Writes the digest of `bytes` into the first 32 bytes of `digest`. */
export function sha256Into(bytes: Uint8Array, digest: Uint8Array): void {
  state.set(INITIAL);
  const whole = bytes.length & ~63;
  for (let at = 0; at < whole; at += 64) compress(bytes, at);
  // Padding: a one bit, zeros, and the length in bits as a 64-bit number.
  const rest = bytes.length - whole;
  const padded = rest < 56 ? 64 : 128;
  tail.fill(0, 0, padded);
  tail.set(rest === bytes.length ? bytes : bytes.subarray(whole));
  tail[rest] = 0x80;
  const bits = bytes.length * 8;
  writeU32(tail, padded - 8, Math.floor(bits / 0x1_0000_0000));
  writeU32(tail, padded - 4, bits >>> 0);
  for (let at = 0; at < padded; at += 64) compress(tail, at);
  for (let i = 0; i < 8; i++) writeU32(digest, i * 4, state[i]!);
}

function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}
