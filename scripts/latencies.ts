/**
 * Times of operations, and the two figures that say how they are spread.
 *
 * @module
 */

/** Times of one kind of operation, in milliseconds. */
export class Latencies {
  readonly #ms: number[] = [];

  add(...ms: readonly number[]): void {
    for (const one of ms) this.#ms.push(one);
  }

  addAll(others: Latencies): void {
    this.add(...others.#ms);
  }

  get count(): number {
    return this.#ms.length;
  }

  /** The time that a share of the operations did not exceed. */
  quantile(share: number): number {
    const sorted = [...this.#ms].sort((a, b) => a - b);
    const at = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
    return sorted[at] ?? NaN;
  }

  /** How many took longer than `ms`. */
  over(ms: number): number {
    return this.#ms.filter((one) => one > ms).length;
  }
}

/** Three significant places, in the unit that a reader wants. */
export function shownMs(ms: number): string {
  if (Number.isNaN(ms)) return "-";
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}
