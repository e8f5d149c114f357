/**
 * Clients that use the nodes of a fault run, and the record of what they saw.
 *
 * Every value written is unique, so that a read proves which write it saw. Some
 * keys are written again and again, others once, so that there is something
 * that nobody repairs by writing it anew.
 *
 * @module
 */
import { below, pick, type SeededRandom } from "../../src/base/random.ts";
import type { Written } from "../../src/dict/operations.ts";
import { readsAreProven } from "../../src/testing/checkers.ts";
import {
  History,
  keyOf,
  type Operation,
  valueBytes,
  valueText,
  type WorkType,
} from "../../src/testing/history.ts";
import { Ledger } from "../../src/testing/ledger.ts";
import { fromUtf8, utf8 } from "../../src/base/bytes.ts";
import type { Child } from "../children.ts";
import type { Said } from "./node.ts";
import { type ProcessRing, sleep } from "./ring.ts";

/** How long an operation may take, in milliseconds. */
export const TIMEOUT_MS = 4_000;
const CLIENTS = 10;
const THINK_MS = 20;
const HOT_KEYS = 24;
const VALUE_BYTES_MAX = 400;
/** One value in so many is large. */
const LARGE_EVERY = 64;
const LARGE_BYTES = 100_000;
/** Where all processes share one clock, versions of one millisecond may tie. */
const TIE_MS = 2;
/** Of a hundred operations; what is left over sets a key that is new. */
const MIX: readonly (readonly [WorkType, number])[] = [
  ["get", 45],
  ["set", 35],
  ["delete", 10],
];

/** The clients. */
export class Workload {
  readonly history: History = new History();
  readonly ledger: Ledger;
  /** Operations that a node gave up, with the reason. */
  readonly failed: Map<Operation, string> = new Map();
  /** What reads have found that nobody wrote. */
  readonly findings: string[] = [];
  readonly #ring: ProcessRing;
  readonly #random: SeededRandom;
  readonly #clients: Promise<void>[] = [];
  #values = 0;
  #isRunning = false;

  constructor(ring: ProcessRing, replicas: number, random: SeededRandom) {
    this.#ring = ring;
    this.#random = random;
    this.ledger = new Ledger(replicas);
  }

  start(): void {
    this.#isRunning = true;
    for (let client = 0; client < CLIENTS; client++) {
      this.#clients.push(this.#work(client));
    }
  }

  /** Resolves when the last operation has ended. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#clients.splice(0));
  }

  /** Every key that there was anything to do with. */
  get keys(): string[] {
    return [...new Set(this.history.operations.map(({ key }) => key))];
  }

  /** Reads a key at a node, on the record. */
  async read(at: string, child: Child, key: string): Promise<Operation> {
    return await this.#ask("get", -1, at, child, key);
  }

  async #work(client: number): Promise<void> {
    while (this.#isRunning) {
      await sleep(THINK_MS * 2 * below(this.#random, 1000) / 1000);
      const place = pick(this.#random, this.#ring.awake);
      const [type, key] = this.#draw();
      if (!place?.isMember) continue;
      await this.#ask(type, client, place.name, place.child!, key);
    }
  }

  #draw(): [WorkType, string] {
    const key = `hot ${below(this.#random, HOT_KEYS)}`;
    let draw = below(this.#random, 100);
    for (const [type, share] of MIX) {
      if (draw < share) return [type, key];
      draw -= share;
    }
    return ["set", `once ${this.#values}`];
  }

  async #ask(
    type: WorkType,
    client: number,
    node: string,
    child: Child,
    key: string,
  ): Promise<Operation> {
    const value = type === "set" ? `${client}:${++this.#values}` : undefined;
    const operation = this.history.begin({
      type,
      client,
      node,
      key,
      value,
      ttlMs: undefined,
      startMs: performance.now(),
    });
    let said: Said<unknown>;
    try {
      said = type === "set"
        ? await child.call("set", key, this.#bytesOf(value!), TIMEOUT_MS)
        : type === "delete"
        ? await child.call("del", key, TIMEOUT_MS)
        : await child.call("get", key, TIMEOUT_MS);
    } catch {
      // The process has ended, and what waited for it with it.
      this.history.end(operation, performance.now(), "maybe");
      return operation;
    }
    const nowMs = performance.now();
    if (said.error === undefined) {
      this.history.end(operation, nowMs + (type === "get" ? 0 : TIE_MS), "ok");
      this.#take(operation, said.value);
    } else {
      this.failed.set(operation, `${type}: ${said.error}`);
      this.history.end(operation, nowMs, said.applied);
    }
    return operation;
  }

  #bytesOf(value: string): string {
    const isLarge = below(this.#random, LARGE_EVERY) === 0;
    const size = isLarge ? LARGE_BYTES : below(this.#random, VALUE_BYTES_MAX);
    return fromUtf8(valueBytes(value, size));
  }

  #take(operation: Operation, value: unknown): void {
    const { type, key, node } = operation;
    if (type === "set") {
      const { version, holders } = value as Written;
      const safe = new Set(holders);
      const atMs = operation.endMs;
      const write = { key: keyOf(key), version, isDelete: false, atMs, safe };
      return this.ledger.acknowledge(write);
    }
    if (type === "delete") {
      operation.didChange = value === true;
      return;
    }
    if (value === null) return;
    operation.found = valueText(utf8(value as string));
    const finding = readsAreProven(this.history, key, operation.found);
    if (finding !== undefined) {
      this.findings.push(`readsAreProven: ${node}: ${finding}`);
    }
  }
}
