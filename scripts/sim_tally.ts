/**
 * What comes of many seeds, in little memory: sums, and which failed of what.
 *
 * @module
 */
import type { SeedReport } from "./sim_worker.ts";

/** The heading of failures that are no check's: the thread has ended. */
const NO_CHECK = "no check";

/** Counts reports; keeps of all but the first failure no more than its seed. */
export class Tally {
  readonly #failures = new Map<string, number[]>();
  #count = 0;
  #failed = 0;
  #virtualMs = 0;
  #realMs = 0;
  /** The first report of a violated check. */
  first: SeedReport | undefined;

  /** Takes in how one seed went. */
  add(report: SeedReport): void {
    const { seed, failure, check, virtualMs, realMs } = report;
    this.#count++;
    this.#virtualMs += virtualMs;
    this.#realMs += realMs;
    if (failure === undefined) return;
    this.#failed++;
    if (check !== undefined) this.first ??= report;
    const name = check ?? NO_CHECK;
    const seeds = this.#failures.get(name) ?? [];
    seeds.push(seed);
    this.#failures.set(name, seeds);
  }

  /** How many seeds have failed. */
  get failed(): number {
    return this.#failed;
  }

  /** How many passed and failed, in a few words. */
  get counts(): string {
    return `${this.#count - this.#failed} passed, ${this.#failed} failed`;
  }

  /** Virtual seconds in real ones, of one thread. */
  get speed(): string {
    const rate = this.#realMs === 0 ? 0 : this.#virtualMs / this.#realMs;
    return `${(this.#virtualMs / 1000).toFixed(0)} virtual s in ` +
      `${(this.#realMs / 1000).toFixed(2)} real s, ` +
      `${rate.toFixed(0)} virtual s per real s`;
  }

  /** A line for each check that was violated, with all its seeds in order. */
  get violations(): string[] {
    const found = [...this.#failures].sort(([, a], [, b]) =>
      b.length - a.length
    );
    return found.map(([check, seeds]) =>
      `${check}: ${seeds.length} failed: ` +
      seeds.toSorted((a, b) => a - b).join(" ")
    );
  }
}
