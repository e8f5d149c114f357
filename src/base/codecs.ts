/**
 * How an application's keys and values become bytes and come back.
 *
 * @module
 */
import { fromUtf8, utf8 } from "./bytes.ts";

/**
 * Turns values into bytes and bytes into values.
 *
 * `decode(encode(x))` must be equal to `x`; as a codec of keys, equal keys must
 * have equal bytes. The array that `encode` gives belongs to the socket from
 * then on; the one that `decode` gets must not be changed.
 *
 * @typeParam T what comes back
 * @typeParam Input what goes in
 */
export interface Codec<T, Input = T> {
  /** @throws {TypeError} If the value cannot be told in this codec's bytes */
  encode(value: Input): Uint8Array;
  /** @throws {Error} If no value has these bytes */
  decode(bytes: Uint8Array): T;
}

/**
 * What goes into methods whose results are of type `T`: of byte arrays also
 * strings, which are taken as UTF-8.
 */
export type Input<T> = [T] extends [Uint8Array] ? T | string : T;

/**
 * Bytes as they are, and strings as their UTF-8; arrays come back. The default.
 *
 * @example Strings go in, bytes come out
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { bytes } from "@chord/dict";
 *
 * assertEquals(bytes.decode(bytes.encode("é")), Uint8Array.of(0xc3, 0xa9));
 * ```
 */
export const bytes: Codec<Uint8Array, string | Uint8Array> = {
  encode(value) {
    if (typeof value === "string") return encodeText(value);
    if (value instanceof Uint8Array) return value.slice();
    throw new TypeError(
      `Cannot take ${wordsFor(value)} as bytes: give a string or a Uint8Array`,
    );
  },
  decode: (encoded) => encoded.slice(),
};

/**
 * Strings as UTF-8.
 *
 * @example Strings go in, strings come out
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { text } from "@chord/dict";
 *
 * assertEquals(text.decode(text.encode("héllo")), "héllo");
 * ```
 */
export const text: Codec<string> = {
  encode(value) {
    if (typeof value === "string") return encodeText(value);
    throw new TypeError(
      `Cannot take ${wordsFor(value)} as text: give a string`,
    );
  },
  decode: fromUtf8,
};

/**
 * Anything that JSON can tell, as UTF-8.
 *
 * Not for keys that are objects: `{a, b}` and `{b, a}` are different bytes.
 *
 * @example Values go in, equal values come out
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { json } from "@chord/dict";
 *
 * assertEquals(json.decode(json.encode({ visits: [1, null] })), {
 *   visits: [1, null],
 * });
 * ```
 */
// deno-lint-ignore no-explicit-any -- only the application knows what it stores
export const json: Codec<any> = {
  encode(value) {
    const encoded = JSON.stringify(value);
    if (encoded !== undefined) return utf8(encoded);
    throw new TypeError(
      `Cannot take ${wordsFor(value)} as JSON: it has no JSON form`,
    );
  },
  decode: (encoded) => JSON.parse(fromUtf8(encoded)),
};

/** Half a surrogate pair would become U+FFFD, and two keys one. */
function encodeText(value: string): Uint8Array {
  if (value.isWellFormed()) return utf8(value);
  throw new TypeError(
    `Cannot take a string with half a surrogate pair as UTF-8: give ` +
      `well-formed text, or bytes`,
  );
}

function wordsFor(value: unknown): string {
  return value === null ? "null" : `a value of type ${typeof value}`;
}
