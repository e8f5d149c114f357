/**
 * Scenarios that read like stories: one statement is one thing that happens.
 *
 * Everything here runs to its end before it returns: `set` gives back what the
 * dict answered, `settle` comes back when the ring is well, and fails when that
 * takes more than a virtual minute.
 *
 * @module
 */
import { utf8 } from "../base/bytes.ts";
import { SUCCESSORS, type Timings } from "../base/options.ts";
import type {
  DictOperation,
  Found,
  Lifetime,
  Written,
} from "../dict/operations.ts";
import type { MeshOperation } from "../mesh/events.ts";
import { Cluster, hostName } from "./cluster.ts";
import { type Key, keyOf, valueText } from "./history.ts";
import { isTombstone } from "./ledger.ts";
import type { NetworkOptions } from "./network.ts";
import type { CreateMachine, Host, Outcome, SimulatedNode } from "./node.ts";
import { demand, undropped, unfinished } from "./rest.ts";
import { createChordMachine } from "./run.ts";
import { type Simulator, Violation } from "./simulator.ts";
import { placement } from "./truth.ts";

/** What a story may choose. */
export interface RingOptions {
  readonly seed?: number;
  readonly replicas?: number;
  readonly network?: Partial<NetworkOptions>;
  readonly timings?: Partial<Timings>;
  /** Up to so many nodes every node knows every other one. */
  readonly fullTableMax?: number;
  /** L: with 2, the ring is kept up by the stabilizer from 7 members on. */
  readonly successors?: number;
  /** How long a key belongs to its writer; without it there are no leases. */
  readonly leaseMs?: number;
  readonly create?: CreateMachine;
  readonly print?: (line: string) => void;
}

/** Two milliseconds between any two hosts, and nothing else in the way. */
const QUIET: NetworkOptions = {
  latencyMinMs: 2,
  latencyMaxMs: 2,
  jitter: 0,
  bytesPerMs: Infinity,
  roomBytes: 1024 * 1024,
};

const TIMEOUT_MS = 5_000;
const SETTLE_MAX_MS = 60_000;
const DROP_MAX_MS = 120_000;

/** A ring whose hosts have names of one letter. */
export class Ring {
  readonly #cluster: Cluster;
  readonly #hosts = new Map<string, Host>();

