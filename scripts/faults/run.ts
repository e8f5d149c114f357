/**
 * One kind of fault, from boot to verdict: nodes start, clients work, faults
 * come and are mended for some time, the clients stop, and then everything must
 * be well within a bounded time.
 *
 * @module
 */
import { SeededRandom } from "../../src/base/random.ts";
import type { Operation } from "../../src/testing/history.ts";
import { shownMs } from "../latencies.ts";
import {
  quietSince,
  unequalCopies,
  unsettled,
  verdictOf,
  viewsOf,
} from "./checker.ts";
import { KINDS } from "./kinds.ts";
import { ProcessRing, sleep } from "./ring.ts";
import { Workload } from "./workload.ts";

/** What is run. */
export interface Plan {
  readonly kind: string;
  readonly seed: number;
  /** How long faults come. */
  readonly seconds: number;
  readonly nodes: number;
  /** Copies that are promised. */
  readonly replicas: number;
  /** Copies that the nodes make; another number is a defect. */
  readonly replicasMade: number;
  /** Everything must be well again this soon after a fault. */
  readonly recoveryMsMax: number;
  readonly say: (words: string) => void;
}

/** How long it took to recover from one fault. */
export interface Recovery {
  /** From the fault on until no operation failed, or it was mended. */
  readonly failingMs: number;
  /** Until no operation failed any more, in milliseconds; 0: none failed. */
  readonly operationsMs: number;
  /** Until all copies were where they belong and the same. */
  readonly copiesMs: number;
  /** Until every node knew that. */
  readonly settledMs: number;
}

/** What came of it. */
export interface Report {
  readonly kind: string;
  readonly recoveries: readonly Recovery[];
  readonly operations: number;
  readonly failed: number;
  readonly summary: string;
  /** Why operations failed, and how often. */
  readonly errors: readonly string[];
  readonly findings: readonly string[];
}

/** Time for something to be written before the first fault. */
const WARM_MS = 1_000;
/** Time for what is under way to end before the next fault. */
const CALM_MS = 500;
const POLL_MS = 200;
const READS_AT_ONCE = 16;

/** Runs one kind; the processes have ended when it resolves. */
export async function runKind(plan: Plan): Promise<Report> {
  await using ring = new ProcessRing(plan.replicasMade);
  return await new Run(plan, ring).phases();
}

/** When the ring was left to itself after a fault, and how it came to rest. */
interface Rest {
  readonly beganMs: number;
  readonly fromMs: number;
  readonly copiesMs: number;
  readonly settledMs: number;
}

class Run {
  readonly #plan: Plan;
  readonly #ring: ProcessRing;
  readonly #random: SeededRandom;
  readonly #workload: Workload;
  readonly #rests: Rest[] = [];

  constructor(plan: Plan, ring: ProcessRing) {
    const { seed, kind, replicas } = plan;
    this.#plan = plan;
    this.#ring = ring;
    this.#random = new SeededRandom(seed, `faults ${kind}`);
    const random = new SeededRandom(seed, `work ${kind}`);
    this.#workload = new Workload(ring, replicas, random);
  }

  async phases(): Promise<Report> {
    const { nodes, seconds } = this.#plan;
    const startMs = performance.now();
    await this.#ring.boot(nodes);
    const bootMs = performance.now() - startMs;
    this.#plan.say(`${nodes} processes after ${(bootMs / 1000).toFixed(1)} s`);
    this.#workload.start();
    await sleep(WARM_MS);
    const endMs = performance.now() + 1_000 * seconds;
    let unrest: string | undefined;
    do unrest = await this.#fault(endMs); while (
      unrest === undefined && performance.now() < endMs
    );
    await this.#workload.stop();
    unrest ??= (await this.#rest(-Infinity)).unrest;
    const findings = unrest === undefined ? [] : [`recovery: ${unrest}`];
    return this.#report([...findings, ...await this.#verdict()]);
  }

