/**
 * A dict that all nodes of a network share.
 *
 * @module
 */
import type { Input } from "../base/codecs.ts";
import { Emitter } from "../base/emitter.ts";
import { DirectoryError } from "../base/errors.ts";
import type { CallOptions, MeshEvents } from "../mesh/driver/options.ts";
import type { BuildNode } from "../mesh/driver/parts.ts";
import type { MeshConnection } from "../mesh/driver/views.ts";
import type { Notice } from "../mesh/events.ts";
import { driverOf, MeshSocket, reportTo } from "../mesh/mesh_socket.ts";
import { systemClock } from "../system.ts";
import { Role } from "../wire/messages.ts";
import { ChordMachine } from "./chord_machine.ts";
import { arcsOf } from "./driver/arcs.ts";
import type { Dict } from "./dict.ts";
import { DictClient } from "./driver/client.ts";
import { Directory } from "./driver/directory.ts";
import type {
  Arc,
  ChordOptions,
  ChordStats,
  DictEvents,
  Entries,
  ReadOptions,
  WriteOptions,
} from "./driver/options.ts";
import { DictView } from "./driver/scan.ts";

type Events<K, V> =
  & MeshEvents<ChordSocket<K, V>, MeshConnection>
  & DictEvents<ChordSocket<K, V>, K>;
type OwnEvents<K, V> = DictEvents<ChordSocket<K, V>, K>;

/** The copies of a node, for what keeps them; no part of the public API. */
export let dictOf: <K, V>(socket: ChordSocket<K, V>) => Dict;

/**
 * One node of a dict that is spread over all nodes of a network.
 *
 * It uses the dict as soon as it is connected to a member, and keeps a share of
 * it from `join` on. Keys are strings or byte arrays of 1 to 1,024 bytes,
 * values strings or byte arrays of up to 1 MiB; byte arrays come back, unless
 * the options name other codecs.
 *
 * Every method that goes over the network rejects with a `ChordError` when it
 * fails, whose `applied` says whether it may have taken effect, and with a
 * `TypeError` or `RangeError`, before anything is sent, when it was called
 * wrongly.
 *
 * @typeParam K what keys come back as
 * @typeParam V what values come back as
 *
 * @example A ring of one
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ChordSocket, text } from "@chord/dict";
 *
 * await using sock = new ChordSocket({ keys: text, values: text });
 * await sock.join();
 * await sock.set("greeting", "hello");
 * assertEquals(await sock.get("greeting"), "hello");
 * assertEquals(await sock.get("nothing", null), null);
 * ```
 */
export class ChordSocket<K = Uint8Array, V = Uint8Array> extends MeshSocket {
  readonly #machine: ChordMachine;
  readonly #client: DictClient<K, V>;
  readonly #events: Emitter<OwnEvents<K, V>>;
  readonly #directory: Directory | undefined;

  static {
    dictOf = (socket) => socket.#machine.dict;
  }

