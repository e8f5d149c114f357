/**
 * Versions: which of two writes of a key is the newer one, everywhere the same.
 *
 * A version is a hybrid logical clock (Kulkarni et al., "Logical physical
 * clocks", OPODIS 2014) with the writer's id as tie-break: it follows the wall
 * clock, and is larger than every version its writer has seen, so that a write
 * made after another was read is newer whatever the clocks say. Plain wall
 * clock time was the alternative; it loses acknowledged writes to skew.
 *
 * @module
 */
import type { Id } from "../id/id.ts";
import type { Version } from "../wire/messages.ts";

/** The largest value of a version's counter. */
const COUNT_MAX = 0xffff;
/** By how much of what is too far a clock may be set ahead unproved. */
const UNPROVED_SHARE = 0.1;

/** Below 0 when `a` is older than `b`, 0 when they are one write, else above. */
export function compareVersions(a: Version, b: Version): number {
  if (a.ms !== b.ms) return a.ms - b.ms;
  if (a.count !== b.count) return a.count - b.count;
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}

/** Whether `a` is newer than `b`, which may be missing. */
export function isNewer(a: Version, b: Version | undefined): boolean {
  return b === undefined || compareVersions(a, b) > 0;
}

/** What is told of a key: whether it is there, since which version. */
export interface News {
  readonly version: Version;
  readonly added: boolean;
}

/**
 * Whether `news` says more than what is known. An entry whose time is over goes
 * with the version that it came with.
 */
export function isNews(news: News, known: News | undefined): boolean {
  if (known === undefined) return true;
  const order = compareVersions(news.version, known.version);
  return order > 0 || (order === 0 && known.added && !news.added);
}

/** One node's hybrid logical clock. */
export class HybridClock {
  readonly #node: string;
  readonly #aheadMaxMs: number;
  #ms = 0;
  #count = 0;
  /** The wall clock's lead over the monotonic one when it was proved last. */
  #provedLeadMs = NaN;

  /** @param aheadMaxMs how far ahead of the wall clock a version may be */
  constructor(node: Id, aheadMaxMs: number) {
    this.#node = node.slice(0, 16);
    this.#aheadMaxMs = aheadMaxMs;
  }

  /** A version larger than all that were given or observed. */
  next(wallMs: number): Version {
    const ms = Math.max(0, Math.floor(wallMs));
    if (ms > this.#ms) {
      this.#ms = ms;
      this.#count = 0;
    } else if (this.#count < COUNT_MAX) {
      this.#count++;
    } else {
      this.#ms++;
      this.#count = 0;
    }
    return { ms: this.#ms, count: this.#count, node: this.#node };
  }

  /** Whether a version is so far ahead that a clock must be wrong. */
  isTooFarAhead(version: Version, wallMs: number): boolean {
    return version.ms > wallMs + this.#aheadMaxMs;
  }

  /**
   * Another node has taken a version of this one for not too far ahead.
   *
   * @param leadMs by how much the wall clock was ahead of the monotonic one
   */
  prove(leadMs: number): void {
    this.#provedLeadMs = leadMs;
  }

  /** Whether the clock was not set ahead since another node agreed with it. */
  isProved(leadMs: number): boolean {
    const aheadMs = leadMs - this.#provedLeadMs;
    return aheadMs < UNPROVED_SHARE * this.#aheadMaxMs;
  }

  /**
   * Makes all later versions larger than `version`, unless it is too far ahead:
   * one wild clock must not carry all others with it.
   */
  observe(version: Version, wallMs: number): void {
    if (this.isTooFarAhead(version, wallMs)) return;
    if (version.ms < this.#ms) return;
    if (version.ms > this.#ms) {
      this.#ms = version.ms;
      this.#count = version.count;
    } else if (version.count > this.#count) {
      this.#count = version.count;
    }
  }
}
