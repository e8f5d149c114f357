/**
 * Times of what is too short for one look at the clock.
 *
 * It is the processor time of the whole process: other people's work does not
 * count, and the collection of garbage in other threads does.
 *
 * @module
 */
import { Latencies } from "../../latencies.ts";
import { ownCpuMs } from "../platform.ts";

/** One kind of work, done once by each call. */
export interface Case {
  readonly group: string;
  readonly name: string;
  /** Its result is kept, so that no compiler can leave the work out. */
  readonly run: (at: number) => unknown;
  /** What one call does of what is counted, such as entries; 1 if missing. */
  readonly weight?: number;
}

/** What one call takes, in nanoseconds. */
export interface Timing {
  readonly group: string;
  readonly name: string;
  readonly median: number;
  /** A tenth of the batches was faster, a tenth slower than that. */
  readonly low: number;
  readonly high: number;
}

/** How much is measured. */
export interface Effort {
  readonly rounds: number;
  /** How long one case of one round takes, at least. */
  readonly batchMs: number;
}

/** Calls that no round may exceed: what is instant would never reach a time. */
const CALLS_MAX = 1 << 24;
const WARM_MS = 30;

/** Results, where anybody could look at them; a power of two of them. */
const kept: unknown[] = new Array(64);

function batchMs({ run }: Case, first: number, calls: number): number {
  const startMs = ownCpuMs();
  for (let i = 0; i < calls; i++) kept[i & 63] = run(first + i);
  return ownCpuMs() - startMs;
}

/** Warms a case up; gives how many calls take `wantedMs`. */
function callsFor(one: Case, wantedMs: number): number {
  let spentMs = 0;
  for (let calls = 1;; calls *= 2) {
    // The fastest of a few: one that was held up says nothing of the others.
    const times = [0, 1, 2].map(() => batchMs(one, 0, calls));
    for (const ms of times) spentMs += ms;
    const isEnough = Math.min(...times) >= wantedMs && spentMs >= WARM_MS;
    if (isEnough || calls >= CALLS_MAX) return calls;
  }
}

/** Measures all cases, a batch of each in every round. */
export function time(
  cases: readonly Case[],
  { rounds, batchMs: wantedMs }: Effort,
): Timing[] {
  const calls = cases.map((one) => callsFor(one, wantedMs));
  const times = cases.map(() => new Latencies());
  for (let round = 0; round < rounds; round++) {
    for (const [i, one] of cases.entries()) {
      const count = calls[i]!;
      const ms = batchMs(one, round * count, count);
      times[i]!.add(1e6 * ms / count / (one.weight ?? 1));
    }
  }
  return cases.map(({ group, name }, i) => ({
    group,
    name,
    median: times[i]!.quantile(0.5),
    low: times[i]!.quantile(0.1),
    high: times[i]!.quantile(0.9),
  }));
}
