/**
 * What applications do to the dict while the world breaks around them.
 *
 * Each client sits on one host, as an application beside its node does, and
 * asks for one thing at a time. Every value written is unique, so that a read
 * proves which write it saw.
 *
 * @module
 */
import { type Bytes, fromUtf8 } from "../base/bytes.ts";
import { below, fraction, SeededRandom } from "../base/random.ts";
import type {
  DictOperation,
  Found,
  Lifetime,
  ScanPage,
  Written,
} from "../dict/operations.ts";
import type { CopyView } from "../dict/dict.ts";
import { poppedEverywhere } from "./calm.ts";
import { acknowledgedOnAllHolders, readsAreProven } from "./checkers.ts";
import {
  History,
  type Key,
  keyOf,
  type Operation,
  valueBytes,
  valueText,
  type WorkType,
} from "./history.ts";
import { isTombstone, type Ledger } from "./ledger.ts";
import type { Host, Outcome, SimulatedNode } from "./node.ts";
import { report, type Simulator } from "./simulator.ts";
import type { SwarmOptions } from "./swarm.ts";
import { holdersOf, ringSeenBy } from "./truth.ts";

/** How often each type is asked for, in percent. */
const MIX: readonly (readonly [WorkType, number])[] = [
  ["get", 40],
  ["set", 25],
  ["delete", 15],
  ["pop", 10],
  ["setDefault", 5],
  ["size", 3],
  ["scan", 2],
];

/** What needs no network where every node has everything. */
const LOCAL: ReadonlySet<WorkType> = new Set(["get", "size", "scan"]);
/** The share of reads that are touches instead, where entries have ends. */
const TOUCH_SHARE = 0.1;

/** What a machine may be late by with its own deadline. */
const DEADLINE_SLACK_MS = 1_000;

/** Clients, and the record of what they saw. */
export class Workload {
  readonly history: History = new History();
  readonly keys: readonly Key[];
  readonly #simulator: Simulator;
  readonly #ledger: Ledger;
  readonly #options: SwarmOptions;
  readonly #random: SeededRandom;
  /** What is drawn of lives changes nothing else. */
  readonly #lives: SeededRandom;
  /** Until then nothing goes wrong, and more can be demanded. */
  calmUntilMs = 0;
  #values = 0;
  #isRunning = false;

  constructor(simulator: Simulator, ledger: Ledger, options: SwarmOptions) {
    this.#simulator = simulator;
    this.#ledger = ledger;
    this.#options = options;
    this.#random = new SeededRandom(options.seed, "workload");
    this.#lives = new SeededRandom(options.seed, "lives");
    const keys: Key[] = [];
    for (let i = 0; i < options.hotKeys; i++) keys.push(keyOf(`hot ${i}`));
    for (let i = 0; i < options.coldKeys; i++) keys.push(keyOf(`cold ${i}`));
    this.keys = keys;
  }

