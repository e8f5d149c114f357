/**
 * What an application watches, and what it is told.
 *
 * @module
 */
import type { Input } from "../../base/codecs.ts";

/** What to watch: all keys with a prefix, or one key. */
export type WatchTarget<K> =
  | {
    /**
     * What the bytes of the keys begin with, as their codec makes them; a
     * string is its UTF-8. Empty: all keys. Up to 1,024 bytes.
     */
    readonly prefix: string | Uint8Array;
    readonly key?: undefined;
  }
  | { readonly key: Input<K>; readonly prefix?: undefined };

/** Options of {@linkcode ChordSocket.watch}. */
export interface WatchOptions {
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The `version` of an event: what is newer comes first. `""`: all that there
   * is comes first. Without it only what changes from now on.
   */
  readonly since?: string | undefined;
}

/** What has become of a key. */
export type WatchEvent<K, V> =
  | {
    readonly type: "set";
    readonly key: K;
    readonly value: V;
    /** Larger, as a string, than those of all earlier writes of the key. */
    readonly version: string;
  }
  | {
    readonly type: "delete";
    readonly key: K;
    /** That of the deletion; of an entry whose time was over, its own. */
    readonly version: string;
  }
  /** Something was missed: forget what was told; all that there is follows. */
  | { readonly type: "gap" };

/**
 * The changes of watched keys, until the loop is left, the signal is aborted or
 * the socket closes. Of each key the events come in the order of their
 * versions; a reader that is slow is told the newest only.
 */
export interface Watch<K, V>
  extends AsyncIterableIterator<WatchEvent<K, V>, undefined>, AsyncDisposable {
  /**
   * Resolves once every change that comes after is told, or once the watch has
   * ended. It waits for as long as there is nobody to ask.
   */
  readonly ready: Promise<void>;
  /**
   * The next change, now or later.
   *
   * @throws {ClosedError} If the socket was closed before the watch began
   * @throws {OverloadedError} If more is watched than this node can remember
   */
  next(): Promise<IteratorResult<WatchEvent<K, V>, undefined>>;
  /** Ends the watch. */
  return(): Promise<IteratorResult<WatchEvent<K, V>, undefined>>;
  [Symbol.asyncIterator](): this;
}
