/**
 * Changes that wait for whoever watches: of each key only the newest.
 *
 * A reader that is slow gets fewer events, not late ones. What does not fit is
 * not asked for: the holders remember which keys have changed, and are told to
 * go on when there is room again.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { ChordError } from "../base/errors.ts";
import { WATCH_BYTES_HIGH, WATCH_EVENTS_HIGH } from "../base/limits.ts";
import type { Id } from "../id/id.ts";
import type { EntryRecord, Version } from "../wire/messages.ts";

/** What a watcher is told. */
export type Change =
  | {
    readonly type: "set";
    readonly key: Bytes;
    readonly value: Bytes;
    readonly version: Version;
  }
  | {
    readonly type: "delete";
    readonly key: Bytes;
    readonly version: Version;
  }
  /** Something was missed; all that there is follows. */
  | { readonly type: "gap" };

/** Filled by a machine, emptied by its driver. */
export class WatchQueue {
  readonly #changes = new Map<Id, Exclude<Change, { type: "gap" }>>();
  #bytes = 0;
  #isGapped = false;
  #isEnded = false;
  #error: ChordError | undefined;
  /** Whether somebody waits until there is room. */
  isAwaited = false;

  get length(): number {
    return this.#changes.size + (this.#isGapped ? 1 : 0);
  }

  /** Whether no more should be asked for. */
  get isFull(): boolean {
    return this.#changes.size >= WATCH_EVENTS_HIGH ||
      this.#bytes >= WATCH_BYTES_HIGH;
  }

  /** Whether nothing comes any more; what waits can still be taken. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** How an entry stands now, in place of what waits of the same key. */
  put(id: Id, { key, value, version }: EntryRecord): void {
    const old = this.#changes.get(id);
    if (old !== undefined) this.#bytes -= sizeOf(old);
    const own = old?.key ?? key.slice();
    // What came in a frame is a view of it, and would keep all of it alive.
    const change = value === undefined
      ? { type: "delete", key: own, version } as const
      : { type: "set", key: own, value: value.slice(), version } as const;
    this.#changes.set(id, change);
    this.#bytes += sizeOf(change);
  }

  /** Nothing that waits counts any more, and something was missed. */
  gap(): void {
    this.clear();
    this.#isGapped = true;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#changes.clear();
    this.#bytes = 0;
    this.#isGapped = false;
  }

  /** @param error what the reader is told once it has taken everything */
  end(error?: ChordError): void {
    this.#isEnded = true;
    this.#error = error;
  }

  /** The change that has waited longest. */
  take(): Change | undefined {
    if (this.#isGapped) {
      this.#isGapped = false;
      return { type: "gap" };
    }
    const first = this.#changes.entries().next().value;
    if (first === undefined) return undefined;
    const [id, change] = first;
    this.#changes.delete(id);
    this.#bytes -= sizeOf(change);
    return change;
  }

  /** Why there will be no more; given once. */
  takeError(): ChordError | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }
}

function sizeOf(change: Exclude<Change, { type: "gap" }>): number {
  const { length } = change.key;
  return change.type === "set" ? length + change.value.length : length;
}