  /** Sets clients to work on hosts, all of them used in turn. */
  start(hosts: readonly Host[]): void {
    this.#isRunning = true;
    for (let client = 0; client < this.#options.clients; client++) {
      const host = hosts[below(this.#random, hosts.length)]!;
      this.#think(client, host);
    }
  }

  /** No client begins anything new. */
  stop(): void {
    this.#isRunning = false;
  }

  /** Reads a key at a node; `done` gets what it gives, unless it fails. */
  read(
    node: SimulatedNode,
    key: Key,
    done: (outcome: Outcome, found: string | undefined) => void,
  ): void {
    const { timeoutMs } = this.#options;
    if (this.#simulator.isSync) {
      const value = this.#valueAt(node, key);
      const found = value === undefined ? undefined : valueText(value);
      return done({ type: "ok", value: { value } }, found);
    }
    this.#simulator.call(
      node,
      { type: "get", key: key.bytes, read: "first", timeoutMs },
      (outcome) => {
        const value = outcome.type === "ok"
          ? (outcome.value as Found).value
          : undefined;
        done(outcome, value === undefined ? undefined : valueText(value));
      },
    );
  }

  #think(client: number, host: Host): void {
    if (!this.#isRunning) return;
    const pauseMs = -Math.log(1 - fraction(this.#random)) *
      this.#options.thinkMs;
    this.#simulator.queue.after(pauseMs, () => this.#begin(client, host));
  }

  #begin(client: number, host: Host): void {
    if (!this.#isRunning) return;
    const { node } = host;
    // Drawn whether or not somebody is there: a crash must not shift the rest.
    const drawn = this.#pickType();
    const key = this.#pickKey();
    const size = below(this.#random, this.#options.valueBytesMax);
    if (node === undefined) {
      this.#think(client, host);
      return;
    }
    const type = drawn === "get" && this.#isTouchDue ? "touch" : drawn;
    if (this.#simulator.isSync && LOCAL.has(type)) {
      this.#lookHere(type, client, node, key);
      this.#think(client, host);
      return;
    }
    const writes = type === "set" || type === "setDefault";
    const lifetime = this.#pickLifetime(type);
    const isWhole = type === "size" || type === "scan";
    const value = writes ? `${client}:${++this.#values}` : undefined;
    const operation = this.history.begin({
      type,
      client,
      node: node.name,
      key: isWhole ? "" : key.text,
      value,
      ttlMs: lifetime.ttlMs === 0 ? undefined : lifetime.ttlMs,
      startMs: this.#simulator.nowMs,
    });
    const call = callOf(type, {
      key: key.bytes,
      value: value === undefined ? undefined : valueBytes(value, size),
      lifetime,
      timeoutMs: this.#options.timeoutMs,
    });
    this.#simulator.call(node, call, (outcome) => {
      this.#end(operation, node, key, outcome);
      this.#think(client, host);
    });
  }

  #valueAt(node: SimulatedNode, key: Key): Bytes | undefined {
    const wallMs = this.#simulator.wallMs(node);
    return node.machine.dict.read(key.id, wallMs);
  }

  /** Reads what the node itself has, if it is not paused just then. */
  #lookHere(
    type: WorkType,
    client: number,
    node: SimulatedNode,
    key: Key,
  ): void {
    const { nowMs } = this.#simulator;
    if (node.isPaused || type === "size") return;
    if (type === "scan") {
      for (const { key, value } of node.machine.dict.copies()) {
        if (value !== undefined) this.#prove(fromUtf8(key), valueText(value));
      }
      return;
    }
    const operation = this.history.begin({
      type,
      client,
      node: node.name,
      key: key.text,
      value: undefined,
      ttlMs: undefined,
      startMs: nowMs,
    });
    this.history.end(operation, nowMs, "ok");
    this.#judge(operation, node, key, { value: this.#valueAt(node, key) });
  }