  /** One fault; gives what is not well in time, if anything. */
  async #fault(endMs: number): Promise<string | undefined> {
    const { kind, replicas, say } = this.#plan;
    const holdMsMax = Math.max(3_000, (endMs - performance.now()) / 2);
    const circumstances = {
      ring: this.#ring,
      random: this.#random,
      replicas,
      holdMsMax,
    };
    const beganMs = performance.now();
    const fault = await KINDS[kind]!(circumstances);
    await sleep(fault.holdMs);
    await fault.mend();
    // What is not held begins to be mended as soon as it happens.
    const fromMs = fault.holdMs > 0 ? performance.now() : beganMs;
    const { unrest, copiesMs } = await this.#rest(fromMs);
    const settledMs = performance.now() - fromMs;
    this.#rests.push({ beganMs, fromMs, copiesMs, settledMs });
    const how = unrest ??
      `copies equal after ${shownMs(copiesMs)}, settled after ` +
        shownMs(settledMs);
    say(`${fault.words}: ${how}`);
    if (unrest === undefined) await sleep(CALM_MS);
    if (unrest !== undefined || fault.replace === undefined) return unrest;
    await fault.replace();
    return (await this.#rest(performance.now())).unrest;
  }

  /** Waits until the keys that nobody has written since are where they belong. */
  async #rest(
    sinceMs: number,
  ): Promise<{ unrest: string | undefined; copiesMs: number }> {
    const { replicas, recoveryMsMax } = this.#plan;
    const startMs = performance.now();
    let copiesMs: number | undefined;
    for (;;) {
      const snapshots = await this.#ring.snapshots();
      const isQuiet = quietSince(this.#workload.history, sinceMs);
      const isJudged = sinceMs === -Infinity ? () => true : isQuiet;
      const live = viewsOf(snapshots, isJudged);
      const unequal = unequalCopies(live, replicas);
      const nowMs = performance.now();
      if (unequal !== undefined) copiesMs = undefined;
      else copiesMs ??= nowMs - sinceMs;
      const unrest = unequal ?? unsettled(live);
      if (unrest === undefined || nowMs > startMs + recoveryMsMax) {
        return { unrest, copiesMs: copiesMs ?? Infinity };
      }
      await sleep(POLL_MS);
    }
  }

  async #verdict(): Promise<string[]> {
    const { history, ledger, findings } = this.#workload;
    const reads = await this.#readAll();
    const live = viewsOf(await this.#ring.snapshots());
    return [...findings, ...verdictOf(history, ledger, live, reads)];
  }

  /** Reads every key at every node. */
  async #readAll(): Promise<Operation[]> {
    const { keys } = this.#workload;
    const reads: Operation[] = [];
    await Promise.all(this.#ring.awake.map(async ({ name, child }) => {
      let next = 0;
      const reader = async () => {
        while (next < keys.length) {
          const key = keys[next++]!;
          reads.push(await this.#workload.read(name, child!, key));
        }
      };
      await Promise.all(Array.from({ length: READS_AT_ONCE }, reader));
    }));
    return reads;
  }

  #report(findings: readonly string[]): Report {
    const { history, failed } = this.#workload;
    /** The end of the last that failed of those begun in a time, after it. */
    const failing = (sinceMs: number, untilMs: number): number => {
      let lastMs = sinceMs;
      for (const { startMs, endMs } of failed.keys()) {
        const isIn = startMs >= sinceMs && startMs < untilMs;
        if (isIn && endMs > lastMs) lastMs = endMs;
      }
      return lastMs - sinceMs;
    };
    const recoveries = this.#rests.map(
      ({ beganMs, fromMs, copiesMs, settledMs }): Recovery => ({
        failingMs: failing(beganMs, fromMs),
        // What begins later may still be under way when the next fault comes.
        operationsMs: failing(fromMs, fromMs + settledMs),
        copiesMs,
        settledMs,
      }),
    );
    const counts = new Map<string, number>();
    for (const why of failed.values()) {
      counts.set(why, (counts.get(why) ?? 0) + 1);
    }
    return {
      kind: this.#plan.kind,
      recoveries,
      operations: history.operations.length,
      failed: failed.size,
      errors: [...counts].map(([why, count]) => `${count} × ${why}`),
      summary: history.summary(),
      findings,
    };
  }
}
