/**
 * All deadlines of one machine in one heap, so that a machine has one wake time.
 *
 * @module
 */

/** A deadline that can be cancelled. */
export interface Timer {
  readonly atMs: number;
  readonly order: number;
  /** `undefined` once it ran or was cancelled. */
  run: (() => void) | undefined;
}

/** Deadlines, earliest first; equal ones in the order in which they were set. */
export class Timers {
  readonly #heap: Timer[] = [];
  #orders = 0;
  #cancelled = 0;

  /** How many deadlines wait. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  /** The earliest deadline, or `Infinity`. */
  get nextMs(): number {
    if (this.#heap[0]?.run === undefined) this.#dropCancelled();
    return this.#heap[0]?.atMs ?? Infinity;
  }

  /** Calls `run` once, at `atMs` or as soon after it as the driver wakes. */
  at(atMs: number, run: () => void): Timer {
    const timer: Timer = { atMs, order: this.#orders++, run };
    this.#push(timer);
    return timer;
  }

  /** Forgets a deadline; does nothing if it has run, was cancelled, or is none. */
  cancel(timer: Timer | undefined): void {
    if (timer?.run === undefined) return;
    timer.run = undefined;
    this.#cancelled++;
    // Lazy deletion must not let dead deadlines outnumber the living.
    if (this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) {
      this.#compact();
    }
  }

  /** Runs all that is due at `nowMs`, including what those set for the past. */
  run(nowMs: number): void {
    while (this.nextMs <= nowMs) {
      const timer = this.#pop();
      const run = timer.run;
      timer.run = undefined;
      run?.();
    }
  }

  /** Forgets all deadlines. */
  clear(): void {
    for (const timer of this.#heap) timer.run = undefined;
    this.#heap.length = 0;
    this.#cancelled = 0;
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && this.#heap[0]!.run === undefined) {
      this.#pop();
      this.#cancelled--;
    }
  }

  #compact(): void {
    const living = this.#heap.filter((timer) => timer.run !== undefined);
    this.#heap.length = 0;
    this.#cancelled = 0;
    for (const timer of living) this.#push(timer);
  }

  #pop(): Timer {
    const first = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent]!;
      if (!isBefore(timer, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  /** Puts a timer where the first one was, and then as deep as it belongs. */
  #sink(timer: Timer): void {
    const heap = this.#heap;
    const { length } = heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) {
        child++;
      }
      const below = heap[child]!;
      if (!isBefore(below, timer)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = timer;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
