/**
 * The dict's operations, from an application's keys and values to the machine
 * and back.
 *
 * @module
 */
import { type Bytes, NO_BYTES, toHex } from "../../base/bytes.ts";
import { bytes, type Codec, type Input } from "../../base/codecs.ts";
import { KeyNotFoundError, UpdateError } from "../../base/errors.ts";
import { VALUE_BYTES_MAX } from "../../base/limits.ts";
import { checkLifeMs } from "../../base/options.ts";
import type { Id } from "../../id/id.ts";
import {
  type CallOptions,
  checkSignal,
  checkTimeout,
} from "../../mesh/driver/options.ts";
import type { NodeDriver } from "../../node.ts";
import { systemClock } from "../../system.ts";
import type { EntryRecord } from "../../wire/messages.ts";
import type {
  DictOperation,
  Found,
  Item,
  Lifetime,
  ScanPage,
} from "../operations.ts";
import { inBulk, pairsOf } from "./bulk.ts";
import {
  checkKey,
  checkLifetime,
  checkRead,
  checkValue,
  type DictOptions,
  MOVE_TIMEOUT_MS,
  type ReadOptions,
  type WriteOptions,
} from "./options.ts";
import { scan } from "./scan.ts";
import { Throttle } from "./throttle.ts";

/** How large a value is thought to be before the first one is read. */
const FIRST_GUESS_BYTES = VALUE_BYTES_MAX;

/** An operation without its time. */
type Operation = DictOperation extends infer O
  ? O extends unknown ? Omit<O, "timeoutMs"> : never
  : never;

/** Calls the dict's machine. */
export class DictClient<K, V> {
  readonly #driver: NodeDriver<DictOperation>;
  readonly #keys: Codec<K, Input<K>>;
  readonly #values: Codec<V, Input<V>>;
  readonly #writes: Throttle;
  readonly #reads: Throttle;
  /** Follows the sizes of what is read: up at once, down slowly. */
  #guessBytes = FIRST_GUESS_BYTES;

  constructor(driver: NodeDriver<DictOperation>, options: DictOptions<K, V>) {
    this.#driver = driver;
    const clock = options.clock ?? systemClock;
    this.#writes = new Throttle(clock);
    this.#reads = new Throttle(clock);
    // Without codecs both types are what `bytes` takes and gives.
    const plain = bytes as Codec<unknown, never>;
    this.#keys = options.keys ?? plain as Codec<K, Input<K>>;
    this.#values = options.values ?? plain as Codec<V, Input<V>>;
  }

  /** @throws {Error} If the key was made by another codec */
  keyFrom(key: Bytes): K {
    return this.#keys.decode(key);
  }

  /** @throws {Error} If the value was made by another codec */
  valueFrom(value: Bytes): V {
    return this.#values.decode(value);
  }

  itemFrom({ key, value }: { key: Bytes; value?: Bytes | undefined }): [K, V] {
    return [this.keyFrom(key), this.valueFrom(value ?? NO_BYTES)];
  }

