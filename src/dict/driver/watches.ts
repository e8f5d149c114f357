/**
 * The watches that a socket's application has open.
 *
 * @module
 */
import { checkSignal } from "../../mesh/driver/options.ts";
import type { NodeDriver } from "../../node.ts";
import type { DictOperation } from "../operations.ts";
import type { Since } from "../watch.ts";
import type { Match } from "../watch_match.ts";
import { WatchQueue } from "../watch_queue.ts";
import type { DictClient } from "./client.ts";
import type { Watch, WatchOptions, WatchTarget } from "./watch.ts";
import { checkSince, checkTarget } from "./watch_input.ts";
import {
  type WatchDecoder,
  WatchReader,
  type WatchSource,
} from "./watch_reader.ts";

/** Opens watches at the dict's machine, and wakes their readers. */
export class Watches<K, V> {
  readonly #driver: NodeDriver<DictOperation>;
  readonly #client: DictClient<K, V>;
  readonly #decoder: WatchDecoder<K, V>;
  readonly #open = new Map<number, WatchReader<K, V>>();
  #numbers = 0;

  constructor(
    driver: NodeDriver<DictOperation>,
    client: DictClient<K, V>,
    report: (error: unknown) => void,
  ) {
    this.#driver = driver;
    this.#client = client;
    this.#decoder = {
      keyFrom: (key) => client.keyFrom(key),
      valueFrom: (value) => client.valueFrom(value),
      report,
    };
  }

  open(target: WatchTarget<K>, options: WatchOptions): Watch<K, V> {
    const checked = checkTarget(target);
    const match = "prefix" in checked
      ? { exact: false, bytes: checked.prefix }
      : { exact: true, bytes: this.#client.keyOf(checked.key) };
    const since = checkSince(options.since);
    const signal = checkSignal(options.signal);
    const number = ++this.#numbers;
    const source = this.#source(number, match, since);
    const watch = new WatchReader(source, this.#decoder, signal);
    if (!source.queue.isEnded) this.#open.set(number, watch);
    return watch;
  }

  /** Something waits for the reader of a watch, or it has ended. */
  wake(number: number): void {
    const watch = this.#open.get(number);
    if (watch?.isEnded === true) this.#open.delete(number);
    watch?.wake();
  }

  /** The socket has closed. */
  close(): void {
    for (const watch of this.#open.values()) watch.end();
    this.#open.clear();
  }

  #source(number: number, match: Match, since: Since): WatchSource {
    const queue = new WatchQueue();
    const ask = (operation: WatchOperation) =>
      this.#driver.ask<void>(
        { ...operation, watch: number, timeoutMs: Infinity },
        { action: "watch keys", writes: false, signal: undefined },
      );
    return {
      queue,
      begin: () => ask({ type: "watch", match, since, queue }),
      // Once the socket has closed there is nobody left to tell.
      resume: () => ask({ type: "taken" }).catch(() => {}),
      stop: () => {
        this.#open.delete(number);
        ask({ type: "unwatch" }).catch(() => {});
      },
    };
  }
}

type WatchOperation =
  | {
    readonly type: "watch";
    readonly match: Match;
    readonly since: Since;
    readonly queue: WatchQueue;
  }
  | { readonly type: "taken" | "unwatch" };
