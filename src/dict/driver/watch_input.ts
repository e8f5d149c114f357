/**
 * What an application gives to watch, checked, and what it gets as a version.
 *
 * @module
 */
import { type Bytes, utf8 } from "../../base/bytes.ts";
import type { Input } from "../../base/codecs.ts";
import { KEY_BYTES_MAX } from "../../base/limits.ts";
import type { Version } from "../../wire/messages.ts";
import type { Since } from "../watch.ts";
import type { WatchTarget } from "./watch.ts";

/**
 * @throws {TypeError} If it is neither a prefix nor a key
 * @throws {RangeError} If the prefix is longer than any key
 */
export function checkTarget<K>(
  target: WatchTarget<K>,
): { readonly prefix: Bytes } | { readonly key: Input<K> } {
  const { prefix, key } = Object(target) as WatchTarget<K>;
  if ((prefix === undefined) === (key === undefined)) {
    throw new TypeError(
      `Cannot watch both or neither of a prefix and a key: give ` +
        `{ prefix } or { key }`,
    );
  }
  if (prefix === undefined) return { key: key as Input<K> };
  if (typeof prefix !== "string" && !(prefix instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot watch a prefix of type ${typeof prefix}: give a string or a ` +
        `Uint8Array`,
    );
  }
  if (typeof prefix === "string" && !prefix.isWellFormed()) {
    throw new TypeError(
      `Cannot watch a prefix with half a surrogate pair: give well-formed ` +
        `text, or bytes`,
    );
  }
  const bytes = typeof prefix === "string" ? utf8(prefix) : prefix.slice();
  if (bytes.length <= KEY_BYTES_MAX) return { prefix: bytes as Bytes };
  throw new RangeError(
    `Cannot watch a prefix of ${bytes.length} bytes: no key is longer than ` +
      `${KEY_BYTES_MAX}`,
  );
}

/**
 * @throws {TypeError} If it is no string
 * @throws {RangeError} If it is no version
 */
export function checkSince(since: unknown): Since {
  if (since === undefined) return "now";
  if (typeof since !== "string") {
    throw new TypeError(
      `Cannot watch since a version of type ${typeof since}: give the ` +
        `"version" of an event`,
    );
  }
  if (since === "") return "start";
  if (/^[0-9a-f]{32}$/.test(since)) {
    return {
      ms: parseInt(since.slice(0, 12), 16),
      count: parseInt(since.slice(12, 16), 16),
      node: since.slice(16),
    };
  }
  throw new RangeError(
    `Cannot watch since "${since}": it is no version; give the "version" of ` +
      `an event, or "" for all that there is`,
  );
}

/** A version as text that sorts as versions do. */
export function textOf({ ms, count, node }: Version): string {
  return ms.toString(16).padStart(12, "0") +
    count.toString(16).padStart(4, "0") + node;
}
