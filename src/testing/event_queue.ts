/**
 * What is still to happen, in the order in which it will.
 *
 * Everything that happens at the same time happens in the order in which it was
 * planned: a run is then a function of its seed alone.
 *
 * @module
 */

/** Something that can be planned as it is, without a function around it. */
export interface Happening {
  happen(): void;
}

const SLOTS_AT_FIRST = 256;

/**
 * A binary heap by (time, order of planning); the simulator's inner loop. What
 * is compared stands in arrays of numbers: nothing is made for a plan, and no
 * comparison follows a reference.
 */
export class EventQueue {
  #size = 0;
  #times = new Float64Array(SLOTS_AT_FIRST);
  /** Doubles, too: they count every plan of a run. */
  #orders = new Float64Array(SLOTS_AT_FIRST);
  readonly #planned: (Happening | (() => void))[] = [];
  #order = 0;
  #nowMs = 0;

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How much is planned. */
  get size(): number {
    return this.#size;
  }

  /** Plans `what` for `atMs`; what is planned for the past happens now. */
  at(atMs: number, what: Happening | (() => void)): void {
    if (this.#size === this.#times.length) this.#grow();
    const times = this.#times;
    const orders = this.#orders;
    const planned = this.#planned;
    const time = atMs > this.#nowMs ? atMs : this.#nowMs;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // Of two at the same time the one that is planned already comes first.
      if (times[parent]! <= time) break;
      times[at] = times[parent]!;
      orders[at] = orders[parent]!;
      planned[at] = planned[parent]!;
      at = parent;
    }
    times[at] = time;
    orders[at] = this.#order++;
    planned[at] = what;
  }

  /** Plans `what` for `delayMs` from now. */
  after(delayMs: number, what: Happening | (() => void)): void {
    this.at(this.#nowMs + delayMs, what);
  }

  /**
   * Lets time pass until `untilMs`, or until `isDone` says so, which is asked
   * after everything that happens.
   *
   * @returns whether `isDone` did
   */
  run(untilMs: number, isDone?: () => boolean): boolean {
    while (this.#size > 0 && this.#times[0]! <= untilMs) {
      this.#nowMs = this.#times[0]!;
      const next = this.#take();
      if (typeof next === "function") next();
      else next.happen();
      if (isDone?.()) return true;
    }
    if (untilMs > this.#nowMs) this.#nowMs = untilMs;
    return false;
  }

  #take(): Happening | (() => void) {
    const times = this.#times;
    const orders = this.#orders;
    const planned = this.#planned;
    const first = planned[0]!;
    const length = --this.#size;
    const time = times[length]!;
    const order = orders[length]!;
    const last = planned.pop()!;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#isBefore(child + 1, child)) child++;
      const below = times[child]!;
      if (below > time || (below === time && orders[child]! > order)) break;
      times[at] = below;
      orders[at] = orders[child]!;
      planned[at] = planned[child]!;
      at = child;
    }
    times[at] = time;
    orders[at] = order;
    planned[at] = last;
    return first;
  }

  #isBefore(a: number, b: number): boolean {
    const times = this.#times;
    return times[a]! < times[b]! ||
      (times[a]! === times[b]! && this.#orders[a]! < this.#orders[b]!);
  }

  #grow(): void {
    const slots = 2 * this.#times.length;
    const times = new Float64Array(slots);
    const orders = new Float64Array(slots);
    times.set(this.#times);
    orders.set(this.#orders);
    this.#times = times;
    this.#orders = orders;
  }
}
