/**
 * One copy, as it is kept.
 *
 * An array of bytes costs some 240 bytes besides its own in V8, and 100 in
 * JavaScriptCore; a string of one byte a character 16 to 40. So short keys and
 * values are kept as strings, each character one byte, both in one where they are
 * short together, and become arrays when they are asked for: 0.1 µs each time,
 * for less than half of the memory.
 *
 * Not taken: many entries in one large array. What was freed in it would be
 * written over while somebody may still read a view of it.
 *
 * @module
 */
import { type Bytes, toCharacters } from "../base/bytes.ts";
import type { Id } from "../id/id.ts";
import type { EntryRecord, Terms, Version } from "../wire/messages.ts";

/** One copy. */
export interface Entry extends EntryRecord {
  /** Hash of the key. */
  readonly id: Id;
  readonly key: Bytes;
  /** `undefined`: a tombstone. */
  readonly value: Bytes | undefined;
  readonly version: Version;
  readonly terms: Terms | undefined;
  /**
   * When it came or went, in monotonic ms; a new value changes nothing. Of a
   * copy that another node had before, its version says when.
   */
  readonly changedAtMs: number;
  /** Whether there is a value; to ask for the value itself costs more. */
  readonly isLive: boolean;
  /** Bytes of the key and the value. */
  readonly size: number;
}

/** Longer ones are kept as arrays. */
const PACKED_BYTES_MAX = 256;

type Packed = string | Bytes;

/** A key and a value, one after the other. */
const together: Bytes = new Uint8Array(PACKED_BYTES_MAX);

/** One copy that takes little memory. */
export class StoredEntry implements Entry {
  readonly id: Id;
  readonly version: Version;
  readonly terms: Terms | undefined;
  readonly changedAtMs: number;
  /** Of a short entry, the value as well: from where `#value` says. */
  readonly #key: Packed;
  readonly #value: Packed | number | undefined;

  /** @param record what it holds; bytes that are most of their buffer are not copied */
  constructor(id: Id, record: EntryRecord, changedAtMs: number) {
    const { key, value, version, terms } = record;
    this.id = id;
    this.version = version;
    this.terms = terms;
    this.changedAtMs = changedAtMs;
    const length = key.length + (value?.length ?? PACKED_BYTES_MAX);
    if (length <= PACKED_BYTES_MAX) {
      together.set(key);
      together.set(value!, key.length);
      this.#key = pack(together.subarray(0, length));
      this.#value = key.length;
    } else {
      this.#key = pack(key);
      this.#value = value && pack(value);
    }
  }

  get key(): Bytes {
    return typeof this.#value === "number"
      ? unpack(this.#key, 0, this.#value)
      : unpack(this.#key);
  }

  get value(): Bytes | undefined {
    const value = this.#value;
    if (value === undefined) return undefined;
    return typeof value === "number" ? unpack(this.#key, value) : unpack(value);
  }

  get isLive(): boolean {
    return this.#value !== undefined;
  }

  get size(): number {
    const value = this.#value;
    const more = typeof value === "number" ? 0 : value?.length ?? 0;
    return this.#key.length + more;
  }
}

function pack(bytes: Bytes): Packed {
  if (bytes.length > PACKED_BYTES_MAX) return owned(bytes);
  return toCharacters(bytes);
}

/** Copies the part from `start` to `end` of what is packed; arrays are whole. */
function unpack(packed: Packed, start = 0, end: number = packed.length): Bytes {
  if (typeof packed !== "string") return packed;
  const bytes = new Uint8Array(end - start);
  for (let i = start; i < end; i++) bytes[i - start] = packed.charCodeAt(i);
  return bytes;
}

/** What came in a frame is a view of it, and would keep all of it alive. */
function owned(bytes: Bytes): Bytes {
  const isMost = bytes.length * 2 > bytes.buffer.byteLength;
  return isMost ? bytes : bytes.slice();
}