  /**
   * @param options see {@linkcode ChordOptions}
   * @throws {TypeError} If an option is of the wrong type
   * @throws {RangeError} If one is out of its range
   */
  constructor(options: ChordOptions<K, V> = {}) {
    let machine: ChordMachine | undefined;
    const build: BuildNode = (nodeOptions, random, at) => ({
      machine: machine = new ChordMachine(nodeOptions, random, at),
      onNotice: (notice) => this.#onNotice(notice),
      onClose: () => this.#directory?.close(),
    });
    super(options, { build });
    this.#machine = machine!;
    this.#client = new DictClient(driverOf(this), options);
    this.#events = new Emitter((error) => reportTo(this, error));
    if (options.directory !== true) return;
    this.#directory = new Directory({
      clock: options.clock ?? systemClock,
      scan: () => this.#client.scan(false, {}),
      report: (error) => reportTo(this, error),
    });
  }

  /** Whether this node uses the dict without keeping a share of it. */
  get leeching(): boolean {
    const own = this.#machine.members.find(({ id }) => id === this.id);
    return own === undefined || own.role === Role.leaf;
  }

  /** The members and their arcs as this node knows them now, by position. */
  get ring(): readonly Arc[] {
    return arcsOf(this.#machine.members);
  }

  /** Numbers that show how this node is doing, for people to look at. */
  override stats(): ChordStats {
    const { entries, tombstones, bytes } = this.#machine.dict.stats;
    return { ...super.stats(), entries, tombstones, bytes };
  }

  /**
   * Keeps a share of the dict from now on; the first node founds the ring.
   *
   * @returns once this node has its share
   * @throws {TimeoutError} If that takes longer than `timeoutMs`, by default
   * a minute
   */
  async join(options: CallOptions = {}): Promise<void> {
    await this.#client.move("join", options);
    this.#directory?.refresh();
  }

  /**
   * Keeps no share any more, without losing what is in it.
   *
   * @returns once all that this node held has its copies elsewhere
   * @throws {TimeoutError} If that takes longer than `timeoutMs`, by default
   * a minute
   */
  leave(options: CallOptions = {}): Promise<void> {
    return this.#client.move("leave", options);
  }

  /**
   * Waits until all that this node keeps a copy of has all its copies, and the
   * directory, where there is one, has all keys.
   *
   * @throws {TimeoutError} If that takes longer than `timeoutMs`, by default
   * a minute
   */
  async settled(options: CallOptions = {}): Promise<void> {
    await this.#client.move("settled", options);
    await this.#directory?.complete();
  }

  /**
   * Reads a value.
   *
   * @param fallback what a key that is not there gives; a failure to find out
   * rejects instead
   * @throws {TypeError} If `key` is no key, or `read` no way of reading
   * @throws {NoPeerError} If there is nobody to ask
   * @throws {TimeoutError} If no holder answered in time
   *
   * @example A fallback for a missing key
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { ChordSocket } from "@chord/dict";
   *
   * await using sock = new ChordSocket();
   * await sock.join();
   * assertEquals(await sock.get("missing", "fallback"), "fallback");
   * assertEquals(await sock.get("missing"), undefined);
   * ```
   */
  get(key: Input<K>): Promise<V | undefined>;
  get<F>(key: Input<K>, fallback: F, options?: ReadOptions): Promise<V | F>;
  get(
    key: Input<K>,
    fallback?: unknown,
    options: ReadOptions = {},
  ): Promise<unknown> {
    return this.#client.get(key, fallback, options);
  }

  /** Whether a key is there; rejects as {@linkcode ChordSocket.get} does. */
  has(key: Input<K>, options: ReadOptions = {}): Promise<boolean> {
    return this.#client.has(key, options);
  }

  /**
   * Stores a value and resolves once all holders have it.
   *
   * @throws {TypeError} If `key` is no key or `value` no value
   * @throws {RangeError} If `value` is larger than 1 MiB
   * @throws {NoPeerError} If there is nobody to store it
   * @throws {InsufficientReplicasError} If too few holders confirmed in time;
   * read `applied` before setting again
   * @throws {LeaseError} If, with leases, the key belongs to another node
   */
  set(
    key: Input<K>,
    value: Input<V>,
    options: WriteOptions = {},
  ): Promise<void> {
    return this.#client.set(key, value, options);
  }

  /**
   * Has an entry live for another `ttlMs` from now on, as if this node had set
   * its value again.
   *
   * @returns whether it was there
   * @throws {TypeError} If `key` is no key or `ttlMs` no number
   * @throws {RangeError} If `ttlMs` is not a whole number from 1 to ten years
   */
  touch(
    key: Input<K>,
    ttlMs: number,
    options: CallOptions = {},
  ): Promise<boolean> {
    return this.#client.touch(key, ttlMs, options);
  }

  /**
   * Removes a key.
   *
   * @returns whether it was there
   * @throws {TypeError} If `key` is no key
   */
  del(key: Input<K>, options: CallOptions = {}): Promise<boolean> {
    return this.#client.delete(key, options);
  }

  /**
   * Removes a key and gives its value. Of concurrent calls only one gets it,
   * while nobody joins, leaves or fails.
   *
   * @param fallback what a missing key gives, if it is given at all
   * @throws {KeyNotFoundError} If there is neither the key nor a fallback
   */
  pop(key: Input<K>): Promise<V>;
  pop<F>(key: Input<K>, fallback: F, options?: CallOptions): Promise<V | F>;
  pop(
    key: Input<K>,
    ...rest: [fallback?: unknown, options?: CallOptions]
  ): Promise<unknown> {
    return this.#client.pop(key, rest.slice(0, 1), rest[1] ?? {});
  }

  /**
   * Removes any key and gives it with its value.
   *
   * @throws {KeyNotFoundError} If the dict is empty
   */
  popitem(options: CallOptions = {}): Promise<[K, V]> {
    return this.#client.popItem(options);
  }

  /**
   * Stores a value unless the key is there.
   *
   * @returns the value that is there now
   */
  setdefault(
    key: Input<K>,
    value: Input<V>,
    options: WriteOptions = {},
  ): Promise<V> {
    return this.#client.setDefault(key, value, options);
  }

  /**
   * How many keys there are: a sum of what the members count, each at its own
   * moment.
   */
  size(options: CallOptions = {}): Promise<number> {
    return this.#client.size(options);
  }

  /**
   * Stores many values and resolves once all are stored. Of a key that comes
   * twice the last value counts.
   *
   * @param options `timeoutMs` is for each entry
   * @throws {TypeError} If an entry has no key or no value; nothing was stored
   * @throws {RangeError} If a value is too large; nothing was stored
   * @throws {UpdateError} If some could not be stored; it says which and why
   */
  update(entries: Entries<K, V>, options: WriteOptions = {}): Promise<void> {
    return this.#client.update(entries, options);
  }

  /**
   * Removes all keys that are there when it begins. Keys that others add
   * meanwhile may stay.
   *
   * @param options `timeoutMs` is for each page of keys and for each key
   * @throws {UpdateError} If some could not be removed; it says which and why
   */
  clear(options: CallOptions = {}): Promise<void> {
    return this.#client.clear(options);
  }

  /**
   * All entries in a `Map`.
   *
   * @param options `timeoutMs` is for each page of entries
   */
  async copy(options: CallOptions = {}): Promise<Map<K, V>> {
    const entries = new Map<K, V>();
    for await (const [key, value] of this.#client.items(options)) {
      entries.set(key, value);
    }
    return entries;
  }

  /**
   * All keys. A key that is there from the beginning of a scan to its end comes
   * exactly once; leaving the loop stops the scan.
   *
   * @param options `timeoutMs` is for each page of keys
   *
   * @example Read all keys
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { ChordSocket, text } from "@chord/dict";
   *
   * await using sock = new ChordSocket({ keys: text });
   * await sock.join();
   * await sock.update({ one: "1", two: "2" });
   * const keys = await Array.fromAsync(sock.keys());
   * assertEquals(keys.sort(), ["one", "two"]);
   * ```
   */
  keys(options: CallOptions = {}): DictView<K, K> {
    return new DictView(
      () => this.#client.keys(options),
      () => this.#names((key) => key),
    );
  }

  /**
   * All values; plain `for … of` gives a Promise of each, `undefined` of those
   * that are gone by then.
   *
   * @param options `timeoutMs` is for each page of entries
   */
  values(options: CallOptions = {}): DictView<V, Promise<V | undefined>> {
    return new DictView(
      () => this.#client.values(options),
      () => this.#names((key) => this.get(key as Input<K>, undefined, options)),
    );
  }

  /**
   * All pairs of key and value; plain `for … of` gives pairs of key and
   * Promise.
   *
   * @param options `timeoutMs` is for each page of entries
   */
  items(
    options: CallOptions = {},
  ): DictView<[K, V], [K, Promise<V | undefined>]> {
    return new DictView(
      () => this.#client.items(options),
      () =>
        this.#names((key) => [
          key,
          this.get(key as Input<K>, undefined, options),
        ]),
    );
  }

  /** As {@linkcode ChordSocket.items}. */
  [Symbol.asyncIterator](): AsyncIterator<[K, V]> {
    return this.#client.items({});
  }

  /**
   * As {@linkcode ChordSocket.items}.
   *
   * @throws {DirectoryError} If the socket keeps no directory
   */
  [Symbol.iterator](): Iterator<[K, Promise<V | undefined>]> {
    return this.items()[Symbol.iterator]();
  }

  /** Calls `listener` each time that `name` happens. */
  override on<Name extends keyof Events<K, V>>(
    name: Name,
    listener: (...args: Events<K, V>[Name]) => void,
  ): this {
    if (!isOwn(name)) return super.on(name as never, listener as never);
    this.#events.on(name, listener as never);
    return this;
  }

  /** Calls `listener` the next time that `name` happens. */
  override once<Name extends keyof Events<K, V>>(
    name: Name,
    listener: (...args: Events<K, V>[Name]) => void,
  ): this {
    if (!isOwn(name)) return super.once(name as never, listener as never);
    this.#events.on(name, listener as never, true);
    return this;
  }

  /** Calls `listener` no more. */
  override off<Name extends keyof Events<K, V>>(
    name: Name,
    listener: (...args: Events<K, V>[Name]) => void,
  ): this {
    if (!isOwn(name)) return super.off(name as never, listener as never);
    this.#events.off(name, listener as never);
    return this;
  }

  *#names<T>(show: (key: K) => T): Generator<T, void, void> {
    if (this.#directory === undefined) {
      throw new DirectoryError(
        `Cannot use plain "for … of": this node does not know all keys; use ` +
          `"for await", or make the socket with { directory: true }`,
      );
    }
    for (const key of this.#directory.keys()) {
      yield show(this.#client.keyFrom(key));
    }
  }

  #onNotice(notice: Notice): void {
    if (notice.type === "entry") {
      const { key, added, version } = notice;
      this.#directory?.note(key, added, version);
      const name = added ? "add" : "delete";
      if (this.#events.count(name) === 0) return;
      try {
        this.#events.emit(name, this, this.#client.keyFrom(key));
      } catch (error) {
        reportTo(this, error); // Another node's codec made this key.
      }
    } else if (
      notice.type === "lagged" || (notice.type === "peer" && notice.first)
    ) {
      this.#directory?.refresh();
    }
  }
}

function isOwn(name: unknown): name is "add" | "delete" {
  return name === "add" || name === "delete";
}
