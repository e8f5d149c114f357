/**
 * First in, first out, without the cost of `Array.shift` on long arrays.
 *
 * @module
 */

/** Slots in front that are given back together. */
const COMPACT_SLOTS = 64;

/** A queue; taking is constant time on average. */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest item, left where it is. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** Takes the oldest item. */
  shift(): T | undefined {
    // Most queues hold one at a time: to pop it keeps the array's memory.
    if (this.#items.length <= 1) return this.#items.pop();
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (
      this.#head >= COMPACT_SLOTS && this.#head * 2 > this.#items.length
    ) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
