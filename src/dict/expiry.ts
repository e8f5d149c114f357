/**
 * Entries that end by the clock.
 *
 * An entry's end follows from its version, so that all holders know it without
 * a word: at that moment each turns its copy into a tombstone of the same
 * version, and digests stay equal. A delete by the first holder would be a
 * write for each entry, and copies that missed it would live on.
 *
 * @module
 */
import { type Timer, Timers } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { EntryRecord } from "../wire/messages.ts";

/** The wall clock may be set: it is looked at this often at least. */
const LOOK_MS = 60_000;

/** When an entry ends, by the wall clock. */
export function endOf(
  { version, terms }: Pick<EntryRecord, "version" | "terms">,
): number {
  const ttlMs = terms?.ttlMs ?? 0;
  return ttlMs === 0 ? Infinity : version.ms + ttlMs;
}

/** The ends of one node's copies. */
export class Expiry {
  readonly #context: Context;
  readonly #onEnd: (id: Id) => void;
  /** By the wall clock, unlike those of the context. */
  readonly #ends = new Timers();
  readonly #byId = new Map<Id, Timer>();
  #wake: Timer | undefined;

  /** @param onEnd must take the value out of the copy */
  constructor(context: Context, onEnd: (id: Id) => void) {
    this.#context = context;
    this.#onEnd = onEnd;
  }

  /** When the next entry ends, by the wall clock. */
  get nextMs(): number {
    return this.#ends.nextMs;
  }

  /** Copies that will end. */
  get size(): number {
    return this.#ends.size;
  }

  /** What is under a hash from now on. */
  note(id: Id, entry: EntryRecord | undefined): void {
    const old = this.#byId.get(id);
    if (old !== undefined) {
      this.#ends.cancel(old);
      this.#byId.delete(id);
    }
    const endMs = entry === undefined ? Infinity : endOf(entry);
    if (endMs === Infinity || entry?.value === undefined) return;
    const end = this.#ends.at(endMs, () => {
      this.#byId.delete(id);
      this.#onEnd(id);
    });
    this.#byId.set(id, end);
    this.#plan();
  }

  /** Ends what has to end by now. */
  settle(): void {
    const { wallMs } = this.#context;
    if (this.#ends.nextMs <= wallMs) this.#ends.run(wallMs);
  }

  #plan(): void {
    const { timers, nowMs, wallMs } = this.#context;
    const { nextMs } = this.#ends;
    if (nextMs === Infinity) return;
    const atMs = nowMs + Math.min(Math.max(1, nextMs - wallMs), LOOK_MS);
    if (this.#wake?.run !== undefined && this.#wake.atMs <= atMs) return;
    timers.cancel(this.#wake);
    this.#wake = timers.at(atMs, () => {
      this.settle();
      this.#plan();
    });
  }
}
