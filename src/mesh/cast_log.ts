/**
 * The broadcasts of one origin that a node still has.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import {
  BROADCAST_BYTES_KEPT_MAX,
  BROADCASTS_KEPT_MAX,
} from "../base/limits.ts";
import type { Id } from "../id/id.ts";

/** What one takes besides its payload, roughly. */
const OVERHEAD_BYTES = 64;

/** One broadcast, kept for others that miss it, or held back behind a gap. */
export interface KeptCast {
  readonly sequence: number;
  readonly kind: number;
  readonly payload: Bytes;
  readonly atMs: number;
}

/** Something that was told to exist and is not here. */
export interface Gap {
  /** The highest sequence that is known to exist. */
  last: number;
  /** Who said so last, and is asked. */
  source: Id;
  asks: number;
  /** The first that was missing when it was last asked for. */
  askedFor: number;
  /** Nodes that do not have it any more, and through which sequence. */
  readonly without: Map<Id, number>;
  /** Who was asked since it last became smaller. */
  readonly asked: Set<Id>;
  /** When it is asked for, or for the next time. */
  dueMs: number;
}

/** The sequence of one origin. */
export class CastLog {
  /** The first sequence that was not handed out yet. */
  next: number;
  /** By sequence, oldest arrival first; from `next` on they wait for a gap. */
  readonly kept: Map<number, KeptCast> = new Map();
  /** The highest sequence that came in. */
  highest = 0;
  /** Heartbeats that have still to tell of it, and when one last did. */
  tellings = 0;
  toldMs = -Infinity;
  bytes = 0;
  gap: Gap | undefined;
  readonly #first: number;

  constructor(next: number) {
    this.next = next;
    this.#first = next;
  }

  /** Whether nothing came yet: it could begin earlier as well. */
  get isUnbegun(): boolean {
    return this.next === this.#first && this.kept.size === 0;
  }

  /** Whether it was here before. */
  has(sequence: number): boolean {
    return sequence < this.next || this.kept.has(sequence);
  }

  /** Keeps one; gives the bytes it takes. */
  keep(cast: KeptCast): number {
    this.kept.set(cast.sequence, cast);
    if (cast.sequence > this.highest) this.highest = cast.sequence;
    const bytes = cast.payload.length + OVERHEAD_BYTES;
    this.bytes += bytes;
    return bytes;
  }

  /**
   * Drops the oldest that were handed out until the limits hold.
   *
   * @param least as many bytes are to be given back in any case
   * @returns the bytes that were given back
   */
  trim(least: number): number {
    let freed = 0;
    for (const cast of this.kept.values()) {
      if (
        this.kept.size <= BROADCASTS_KEPT_MAX &&
        this.bytes <= BROADCAST_BYTES_KEPT_MAX &&
        freed >= least
      ) break;
      if (cast.sequence >= this.next) continue;
      freed += this.#drop(cast);
    }
    return freed;
  }

  /** Drops what was handed out and is older; gives the bytes. */
  expire(beforeMs: number): number {
    let freed = 0;
    for (const cast of this.kept.values()) {
      if (cast.atMs >= beforeMs) break;
      if (cast.sequence < this.next) freed += this.#drop(cast);
    }
    return freed;
  }

  /** Where to go on if what waits behind a gap is over the limits. */
  oldestBeyondRoom(): number | undefined {
    if (
      this.kept.size <= BROADCASTS_KEPT_MAX &&
      this.bytes <= BROADCAST_BYTES_KEPT_MAX
    ) return undefined;
    return this.oldestWaiting();
  }

  /** The lowest sequence that waits behind a gap. */
  oldestWaiting(): number | undefined {
    let oldest: number | undefined;
    for (const sequence of this.kept.keys()) {
      if (sequence >= this.next && !(sequence >= (oldest ?? Infinity))) {
        oldest = sequence;
      }
    }
    return oldest;
  }

  #drop(cast: KeptCast): number {
    this.kept.delete(cast.sequence);
    const bytes = cast.payload.length + OVERHEAD_BYTES;
    this.bytes -= bytes;
    return bytes;
  }
}
