/**
 * What an application can ask of the dict, and what it gets.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Id } from "../id/id.ts";
import type { EntryRecord, Version } from "../wire/messages.ts";
import type { Since } from "./watch.ts";
import type { Match } from "./watch_match.ts";
import type { WatchQueue } from "./watch_queue.ts";

/** Which copies a read asks. */
export type ReadMode = "first" | "nearest" | "quorum" | "all";

/** How long an entry lives, as its writer wants it. */
export interface Lifetime {
  /** After its version; 0: for ever. */
  readonly ttlMs: number;
  /** Only as long as the node that wrote it is there. */
  readonly session: boolean;
}

/** The operations; each with the time it may take. */
export type DictOperation =
  & { readonly timeoutMs: number }
  & (
    /**
     * Gives nothing, once this node is an active member. Who had a place before
     * and has its copies still gets it back, unless others are there by now.
     */
    | { readonly type: "join"; readonly position?: Id }
    /** Gives nothing, once all that this node held has its copies elsewhere. */
    | { readonly type: "leave" }
    /** Gives nothing, once all local ranges have their copies. */
    | { readonly type: "settled" }
    /**
     * Gives nothing, once this node has these copies, which it kept elsewhere
     * while it was not running; what belongs to others is handed on to them.
     */
    | { readonly type: "restore"; readonly entries: readonly EntryRecord[] }
    /** Gives `Found`. */
    | { readonly type: "get"; readonly key: Bytes; readonly read: ReadMode }
    /** Gives `Written`; nothing where only first holders write. */
    | {
      readonly type: "set";
      readonly key: Bytes;
      readonly value: Bytes;
      readonly lifetime?: Lifetime;
    }
    /** Gives `boolean`: whether it was there, and lives on for that long. */
    | { readonly type: "touch"; readonly key: Bytes; readonly ttlMs: number }
    /** Gives `boolean`: whether it was there. */
    | { readonly type: "delete"; readonly key: Bytes }
    /** Gives `Found`: what was taken out. */
    | { readonly type: "pop"; readonly key: Bytes }
    /** Gives `Item`, or `undefined` when the dict is empty. */
    | { readonly type: "popItem" }
    /** Gives `Bytes`: the value that is there now. */
    | {
      readonly type: "setDefault";
      readonly key: Bytes;
      readonly value: Bytes;
      readonly lifetime?: Lifetime;
    }
    /**
     * Gives nothing, once no change that comes after is missed; what changes
     * goes into the queue.
     */
    | {
      readonly type: "watch";
      /** Given by the caller; named by `watched` notices. */
      readonly watch: number;
      readonly match: Match;
      readonly since: Since;
      readonly queue: WatchQueue;
    }
    /** Gives nothing; nothing goes into the watch's queue any more. */
    | { readonly type: "unwatch"; readonly watch: number }
    /** Gives nothing; there is room in the watch's queue again. */
    | { readonly type: "taken"; readonly watch: number }
    /** Gives `Located`: who is the first holder of a hash. */
    | { readonly type: "locate"; readonly id: Id }
    /** Gives a number. */
    | { readonly type: "size" }
    /** Gives `ScanPage`. */
    | {
      readonly type: "scan";
      /** Entries whose hash is larger; `undefined`: from the beginning. */
      readonly after: Id | undefined;
      readonly values: boolean;
    }
  );

/** What a read found. */
export interface Found {
  /** `undefined` for a proven miss. */
  readonly value: Bytes | undefined;
}

/** Where a hash belongs. */
export interface Located {
  readonly owner: Id;
  /** How often the question was handed on. */
  readonly hops: number;
}

/** What was taken out. */
export interface Item {
  readonly key: Bytes;
  readonly value: Bytes;
}

/** What became of a write. */
export interface Written {
  readonly version: Version;
  /** The members that confirmed it. */
  readonly holders: readonly Id[];
}

/** Part of a scan, in the order of the keys' hashes. */
export interface ScanPage {
  readonly entries: readonly EntryRecord[];
  /** Where to go on; `undefined` at the end. */
  readonly next: Id | undefined;
}
