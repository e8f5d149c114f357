/**
 * Messages that wait for the application: bounded, the oldest give way.
 *
 * @module
 */
import {
  RECEIVED_BYTES_MAX,
  RECEIVED_MESSAGES_MAX,
} from "../../base/limits.ts";
import { Queue } from "../queue.ts";

interface Held<T> {
  readonly item: T;
  readonly bytes: number;
}

/** A queue with readers that wait. */
export class Received<T> {
  readonly #queue = new Queue<Held<T>>();
  /** Readers that wait; nothing is queued while there is one. */
  readonly #readers = new Queue<(item: T | undefined) => void>();
  #bytes = 0;
  #dropped = 0;
  #ended = false;

  get length(): number {
    return this.#queue.length;
  }

  /** How many messages were given up because nobody took them. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: T, bytes: number): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) return reader(item);
    this.#queue.push({ item, bytes });
    this.#bytes += bytes;
    while (
      this.#queue.length > RECEIVED_MESSAGES_MAX ||
      this.#bytes > RECEIVED_BYTES_MAX
    ) {
      this.take();
      this.#dropped++;
    }
  }

  take(): T | undefined {
    const held = this.#queue.shift();
    if (held === undefined) return undefined;
    this.#bytes -= held.bytes;
    return held.item;
  }

  takeUpTo(count: number): T[] {
    const items: T[] = [];
    while (items.length < count && this.length > 0) items.push(this.take()!);
    return items;
  }

  /** What waits and all that will come, until the end. */
  async *all(): AsyncIterableIterator<T> {
    for (;;) {
      const item = await this.next();
      if (item === undefined) return;
      yield item;
    }
  }

  /** The next one, now or later; `undefined` after the end. */
  next(): Promise<T | undefined> {
    const item = this.take();
    if (item !== undefined || this.#ended) return Promise.resolve(item);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Nothing comes any more; what waits can still be taken. */
  end(): void {
    this.#ended = true;
    for (;;) {
      const reader = this.#readers.shift();
      if (reader === undefined) return;
      reader(undefined);
    }
  }
}
