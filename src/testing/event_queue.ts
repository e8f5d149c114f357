/**
 * What is still to happen, in the order in which it will.
 *
 * Everything that happens at the same time happens in the order in which it was
 * planned: a run is then a function of its seed alone.
 *
 * @module
 */

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A binary heap by (time, order of planning); the simulator's inner loop. */
export class EventQueue {
  readonly #heap: Planned[] = [];
  #orders = 0;
  #nowMs = 0;

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How much is planned. */
  get size(): number {
    return this.#heap.length;
  }

  /** Plans `run` for `atMs`; what is planned for the past happens now. */
  at(atMs: number, run: () => void): void {
    const heap = this.#heap;
    const planned: Planned = {
      atMs: atMs > this.#nowMs ? atMs : this.#nowMs,
      order: this.#orders++,
      run,
    };
    let at = heap.length;
    heap.push(planned);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent]!;
      if (!isBefore(planned, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = planned;
  }

  /** Plans `run` for `delayMs` from now. */
  after(delayMs: number, run: () => void): void {
    this.at(this.#nowMs + delayMs, run);
  }

  /**
   * Lets time pass until `untilMs`, or until `isDone` says so, which is asked
   * after everything that happens.
   *
   * @returns whether `isDone` did
   */
  run(untilMs: number, isDone?: () => boolean): boolean {
    const heap = this.#heap;
    while (heap.length > 0 && heap[0]!.atMs <= untilMs) {
      const next = this.#take();
      this.#nowMs = next.atMs;
      next.run();
      if (isDone?.()) return true;
    }
    if (untilMs > this.#nowMs) this.#nowMs = untilMs;
    return false;
  }

  #take(): Planned {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    const length = heap.length;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) {
        child++;
      }
      const below = heap[child]!;
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
