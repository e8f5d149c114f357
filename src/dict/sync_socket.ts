/**
 * A dict of which every node has all of it.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Input } from "../base/codecs.ts";
import { EVERYWHERE } from "../base/options.ts";
import { keyId } from "../id/id.ts";
import type { CallOptions } from "../mesh/driver/options.ts";
import type { Notice } from "../mesh/events.ts";
import { reportTo } from "../mesh/mesh_socket.ts";
import { systemClock } from "../system.ts";
import type { Dict } from "./dict.ts";
import { type DictKind, DictSocket, insideOf } from "./dict_socket.ts";
import type { DictClient } from "./driver/client.ts";
import type { SyncEvents, SyncOptions } from "./driver/options.ts";
import { DictView } from "./driver/scan.ts";

/**
 * One node of a dict of which every node has all of it: for small networks
 * that read much.
 *
 * It takes part by itself. Alone it is a dict of its own; connected to others
 * it has what they have, and they what it has. Reads are local and need no
 * `await`; a write resolves once all nodes that are up have it.
 *
 * By default a key belongs to the node that wrote it, for an hour: other nodes'
 * writes reject with a `LeaseError`.
 *
 * @typeParam K what keys come back as
 * @typeParam V what values come back as
 *
 * @example A value on two nodes
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { memoryPair, SyncSocket, text } from "@chord/dict";
 *
 * await using alice = new SyncSocket({ keys: text, values: text });
 * await using bob = new SyncSocket({ keys: text, values: text });
 * await alice.set("greeting", "hello");
 *
 * const [left, right] = memoryPair();
 * await Promise.all([alice.attach(left), bob.attach(right)]);
 * await bob.settled(); // has everything
 * assertEquals(bob.get("greeting"), "hello");
 * assertEquals([...bob.keys()], ["greeting"]);
 * ```
 */
export class SyncSocket<K = Uint8Array, V = Uint8Array>
  extends DictSocket<K, V, SyncEvents<SyncSocket<K, V>, K, V>> {
  readonly #dict: Dict;
  readonly #client: DictClient<K, V>;
  readonly #clock: Clock;

  /**
   * @param options see {@linkcode SyncOptions}
   * @throws {TypeError} If an option is of the wrong type
   * @throws {RangeError} If one is out of its range
   */
  constructor(options: SyncOptions<K, V> = {}) {
    const kind: DictKind = {
      events: ["update", "delete"],
      resolve: (resolved) => ({
        ...resolved,
        replicas: EVERYWHERE,
        dialect: resolved.leasing ? "sync leasing" : "sync",
      }),
      onNotice: (notice) => this.#onNotice(notice),
      onClose: () => {},
    };
    super({ ...options, leasing: options.leasing ?? true }, kind);
    const { machine, client } = insideOf(this);
    this.#dict = machine.dict;
    this.#client = client;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Waits until this node has everything that the others have.
   *
   * @throws {TimeoutError} If that takes longer than `timeoutMs`, by default
   * a minute
   */
  settled(options: CallOptions = {}): Promise<void> {
    return this.#client.move("settled", options);
  }

  /**
   * Reads a value, here and now.
   *
   * @param fallback what a key that is not there gives
   * @throws {TypeError} If `key` is no key
   */
  get(key: Input<K>): V | undefined;
  get<F>(key: Input<K>, fallback: F): V | F;
  get(key: Input<K>, fallback?: unknown): unknown {
    const value = this.#dict.read(this.#idOf(key), this.#clock.wallMs());
    return value === undefined ? fallback : this.#client.valueFrom(value);
  }

  /**
   * Whether a key is there.
   *
   * @throws {TypeError} If `key` is no key
   */
  has(key: Input<K>): boolean {
    const value = this.#dict.read(this.#idOf(key), this.#clock.wallMs());
    return value !== undefined;
  }

  /** How many keys there are. */
  size(): number {
    return this.#dict.sizeAt(this.#clock.wallMs());
  }

  /** All entries in a `Map`. */
  copy(): Map<K, V> {
    return new Map(this.#items());
  }

  /**
   * Removes all keys that are there when it begins.
   *
   * @param options `timeoutMs` is for each key
   * @throws {UpdateError} If some could not be removed, such as those that
   * belong to other nodes; it says which and why
   */
  clear(options: CallOptions = {}): Promise<void> {
    return this.#client.clear(this.#live(), options);
  }

  /**
   * All keys, for `for … of` and for `for await`. A key that is there from the
   * beginning of a loop to its end comes exactly once.
   */
  keys(): DictView<K, K> {
    return viewOf(() => this.#keys());
  }

  /** All values, likewise. */
  values(): DictView<V, V> {
    return viewOf(() => this.#values());
  }

  /** All pairs of key and value, likewise. */
  items(): DictView<[K, V], [K, V]> {
    return viewOf(() => this.#items());
  }

  /** As {@linkcode SyncSocket.items}. */
  [Symbol.iterator](): Iterator<[K, V]> {
    return this.#items();
  }

  /** As {@linkcode SyncSocket.items}. */
  [Symbol.asyncIterator](): AsyncIterator<[K, V]> {
    return this.items()[Symbol.asyncIterator]();
  }

  #idOf(key: Input<K>) {
    return keyId(this.#client.keyOf(key));
  }

  #live() {
    return this.#dict.live(this.#clock.wallMs());
  }

  *#keys(): Generator<K, void, void> {
    for (const { key } of this.#live()) yield this.#client.keyFrom(key);
  }

  *#values(): Generator<V, void, void> {
    for (const { value } of this.#live()) {
      yield this.#client.valueFrom(value!);
    }
  }

  *#items(): Generator<[K, V], void, void> {
    for (const entry of this.#live()) yield this.#client.itemFrom(entry);
  }

  #onNotice(notice: Notice): void {
    if (notice.type !== "stored") return;
    const { events } = insideOf(this);
    const { key, value, version, terms } = notice.entry;
    const name = value === undefined ? "delete" : "update";
    if (events.count(name) === 0) return;
    try {
      const name = this.#client.keyFrom(key);
      if (value === undefined) return events.emit("delete", this, name);
      const owner = terms?.owner ?? "";
      const details = { owner, timestamp: version.ms };
      events.emit("update", this, name, this.#client.valueFrom(value), details);
    } catch (error) {
      reportTo(this, error); // Another node's codec made this entry.
    }
  }
}

function viewOf<T>(items: () => Iterator<T>): DictView<T, T> {
  return new DictView(() => oneByOne(items()), items);
}

/** What `for await` walks over, where all is here. */
async function* oneByOne<T>(
  items: Iterator<T>,
): AsyncGenerator<T, void, void> {
  for (let next = items.next(); !next.done; next = items.next()) {
    yield next.value;
  }
}