  #end(
    operation: Operation,
    node: SimulatedNode,
    key: Key,
    outcome: Outcome,
  ): void {
    const { nowMs } = this.#simulator;
    if (outcome.type === "failed") {
      this.history.end(operation, nowMs, outcome.error.applied);
      return;
    }
    if (outcome.type === "lost") {
      this.history.end(operation, nowMs, "maybe");
      return;
    }
    this.history.end(operation, nowMs, "ok");
    this.#judge(operation, node, key, outcome.value);
  }

  #judge(
    operation: Operation,
    node: SimulatedNode,
    key: Key,
    value: unknown,
  ): void {
    switch (operation.type) {
      case "get":
      case "pop": {
        const found = (value as Found).value;
        if (found === undefined) return;
        operation.found = valueText(found);
        this.#prove(key.text, operation.found);
        if (operation.type === "pop") this.#pop(operation, node, key);
        return;
      }
      case "set":
        return value === undefined
          ? this.#oweValue(key, operation.value!)
          : this.#oweSet(operation, node, key, value as Written);
      case "touch":
        operation.didChange = value === true;
        return;
      case "delete":
        operation.didChange = value === true;
        if (operation.didChange) this.#oweDelete(key);
        return;
      case "setDefault": {
        const text = valueText(value as Bytes);
        operation.found = text;
        this.#prove(key.text, text);
        if (text === operation.value) this.#oweValue(key, text);
        return;
      }
      case "size":
        return;
      case "scan":
        for (const entry of (value as ScanPage).entries) {
          if (entry.value === undefined) continue;
          this.#prove(fromUtf8(entry.key), valueText(entry.value));
        }
    }
  }

  #pop(operation: Operation, node: SimulatedNode, key: Key): void {
    operation.didChange = true;
    if (this.#isCalm) {
      const least = this.#leastCopies(node);
      const live = this.#simulator.nodes;
      report(
        "poppedEverywhere",
        poppedEverywhere(key, operation.found!, least, live),
      );
    }
    this.#oweDelete(key);
  }

  #prove(key: string, found: string): void {
    report("readsAreProven", readsAreProven(this.history, key, found));
  }

  #oweSet(
    { startMs }: Operation,
    node: SimulatedNode,
    key: Key,
    written: Written,
  ): void {
    const { replicas } = this.#options;
    const { nodes: live, ended, nowMs: atMs } = this.#simulator;
    const confirmed = live.filter(({ machine }) =>
      written.holders.includes(machine.id)
    );
    const least = this.#leastCopies(node, confirmed);
    const wanted = { least, replicas };
    const judge = acknowledgedOnAllHolders;
    report("acknowledgedOnAllHolders", judge(key, written, wanted, live));
    const { version, holders } = written;
    const holding = holdersOf(key, version, live);
    const safe = new Set(holding.map((holder) => holder.machine.id));
    for (const id of safe) if (!holders.includes(id)) safe.delete(id);
    for (const id of holders) {
      const endedMs = ended.get(id) ?? Infinity;
      if (endedMs >= startMs) continue;
      const finding = `"${key.text}" counts ${id}, which had ended before`;
      report("acknowledgedOnAllHolders", finding);
    }
    // All who confirmed it have failed since they did: nobody is left to blame.
    if (holding.length === 0) return;
    this.#ledger.acknowledge({ key, version, isDelete: false, atMs, safe });
  }

  #oweDelete(key: Key): void {
    const { nodes, nowMs } = this.#simulator;
    this.#ledger.acknowledgeNewest(key, isTombstone, nodes, nowMs);
  }

  #oweValue(key: Key, text: string): void {
    const { nodes, nowMs } = this.#simulator;
    const isIt = ({ value }: CopyView) =>
      value !== undefined && valueText(value) === text;
    this.#ledger.acknowledgeNewest(key, isIt, nodes, nowMs);
  }

  /**
   * The copies that an acknowledgement must have by PROTOCOL 4.5, as far as it
   * can be said from outside: R where nobody is in doubt, and two in any case
   * where the coordinator knows of two besides itself, which may have become a
   * member only in the step that ended the write.
   */
  #leastCopies(
    coordinator: SimulatedNode,
    holders: readonly SimulatedNode[] = [],
  ): number {
    const { replicas } = this.#options;
    const ring = ringSeenBy(coordinator);
    if (this.#isCalm) return Math.min(ring.length, replicas);
    // What is handed on stands as those see it to whom it belongs.
    const isPartial = coordinator.machine.window !== undefined;
    const judges = isPartial ? [coordinator, ...holders] : [coordinator];
    const others = judges.map((judge) =>
      ringSeenBy(judge).filter(({ id }) => id !== judge.machine.id).length
    );
    return Math.min(Math.max(1, Math.min(...others)), 2, replicas);
  }

  get #isCalm(): boolean {
    return this.#simulator.nowMs < this.calmUntilMs;
  }

  #pickType(): WorkType {
    let draw = below(this.#random, 100);
    for (const [type, share] of MIX) {
      if (draw < share) return type;
      draw -= share;
    }
    return "get";
  }

  get #isTouchDue(): boolean {
    const { ttlShare } = this.#options.lives;
    return ttlShare > 0 && fraction(this.#lives) < TOUCH_SHARE;
  }

  #pickLifetime(type: WorkType): Lifetime {
    const { ttlShare, ttlMaxMs, sessionShare } = this.#options.lives;
    const ttlMs = 1 + below(this.#lives, ttlMaxMs);
    const isTimed = fraction(this.#lives) < ttlShare || type === "touch";
    const session = fraction(this.#lives) < sessionShare;
    const writes = type === "set" || type === "setDefault" || type === "touch";
    return { ttlMs: isTimed && writes ? ttlMs : 0, session };
  }

  #pickKey(): Key {
    const { hotKeys, coldKeys, hotShare } = this.#options;
    const isHot = fraction(this.#random) < hotShare;
    const at = isHot
      ? below(this.#random, hotKeys)
      : hotKeys + below(this.#random, coldKeys);
    return this.keys[at]!;
  }
}

/** Calls that should have ended by their own deadline and have not. */
export function callsEnd(simulator: Simulator): string | undefined {
  for (const node of simulator.nodes) {
    if (node.isPaused) continue;
    for (const { operation, startMs } of node.calls.values()) {
      if (!("timeoutMs" in operation)) continue;
      // No machine can keep a deadline while it stands still.
      const countsFromMs = Math.max(startMs, node.resumedMs);
      const lateMs = simulator.nowMs - countsFromMs - operation.timeoutMs;
      if (lateMs > DEADLINE_SLACK_MS) {
        return `${operation.type} at ${node.name} is ${lateMs} ms late`;
      }
    }
  }
  return undefined;
}

function callOf(
  type: WorkType,
  parts: {
    key: Bytes;
    value: Bytes | undefined;
    lifetime: Lifetime;
    timeoutMs: number;
  },
): DictOperation {
  const { key, value, lifetime, timeoutMs } = parts;
  switch (type) {
    case "get":
      return { type, key, read: "first", timeoutMs };
    case "set":
    case "setDefault":
      return { type, key, value: value!, lifetime, timeoutMs };
    case "touch":
      return { type, key, ttlMs: lifetime.ttlMs, timeoutMs };
    case "delete":
    case "pop":
      return { type, key, timeoutMs };
    case "size":
      return { type, timeoutMs };
    case "scan":
      return { type, after: undefined, values: true, timeoutMs };
  }
}
