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

/** Is told the next item once; `undefined` if there will be none. */
type Reader<T> = (item: T | undefined) => void;

/** A queue with readers that wait. */
export class Received<T> {
  readonly #queue = new Queue<Held<T>>();
  /** Readers that wait; nothing is queued while there is one. */
  readonly #readers = new Set<Reader<T>>();
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
    for (const reader of this.#readers) {
      this.#readers.delete(reader);
      return reader(item);
    }
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

  /** @throws {RangeError} If `count` is negative or no number */
  takeUpTo(count: number): T[] {
    if (!(typeof count === "number" && count >= 0)) {
      throw new RangeError(
        `Cannot take ${String(count)} messages: give a number of 0 or more`,
      );
    }
    const items: T[] = [];
    while (items.length < count && this.length > 0) items.push(this.take()!);
    return items;
  }

  /** What waits and all that will come, until the end. */
  all(): AsyncIterableIterator<T> {
    return new Reading(this);
  }

  /** Gives `reader` the next one, now or later; `undefined` after the end. */
  read(reader: Reader<T>): void {
    const item = this.take();
    if (item !== undefined || this.#ended) reader(item);
    else this.#readers.add(reader);
  }

  /** Gives `reader` nothing more; the next one is for somebody else. */
  stop(reader: Reader<T>): void {
    if (this.#readers.delete(reader)) reader(undefined);
  }

  /** Nothing comes any more; what waits can still be taken. */
  end(): void {
    this.#ended = true;
    for (const reader of [...this.#readers]) this.stop(reader);
  }
}

/**
 * One iteration. No async generator: that would hold a message for a reader
 * that has gone, since its `return` waits for the `next` before it.
 */
class Reading<T> implements AsyncIterableIterator<T> {
  readonly #received: Received<T>;
  readonly #waiting = new Set<Reader<T>>();
  #isOver = false;

  constructor(received: Received<T>) {
    this.#received = received;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      const reader = (item: T | undefined) => {
        this.#waiting.delete(reader);
        if (item === undefined) this.#isOver = true;
        resolve(
          item === undefined
            ? { done: true, value: undefined }
            : { done: false, value: item },
        );
      };
      this.#waiting.add(reader);
      this.#received.read(reader);
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#isOver = true;
    for (const reader of [...this.#waiting]) this.#received.stop(reader);
    return Promise.resolve({ done: true, value: undefined });
  }
}