  /** @throws {TypeError} If it is no key */
  keyOf(key: Input<K>): Bytes {
    return checkKey(this.#keys.encode(key));
  }

  /** Joins, leaves or waits for copies. */
  move(
    type: "join" | "leave" | "settled",
    options: CallOptions,
  ): Promise<void> {
    return this.#ask({ type }, MOVES[type], true, {
      ...options,
      timeoutMs: options.timeoutMs ?? MOVE_TIMEOUT_MS,
    });
  }

  get(
    key: Input<K>,
    fallback: unknown,
    options: ReadOptions,
  ): Promise<unknown> {
    return this.#read(
      key,
      "get a key",
      options,
      (value) => value === undefined ? fallback : this.valueFrom(value),
    );
  }

  has(key: Input<K>, options: ReadOptions): Promise<boolean> {
    return this.#read(
      key,
      "look for a key",
      options,
      (value) => value !== undefined,
    );
  }

  set(key: Input<K>, value: Input<V>, options: WriteOptions): Promise<void> {
    try {
      const lifetime = checkLifetime(options);
      const encoded = this.keyOf(key);
      return this.#set(encoded, this.#valueOf(value), lifetime, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async touch(
    key: Input<K>,
    ttlMs: number,
    options: CallOptions,
  ): Promise<boolean> {
    const operation = {
      type: "touch",
      key: this.keyOf(key),
      ttlMs: checkLifeMs(ttlMs, "ttlMs"),
    } as const;
    return await this.#ask(operation, "touch a key", true, options);
  }

  async delete(key: Input<K>, options: CallOptions): Promise<boolean> {
    return await this.#delete(this.keyOf(key), options);
  }

  /** @param fallback an array of one, or of none */
  async pop(
    key: Input<K>,
    fallback: readonly unknown[],
    options: CallOptions,
  ): Promise<unknown> {
    const operation = { type: "pop", key: this.keyOf(key) } as const;
    const { value } = await this.#ask<Found>(
      operation,
      "pop a key",
      true,
      options,
    );
    if (value !== undefined) return this.valueFrom(value);
    if (fallback.length > 0) return fallback[0];
    throw new KeyNotFoundError(
      `Cannot pop a key that is not there (${String(key)}): give a fallback ` +
        `if that may be`,
    );
  }

  async popItem(options: CallOptions): Promise<[K, V]> {
    const item = await this.#ask<Item | undefined>(
      { type: "popItem" },
      "pop an item",
      true,
      options,
    );
    if (item !== undefined) return this.itemFrom(item);
    throw new KeyNotFoundError(
      `Cannot pop an item: the dict is empty, or all of it belongs to other ` +
        `nodes; set one before, or wait`,
    );
  }

  async setDefault(
    key: Input<K>,
    value: Input<V>,
    options: WriteOptions,
  ): Promise<V> {
    const operation = {
      type: "setDefault",
      key: this.keyOf(key),
      value: this.#valueOf(value),
      lifetime: checkLifetime(options),
    } as const;
    return this.valueFrom(
      await this.#ask(operation, "set a default", true, options),
    );
  }

  async size(options: CallOptions): Promise<number> {
    return await this.#ask({ type: "size" }, "count keys", false, options);
  }

  async update(entries: unknown, options: WriteOptions): Promise<void> {
    checkTimeout(options.timeoutMs);
    const lifetime = checkLifetime(options);
    const writes = new Map<string, [Input<K>, Bytes, Bytes]>();
    for (const pair of pairsOf(entries)) {
      const [key, value] = pair as [Input<K>, Input<V>];
      const encoded = this.keyOf(key);
      writes.set(toHex(encoded), [key, encoded, this.#valueOf(value)]);
    }
    const failed = await inBulk(
      writes.values(),
      ([, key, value]) => this.#set(key, value, lifetime, options),
    );
    if (failed.size === 0) return;
    throw new UpdateError(
      new Map([...failed].map(([[key], error]) => [key, error])),
      writes.size - failed.size,
    );
  }

  /** Removes all `entries`, once they are all known. */
  async clear(
    entries: AsyncIterable<EntryRecord> | Iterable<EntryRecord>,
    options: CallOptions,
  ): Promise<void> {
    const keys: Bytes[] = [];
    for await (const { key } of entries) keys.push(key);
    const failed = await inBulk(keys, (key) => this.#delete(key, options));
    if (failed.size === 0) return;
    throw new UpdateError(
      new Map([...failed].map(([key, e]) => [this.keyFrom(key), e])),
      keys.length - failed.size,
    );
  }

  /** All entries; without their values unless `values`. */
  scan(values: boolean, options: CallOptions): AsyncGenerator<EntryRecord> {
    const { timeoutMs } = options;
    const fetchPage = (after: Id | undefined, signal: AbortSignal) =>
      this.#ask<ScanPage>(
        { type: "scan", after, values },
        "scan the keys",
        false,
        { timeoutMs, signal },
      );
    return scan(fetchPage, checkSignal(options.signal));
  }

  async *keys(options: CallOptions): AsyncGenerator<K, void, void> {
    for await (const { key } of this.scan(false, options)) {
      yield this.keyFrom(key);
    }
  }

  async *values(options: CallOptions): AsyncGenerator<V, void, void> {
    for await (const [, value] of this.items(options)) yield value;
  }

  async *items(options: CallOptions): AsyncGenerator<[K, V], void, void> {
    for await (const entry of this.scan(true, options)) {
      yield this.itemFrom(entry);
    }
  }

  #valueOf(value: Input<V>): Bytes {
    return checkValue(this.#values.encode(value));
  }

  #ask<Result = void>(
    operation: Operation,
    action: string,
    writes: boolean,
    options: CallOptions,
  ): Promise<Result> {
    const timeoutMs = checkTimeout(options.timeoutMs);
    const signal = checkSignal(options.signal);
    return this.#driver.ask(
      { ...operation, timeoutMs } as DictOperation,
      { action, writes, signal },
    );
  }

  async #read<Result>(
    key: Input<K>,
    action: string,
    options: ReadOptions,
    toResult: (value: Bytes | undefined) => Result,
  ): Promise<Result> {
    const read = checkRead(options.read);
    const operation = { type: "get", key: this.keyOf(key), read } as const;
    const guess = this.#guessBytes;
    const turn = this.#reads.enter(guess, action, options);
    try {
      const rest = turn === undefined ? options : await turn;
      const { value } = await this.#ask<Found>(operation, action, false, rest);
      const length = value?.length ?? 0;
      this.#guessBytes = Math.max(
        length,
        this.#guessBytes + ((length - this.#guessBytes) >> 3),
      );
      return toResult(value);
    } finally {
      this.#reads.leave(guess);
    }
  }

  async #set(
    key: Bytes,
    value: Bytes,
    lifetime: Lifetime,
    options: CallOptions,
  ): Promise<void> {
    const operation = { type: "set", key, value, lifetime } as const;
    const action = "set a key";
    const turn = this.#writes.enter(value.length, action, options);
    try {
      const rest = turn === undefined ? options : await turn;
      await this.#ask(operation, action, true, rest);
    } finally {
      this.#writes.leave(value.length);
    }
  }

  #delete(key: Bytes, options: CallOptions): Promise<boolean> {
    return this.#ask({ type: "delete", key }, "delete a key", true, options);
  }
}

/** What moves are called in errors. */
const MOVES = {
  join: "join",
  leave: "leave",
  settled: "wait for all copies",
} as const;
