/**
 * Byte arrays: the one array type that is used inside, and what it lacks.
 *
 * Bytes are owned: the public edge copies what a caller hands in, once; below
 * it arrays are passed along and never changed.
 *
 * @module
 */

/** A `Uint8Array` over a plain `ArrayBuffer`, as WebSocket and crypto want it. */
export type Bytes = ReturnType<Uint8Array["slice"]>;

/** Bytes in as many arrays as they were come by. */
export type Parts = readonly Bytes[];

/** The empty array. */
export const NO_BYTES: Bytes = new Uint8Array(0);

/** Up to this many a decoder costs more than to look at each byte. */
const SHORT_BYTES = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Encodes text as UTF-8; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/**
 * Decodes UTF-8.
 *
 * @throws {TypeError} If the bytes are not well-formed UTF-8
 */
export function fromUtf8(bytes: Uint8Array): string {
  if (bytes.length > SHORT_BYTES) return decoder.decode(bytes);
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i]! > 127) return decoder.decode(bytes);
  }
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** Whether two arrays have the same length and the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/** Like `equalBytes`, in a time that does not tell where two arrays differ. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0);
  return difference === 0;
}

/** How many bytes there are in all of them. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}

/** One array with the bytes of all of them, in order. */
export function concatBytes(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(lengthOf(parts));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** The codes of the sixteen digits. */
const DIGITS: readonly number[] = Array.from(
  "0123456789abcdef",
  (digit) => digit.charCodeAt(0),
);
/** Longer texts are made in parts of this many bytes. */
const HEX_PART_BYTES = 16;
/** The codes of a text in the making, by how many bytes it tells. */
const hexCodes: readonly number[][] = Array.from(
  { length: HEX_PART_BYTES + 1 },
  (_, bytes) => new Array(2 * bytes).fill(0),
);
/** Likewise of a text of one character for each byte; made as they are needed. */
const characterCodes: number[][] = [];

/** Lower-case hexadecimal text of `length` bytes from `offset` on. */
export function toHex(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): string {
  if (length > HEX_PART_BYTES) {
    return toHex(bytes, offset, HEX_PART_BYTES) +
      toHex(bytes, offset + HEX_PART_BYTES, length - HEX_PART_BYTES);
  }
  // One flat string: digits put together one by one are a tree of strings.
  const codes = hexCodes[length]!;
  for (let i = 0; i < length; i++) {
    const byte = bytes[offset + i]!;
    codes[2 * i] = DIGITS[byte >>> 4]!;
    codes[2 * i + 1] = DIGITS[byte & 15]!;
  }
  return String.fromCharCode.apply(null, codes);
}

/** Text with one character for each byte; up to 256 of them. */
export function toCharacters(bytes: Uint8Array): string {
  const { length } = bytes;
  const codes = characterCodes[length] ??= new Array(length).fill(0);
  for (let i = 0; i < length; i++) codes[i] = bytes[i]!;
  return String.fromCharCode.apply(null, codes);
}
