/**
 * A dict that all nodes of a network share.
 *
 * @module
 */
import type { Input } from "../base/codecs.ts";
import { DirectoryError } from "../base/errors.ts";
import type { CallOptions } from "../mesh/driver/options.ts";
import type { Notice } from "../mesh/events.ts";
import { reportTo } from "../mesh/mesh_socket.ts";
import { systemClock } from "../system.ts";
import { Role } from "../wire/messages.ts";
import type { ChordMachine } from "./chord_machine.ts";
import { arcsOf } from "./driver/arcs.ts";
import type { Dict } from "./dict.ts";
import { type DictKind, DictSocket, insideOf } from "./dict_socket.ts";
import type { DictClient } from "./driver/client.ts";
import { Directory } from "./driver/directory.ts";
import type {
  Arc,
  ChordOptions,
  DictEvents,
  ReadOptions,
} from "./driver/options.ts";
import { DictView } from "./driver/scan.ts";

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
export class ChordSocket<K = Uint8Array, V = Uint8Array>
  extends DictSocket<K, V, DictEvents<ChordSocket<K, V>, K>> {
  readonly #machine: ChordMachine;
  readonly #client: DictClient<K, V>;
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
    const kind: DictKind = {
      events: ["add", "delete"],
      resolve: (nodeOptions) => nodeOptions,
      onNotice: (notice) => this.#onNotice(notice),
      onClose: () => this.#directory?.close(),
    };
    super(options, kind);
    const { machine, client } = insideOf(this);
    this.#machine = machine;
    this.#client = client;
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
   * How many keys there are: a sum of what the members count, each at its own
   * moment.
   */
  size(options: CallOptions = {}): Promise<number> {
    return this.#client.size(options);
  }

  /**
   * Removes all keys that are there when it begins. Keys that others add
   * meanwhile may stay.
   *
   * @param options `timeoutMs` is for each page of keys and for each key
   * @throws {UpdateError} If some could not be removed; it says which and why
   */
  clear(options: CallOptions = {}): Promise<void> {
    return this.#client.clear(this.#client.scan(false, options), options);
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
      const { events } = insideOf(this);
      if (events.count(name) === 0) return;
      try {
        events.emit(name, this, this.#client.keyFrom(key));
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
