/**
 * A watch as an application reads it: an endless loop over changes.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { ChordError } from "../../base/errors.ts";
import type { Change, WatchQueue } from "../watch_queue.ts";
import type { Watch, WatchEvent } from "./watch.ts";
import { textOf } from "./watch_input.ts";

/** Where changes come from: the ring, or a copy of everything. */
export interface WatchSource {
  readonly queue: WatchQueue;
  /** Resolves once nothing that changes after it is missed. */
  begin(): Promise<void>;
  /** There is room in the queue again. */
  resume(): void;
  stop(): void;
}

/** How a watch turns bytes into what its reader wants. */
export interface WatchDecoder<K, V> {
  keyFrom(key: Bytes): K;
  valueFrom(value: Bytes): V;
  /** Is told of what another codec made. */
  report(error: unknown): void;
}

interface Reader<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** One watch, read as an endless loop. */
export class WatchReader<K, V> implements Watch<K, V> {
  readonly ready: Promise<void>;
  readonly #source: WatchSource;
  readonly #decoder: WatchDecoder<K, V>;
  readonly #signal: AbortSignal | undefined;
  readonly #readers: Reader<WatchEvent<K, V>>[] = [];
  readonly #onAbort = () => this.#stop();
  #isStopped = false;

  constructor(
    source: WatchSource,
    decoder: WatchDecoder<K, V>,
    signal: AbortSignal | undefined,
  ) {
    this.#source = source;
    this.#decoder = decoder;
    this.#signal = signal;
    this.ready = source.begin().catch((error) => this.end(error));
    if (signal?.aborted === true) this.#stop();
    else signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  next(): Promise<IteratorResult<WatchEvent<K, V>, undefined>> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.wake();
    });
  }

  return(): Promise<IteratorResult<WatchEvent<K, V>, undefined>> {
    this.#stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    return Promise.resolve();
  }

  get isEnded(): boolean {
    return this.#source.queue.isEnded;
  }

  /** Gives readers what waits, or tells them of the end. */
  wake(): void {
    const { queue } = this.#source;
    while (this.#readers.length > 0) {
      const value = this.#take();
      if (value === undefined && !queue.isEnded) return;
      const { resolve, reject } = this.#readers.shift()!;
      const error = value === undefined ? queue.takeError() : undefined;
      if (value !== undefined) resolve({ done: false, value });
      else if (error !== undefined) reject(error);
      else resolve({ done: true, value: undefined });
    }
  }

  /** Nothing comes any more. */
  end(error?: ChordError): void {
    const { queue } = this.#source;
    if (!queue.isEnded) queue.end(error);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.wake();
  }

  #take(): WatchEvent<K, V> | undefined {
    const { queue } = this.#source;
    for (;;) {
      const change = queue.take();
      if (queue.isAwaited && !queue.isFull) {
        queue.isAwaited = false;
        this.#source.resume();
      }
      if (change === undefined) return undefined;
      try {
        return eventOf(change, this.#decoder);
      } catch (error) {
        this.#decoder.report(error); // Another node's codec made this.
      }
    }
  }

  #stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#source.stop();
    this.#source.queue.clear();
    this.end();
  }
}

function eventOf<K, V>(
  change: Change,
  decoder: WatchDecoder<K, V>,
): WatchEvent<K, V> {
  if (change.type === "gap") return change;
  const key = decoder.keyFrom(change.key);
  const version = textOf(change.version);
  if (change.type === "delete") return { type: "delete", key, version };
  const value = decoder.valueFrom(change.value);
  return { type: "set", key, value, version };
}
