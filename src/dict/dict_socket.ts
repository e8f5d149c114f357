/**
 * What a socket does whose nodes share a dict, however they spread it.
 *
 * @module
 */
import type { Input } from "../base/codecs.ts";
import { Emitter, type Listeners } from "../base/emitter.ts";
import type { NodeOptions } from "../base/options.ts";
import type { CallOptions, MeshEvents } from "../mesh/driver/options.ts";
import type { BuildNode, NodeParts } from "../mesh/driver/parts.ts";
import type { MeshConnection } from "../mesh/driver/views.ts";
import { driverOf, MeshSocket, reportTo } from "../mesh/mesh_socket.ts";
import { ChordMachine } from "./chord_machine.ts";
import { DictClient } from "./driver/client.ts";
import type {
  DictOptions,
  DictStats,
  Entries,
  WriteOptions,
} from "./driver/options.ts";
import type { Watch, WatchOptions, WatchTarget } from "./driver/watch.ts";
import { Watches } from "./driver/watches.ts";

type AllEvents<Socket, Own> = MeshEvents<Socket, MeshConnection> & Own;

/** What is inside a socket, for those that extend it. */
export interface Inside<K, V, Own extends Listeners<Own>> {
  readonly machine: ChordMachine;
  /** What the machine was made with. */
  readonly options: NodeOptions;
  readonly client: DictClient<K, V>;
  readonly events: Emitter<Own>;
}

/** What one kind of dict does differently. */
export interface DictKind extends Pick<NodeParts, "onNotice" | "onClose"> {
  /** The names of its own events. */
  readonly events: readonly unknown[];
  /** What the options come to. */
  readonly resolve: (options: NodeOptions) => NodeOptions;
}

/** The inside of a socket; no part of the public API. */
export let insideOf: <K, V, Own extends Listeners<Own>>(
  socket: DictSocket<K, V, Own>,
) => Inside<K, V, Own>;

/**
 * One node of a dict. `ChordSocket` and `SyncSocket` are such; this is what
 * they have in common.
 *
 * @typeParam K what keys come back as
 * @typeParam V what values come back as
 * @typeParam Own its events, besides those of `MeshSocket`
 */
export abstract class DictSocket<K, V, Own extends Listeners<Own>>
  extends MeshSocket {
  readonly #inside: Inside<K, V, Own>;
  readonly #names: readonly unknown[];
  readonly #watches: Watches<K, V>;

  static {
    insideOf = (socket) => socket.#inside;
  }

  /**
   * @param options see {@linkcode DictOptions}
   * @param kind a `DictKind`; only this library makes one
   */
  constructor(options: DictOptions<K, V>, kind: unknown) {
    const { onNotice, onClose, resolve } = kind as DictKind;
    let machine: ChordMachine | undefined;
    let resolved: NodeOptions | undefined;
    const build: BuildNode = (nodeOptions, random, at) => {
      resolved = resolve(nodeOptions);
      machine = new ChordMachine(resolved, random, at);
      return {
        machine,
        onNotice: (notice) => {
          if (notice.type === "watched") this.#watches.wake(notice.watch);
          else onNotice(notice);
        },
        onClose: () => {
          this.#watches.close();
          onClose();
        },
      };
    };
    super(options, { build });
    this.#names = (kind as DictKind).events;
    const client = new DictClient(driverOf(this), options);
    const report = (error: unknown) => reportTo(this, error);
    const events = new Emitter<Own>(report);
    this.#inside = { machine: machine!, options: resolved!, client, events };
    this.#watches = new Watches(driverOf(this), client, report);
  }

  /** Numbers that show how this node is doing, for people to look at. */
  override stats(): DictStats {
    const { entries, tombstones, bytes } = this.#inside.machine.dict.stats;
    return { ...super.stats(), entries, tombstones, bytes };
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
    return this.#inside.client.set(key, value, options);
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
    return this.#inside.client.touch(key, ttlMs, options);
  }

  /**
   * Removes a key.
   *
   * @returns whether it was there
   * @throws {TypeError} If `key` is no key
   */
  del(key: Input<K>, options: CallOptions = {}): Promise<boolean> {
    return this.#inside.client.delete(key, options);
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
    return this.#inside.client.pop(key, rest.slice(0, 1), rest[1] ?? {});
  }

  /**
   * Removes any key and gives it with its value.
   *
   * @throws {KeyNotFoundError} If the dict is empty
   */
  popitem(options: CallOptions = {}): Promise<[K, V]> {
    return this.#inside.client.popItem(options);
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
    return this.#inside.client.setDefault(key, value, options);
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
    return this.#inside.client.update(entries, options);
  }

  /**
   * The changes of all keys with a prefix, or of one key. Nothing that changes
   * after `ready` is missed: a break is told as a `"gap"`, after which all that
   * there is comes again. A slow reader is told the newest of each key only.
   *
   * @throws {TypeError} If it is neither a prefix nor a key, or `since` no text
   * @throws {RangeError} If the prefix is longer than any key, or `since` no
   * version
   *
   * @example Watch what is said in a room
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { ChordSocket, text } from "@chord/dict";
   *
   * await using sock = new ChordSocket({ keys: text, values: text });
   * await sock.join();
   * const changes = sock.watch({ prefix: "room/" });
   * await changes.ready;
   * await sock.set("room/1", "hello");
   * for await (const event of changes) {
   *   assertEquals(event.type === "set" && event.value, "hello");
   *   break;
   * }
   * ```
   */
  watch(target: WatchTarget<K>, options: WatchOptions = {}): Watch<K, V> {
    return this.#watches.open(target, options);
  }

  /** Calls `listener` each time that `name` happens. */
  override on<Name extends keyof AllEvents<this, Own>>(
    name: Name,
    listener: (...args: AllEvents<this, Own>[Name]) => void,
  ): this {
    if (!this.#isOwn(name)) return super.on(name as never, listener as never);
    this.#inside.events.on(name, listener as never);
    return this;
  }

  /** Calls `listener` the next time that `name` happens. */
  override once<Name extends keyof AllEvents<this, Own>>(
    name: Name,
    listener: (...args: AllEvents<this, Own>[Name]) => void,
  ): this {
    if (!this.#isOwn(name)) return super.once(name as never, listener as never);
    this.#inside.events.on(name, listener as never, true);
    return this;
  }

  /** Calls `listener` no more. */
  override off<Name extends keyof AllEvents<this, Own>>(
    name: Name,
    listener: (...args: AllEvents<this, Own>[Name]) => void,
  ): this {
    if (!this.#isOwn(name)) return super.off(name as never, listener as never);
    this.#inside.events.off(name, listener as never);
    return this;
  }

  #isOwn(name: unknown): name is keyof Own {
    return this.#names.includes(name);
  }
}