  constructor(options: RingOptions = {}) {
    this.#cluster = new Cluster({
      seed: options.seed ?? 1,
      create: options.create ?? createChordMachine,
      network: { ...QUIET, ...options.network },
      replicas: options.replicas ?? 3,
      successors: options.successors ?? SUCCESSORS,
      fullTableMax: options.fullTableMax,
      leaseMs: options.leaseMs,
      clockOffsetMaxMs: 0,
      clockDriftMax: 0,
      ...(options.timings === undefined ? {} : { timings: options.timings }),
      ...(options.print === undefined ? {} : { print: options.print }),
    });
    this.#cluster.keepAuditing();
  }

  get simulator(): Simulator {
    return this.#cluster.simulator;
  }

  get nowMs(): number {
    return this.simulator.nowMs;
  }

  /** A node joins without knowing anybody. */
  found(name: string): void {
    this.#cluster.found(this.#host(name));
  }

  /** A node starts, knowing the host of another one, and joins. */
  join(name: string, contact: string): void {
    this.#cluster.boot(this.#host(name), [this.#host(contact)]);
  }

  /** A node starts that takes part without joining. */
  leech(name: string, contact: string): void {
    const host = this.#cluster.addHost(name, false);
    this.#hosts.set(name, host);
    this.#cluster.boot(host, [this.#host(contact)]);
  }

  /** A node that runs connects to another one; each may have a ring already. */
  connect(name: string, contact: string): void {
    const { url } = this.#host(contact);
    this.ask(name, { type: "connect", url, timeoutMs: TIMEOUT_MS });
  }

  /** Founds a ring and lets it grow to `count` members, named by `hostName()`. */
  grow(count: number): void {
    this.found("A");
    this.settle();
    for (let i = 1; i < count; i++) {
      this.join(hostName(i), "A");
    }
    this.settle();
  }

  /** Lets time pass. */
  run(ms: number): void {
    this.simulator.queue.run(this.nowMs + ms);
  }

  /**
   * Waits until all is well: one ring, every member settled, every key at its
   * holders.
   */
  settle(): void {
    demand(this.#cluster, "settle", SETTLE_MAX_MS, unfinished);
  }

  /** Waits until nobody keeps a copy that is not its own any more. */
  sweep(): void {
    demand(this.#cluster, "sweep", DROP_MAX_MS, undropped);
  }

  /** The process ends and its peers' links break. */
  crash(name: string): void {
    this.#cluster.crash(this.node(name), false);
  }

  /** The host goes dark; nobody is told. */
  unplug(name: string): void {
    this.#cluster.crash(this.node(name), true);
  }

  pause(name: string): void {
    this.simulator.pause(this.node(name));
  }

  resume(name: string): void {
    this.simulator.resume(this.node(name));
  }

  /** Nothing reaches a host, nothing comes from it, or both. */
  cut(name: string, what: "incoming" | "outgoing" | "both"): void {
    const host = this.#host(name);
    this.simulator.network.cut((from, to) =>
      (what !== "outgoing" && to === host) ||
      (what !== "incoming" && from === host)
    );
  }

  /** Only hosts of one group reach each other. */
  split(...groups: readonly string[]): void {
    const sideOf = (host: Host) =>
      groups.findIndex((group) => group.includes(host.name));
    this.simulator.network.cut((from, to) => sideOf(from) !== sideOf(to));
  }

  heal(): void {
    this.simulator.network.heal();
  }

  /** One side of the link between two nodes forgets it. */
  halfOpen(forgetful: string, other: string): void {
    for (const end of this.node(forgetful).endpoints.values()) {
      if (end.other.owner.host.name !== other) continue;
      this.simulator.network.halfOpen(end);
    }
  }

  /** A member leaves in good order and its process ends. */
  leave(name: string): void {
    let hasLeft = false;
    this.#cluster.leave(this.node(name), () => hasLeft = true);
    this.#await(() => hasLeft, SETTLE_MAX_MS, `${name} to leave`);
  }

  /** @throws {Violation} If the write is not acknowledged */
  set(at: string, key: string, value: string, lifetime?: Lifetime): Written {
    const written = this.ask(
      at,
      setting(key, value, lifetime),
    ) as Written;
    this.#owe(keyOf(key), written);
    return written;
  }

  /**
   * Sets where keys belong to their writers.
   *
   * @returns whether `at` may write the key
   * @throws {Violation} If the write fails for another reason
   */
  claim(at: string, key: string, value: string, lifetime?: Lifetime): boolean {
    const outcome = this.attempt(at, setting(key, value, lifetime));
    if (outcome.type === "ok") return true;
    if (outcome.type === "failed" && outcome.error.code === "leased") {
      return false;
    }
    const why = outcome.type === "failed" ? `${outcome.error}` : "it crashed";
    throw new Violation("story", `set at ${at} failed: ${why}`);
  }

  /** @throws {Violation} If the read fails */
  get(at: string, key: string): string | undefined {
    return textOf(this.ask(at, {
      type: "get",
      key: utf8(key),
      read: "first",
      timeoutMs: TIMEOUT_MS,
    }));
  }

  /** @throws {Violation} If the operation fails */
  delete(at: string, key: string): boolean {
    const wasThere = this.ask(at, {
      type: "delete",
      key: utf8(key),
      timeoutMs: TIMEOUT_MS,
    }) as boolean;
    if (wasThere) this.#oweDelete(key);
    return wasThere;
  }

  /** @throws {Violation} If the operation fails */
  pop(at: string, key: string): string | undefined {
    const text = textOf(this.ask(at, {
      type: "pop",
      key: utf8(key),
      timeoutMs: TIMEOUT_MS,
    }));
    if (text !== undefined) this.#oweDelete(key);
    return text;
  }

  /** The names of those who hold a key, or should: its first R members. */
  holders(key: string): string[] {
    const { nodes, replicas } = this.simulator;
    return placement(nodes, replicas)(keyOf(key).id)
      .map((node) => node.host.name);
  }

  /** The names of those who really have a copy, tombstones included. */
  copies(key: string): string[] {
    const { id } = keyOf(key);
    return this.simulator.nodes
      .filter((node) => node.machine.dict.copyOf(id) !== undefined)
      .map((node) => node.host.name);
  }

  /** The process that runs on a host. */
  node(name: string): SimulatedNode {
    const node = this.#host(name).node;
    if (node === undefined) {
      throw new Violation("story", `nothing runs on ${name} now`);
    }
    return node;
  }

  /** Asks a node for anything, and waits for the answer. */
  ask(at: string, operation: DictOperation | MeshOperation): unknown {
    const outcome = this.attempt(at, operation);
    if (outcome.type === "ok") return outcome.value;
    const why = outcome.type === "failed" ? `${outcome.error}` : "it crashed";
    throw new Violation("story", `${operation.type} at ${at} failed: ${why}`);
  }

  /** Asks a node for something that may fail. */
  attempt(at: string, operation: DictOperation | MeshOperation): Outcome {
    let outcome: Outcome | undefined;
    this.simulator.call(this.node(at), operation, (ended) => outcome = ended);
    const maxMs = 2 * SETTLE_MAX_MS;
    this.#await(() => outcome !== undefined, maxMs, `${operation.type} to end`);
    return outcome!;
  }

  #await(isDone: () => boolean, maxMs: number, what: string): void {
    if (isDone() || this.simulator.queue.run(this.nowMs + maxMs, isDone)) {
      return;
    }
    throw new Violation("story", `waited ${maxMs} ms in vain for ${what}`);
  }

  #owe(key: Key, { version, holders }: Written): void {
    const { ledger } = this.#cluster;
    const safe = new Set(holders);
    const atMs = this.nowMs;
    ledger.acknowledge({ key, version, isDelete: false, atMs, safe });
  }

  #oweDelete(key: string): void {
    const { nodes } = this.simulator;
    const { ledger } = this.#cluster;
    ledger.acknowledgeNewest(keyOf(key), isTombstone, nodes, this.nowMs);
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = this.#cluster.addHost(name, true);
      this.#hosts.set(name, host);
    }
    return host;
  }
}

function textOf(found: unknown): string | undefined {
  const { value } = found as Found;
  return value === undefined ? undefined : valueText(value);
}

function setting(
  key: string,
  value: string,
  lifetime: Lifetime | undefined,
): DictOperation {
  return {
    type: "set",
    key: utf8(key),
    value: utf8(value),
    ...(lifetime === undefined ? {} : { lifetime }),
    timeoutMs: TIMEOUT_MS,
  };
}
