/**
 * What a dict's socket is made with, and what its calls take and give.
 *
 * @module
 */
import type { Codec, Input } from "../../base/codecs.ts";
import { checkFlag, checkLifeMs } from "../../base/options.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../base/limits.ts";
import type { CallOptions, MeshOptions } from "../../mesh/driver/options.ts";
import type { MeshStats } from "../../mesh/driver/views.ts";
import type { Lifetime, ReadMode } from "../operations.ts";

/** How long `join`, `leave` and `settled` wait by default: they move data. */
export const MOVE_TIMEOUT_MS = 60_000;

/** Options of both kinds of dict. */
export interface DictOptions<K, V> extends MeshOptions {
  /**
   * A key belongs to the node that wrote it, for `leaseMs` after each write;
   * others' writes reject with a `LeaseError`. Nodes with leasing and nodes
   * without never meet.
   *
   * @default {false} of a `ChordSocket`, `true` of a `SyncSocket`
   */
  readonly leasing?: boolean;
  /**
   * How long a key belongs to this node after it wrote it, in milliseconds; up
   * to ten years.
   *
   * @default {3_600_000}
   */
  readonly leaseMs?: number;
  /** How keys become bytes and come back; all nodes must have the same. */
  readonly keys?: Codec<K, Input<K>>;
  /** How values become bytes and come back; all nodes must have the same. */
  readonly values?: Codec<V, Input<V>>;
}

/** Options of {@linkcode SyncSocket}. */
export type SyncOptions<K, V> = DictOptions<K, V>;

/** Options of {@linkcode ChordSocket}. */
export interface ChordOptions<K, V> extends DictOptions<K, V> {
  /**
   * Copies of each entry, this many nodes permitting. All nodes of a subnet
   * must have the same.
   *
   * @default {3}
   */
  readonly replicas?: number;
  /**
   * Keeps the names of all keys on this node too, so that plain `for … of`
   * works. It costs memory for every key of the dict.
   *
   * @default {false}
   */
  readonly directory?: boolean;
}

/** Options of {@linkcode ChordSocket.get} and {@linkcode ChordSocket.has}. */
export interface ReadOptions extends CallOptions {
  /**
   * Whom to ask: `"first"`, the key's first holder, which sees every
   * acknowledged write while nobody comes or goes; `"nearest"`, whichever
   * holder is quickest to reach; `"quorum"`, more than half of the holders;
   * `"all"` of them. The newest of what they answer is the result.
   *
   * @default {"first"}
   */
  readonly read?: ReadMode;
}

/** Options of the calls that store values. */
export interface WriteOptions extends CallOptions {
  /**
   * The entry is gone this long after it was written, in milliseconds; up to
   * ten years. Without it, it stays.
   */
  readonly ttlMs?: number | undefined;
  /**
   * The entry is gone once the node that wrote it is: a member or leaf that
   * closed, or that the others have not seen for a while.
   *
   * @default {false}
   */
  readonly session?: boolean | undefined;
}

/** Entries to store; a plain object where keys can be strings. */
export type Entries<K, V> =
  | Iterable<readonly [Input<K>, Input<V>]>
  | (string extends Input<K> ? { readonly [key: string]: Input<V> } : never);

/** One member and its arc of the ring. */
export interface Arc {
  /** The id of the member. */
  readonly id: string;
  /** What can be dialled; empty if it cannot be. */
  readonly url: string;
  /** Where the arc begins, not included: the position of the member before. */
  readonly after: string;
  /** Where the arc ends, included: the member's own position. */
  readonly through: string;
  /** The arc's part of the ring, from 0 to 1. */
  readonly share: number;
}

/** What the `stats` of a dict's socket gives. */
export interface DictStats extends MeshStats {
  /** Copies that this node holds, tombstones not counted. */
  readonly entries: number;
  /** Deleted keys that this node remembers. */
  readonly tombstones: number;
  /** Bytes of the keys and values of the copies held. */
  readonly bytes: number;
}

/** The events of {@linkcode ChordSocket}, besides those of its base. */
export interface DictEvents<Socket, K> {
  /** A key is there that was not. */
  add: [socket: Socket, key: K];
  /** A key is not there any more. */
  delete: [socket: Socket, key: K];
}

/** What the listeners of `"update"` are told besides. */
export interface UpdateDetails {
  /** The id of the node that wrote the value. */
  readonly owner: string;
  /** When it did, in milliseconds since 1970. */
  readonly timestamp: number;
}

/** The events of {@linkcode SyncSocket}, besides those of its base. */
export interface SyncEvents<Socket, K, V> {
  /** A newer value is here, whoever wrote it. */
  update: [socket: Socket, key: K, value: V, details: UpdateDetails];
  /** A key is not here any more. */
  delete: [socket: Socket, key: K];
}

const READS: readonly unknown[] = ["first", "nearest", "quorum", "all"];

/** @throws {TypeError} If it is no way of reading */
export function checkRead(read: ReadMode = "first"): ReadMode {
  if (READS.includes(read)) return read;
  throw new TypeError(
    `Cannot read from "${read}": give "first", "nearest", "quorum" or "all"`,
  );
}

/**
 * @throws {TypeError} If an option is of the wrong type
 * @throws {RangeError} If `ttlMs` is out of its range
 */
export function checkLifetime({ ttlMs, session }: WriteOptions): Lifetime {
  return {
    ttlMs: ttlMs === undefined ? 0 : checkLifeMs(ttlMs, "ttlMs"),
    session: checkFlag(session ?? false, "session"),
  };
}

/** @throws {TypeError} If the codec gave no bytes, none at all, or too many */
export function checkKey(key: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = checkBytes(key, "key").length;
  if (length >= 1 && length <= KEY_BYTES_MAX) {
    return key as Uint8Array<ArrayBuffer>;
  }
  throw new TypeError(
    `Cannot use a key of ${length} bytes: give 1 to ${KEY_BYTES_MAX}`,
  );
}

/**
 * @throws {TypeError} If the codec gave no bytes
 * @throws {RangeError} If it gave too many
 */
export function checkValue(value: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = checkBytes(value, "value");
  if (length <= VALUE_BYTES_MAX) return value as Uint8Array<ArrayBuffer>;
  throw new RangeError(
    `Cannot store a value of ${length} bytes: at most ${VALUE_BYTES_MAX} are ` +
      `allowed; split it, or store where it is to be found`,
  );
}

function checkBytes(bytes: unknown, what: string): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  throw new TypeError(
    `Cannot use what the codec made of a ${what}: it is of type ` +
      `${typeof bytes}, wanted is a Uint8Array`,
  );
}
