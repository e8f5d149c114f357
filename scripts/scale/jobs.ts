/**
 * The runs that the figures come from. Each is a function of its sizes alone,
 * so that any of them can be made again, in any order, in any thread.
 *
 * @module
 */
import { percentile } from "../../src/testing/population.ts";
import { beyondCost } from "./beyond.ts";
import { Crowd } from "./churn.ts";
import { Ending } from "./detection.ts";
import { hopsCases, KNOWLEDGE, type Values } from "./figures.ts";
import { killHalf } from "./half.ts";
import { idleCost } from "./idle.ts";
import { watchPauses } from "./pauses.ts";
import { staticHops } from "./static_rings.ts";

/** A job at one of its two sizes. */
export interface Job {
  readonly run: () => Values;
  /** What it was run with, in words. */
  readonly sizes: string;
}

const MINUTE_MS = 60_000;
/** A median of 1.4 min, as the exponential distribution has it. */
const FAST_LIFE_MS = 1.4 * MINUTE_MS / Math.LN2;
/** Parts of the 24 hours, which may run at the same time. */
export const PAUSES_PARTS = 8;

/** All jobs; the longest come first, so that threads end together. */
export function jobsFor(isQuick: boolean): Readonly<Record<string, Job>> {
  return {
    churn: churn(isQuick),
    ...Object.fromEntries(
      Array.from(
        { length: PAUSES_PARTS },
        (_, part) => [`pauses${part + 1}`, pauses(isQuick, part + 1)],
      ),
    ),
    detection: detection(isQuick),
    silent: silent(isQuick),
    half: half(isQuick),
    beyond: beyond(isQuick),
    idle: idle(isQuick),
    hops: hops(isQuick),
  };
}

function churn(isQuick: boolean): Job {
  const size = {
    seed: 1,
    nodes: isQuick ? 80 : 1_000,
    joinsPerSecond: 50,
    keys: isQuick ? 100 : 300,
  };
  const countedMs = isQuick ? 30_000 : MINUTE_MS;
  // About as many come and go in it.
  const fastMs = countedMs / 6;
  const lookupsPerSecond = isQuick ? 50 : 200;
  const phase = { silently: false, warmUpMs: 10_000, lookupsPerSecond };
  return {
    sizes: `${size.nodes} nodes, ${countedMs / 1000} s and ${fastMs / 1000} s`,
    run: () => {
      const crowd = new Crowd(size);
      const slow = crowd.live({
        ...phase,
        meanLifeMs: 10 * MINUTE_MS,
        countedMs,
      });
      const fast = crowd.live({
        ...phase,
        warmUpMs: fastMs / 2,
        meanLifeMs: FAST_LIFE_MS,
        countedMs: fastMs,
      });
      return {
        "churn.equalMs": crowd.equalMs,
        "churn.firstTry": 100 * slow.firstTry,
        "churn.failed": 10_000 * slow.failed / slow.lookups,
        "churn.wrong": slow.wrong,
        "churn.askedMax": slow.askedMax,
        "churn.hops": slow.hops,
        "churn.bytes": slow.bytes,
        "churn.messages": slow.messages,
        "fast.bytes": fast.bytes,
        "fast.wrong": fast.wrong,
      };
    },
  };
}

function silent(isQuick: boolean): Job {
  const nodes = isQuick ? 66 : 256;
  const countedMs = isQuick ? 30_000 : 5 * MINUTE_MS;
  const size = { seed: 2, nodes, joinsPerSecond: 50, keys: 100 };
  return {
    sizes: `${nodes} nodes, ${countedMs / 1000} s`,
    run: () => {
      const { firstTry, failed, wrong, askedMax, lookups } = new Crowd(size)
        .live({
          silently: true,
          meanLifeMs: 10 * MINUTE_MS,
          warmUpMs: 10_000,
          countedMs,
          lookupsPerSecond: 50,
        });
      return {
        "silent.firstTry": 100 * firstTry,
        "silent.failed": 10_000 * failed / lookups,
        "silent.wrong": wrong,
        "silent.askedMax": askedMax,
      };
    },
  };
}

function detection(isQuick: boolean): Job {
  const kills = isQuick ? 10 : 100;
  const [small, large] = isQuick ? [30, 70] : [100, 1_000];
  const timeOf = (timesMs: readonly number[]) => percentile(timesMs, 0.99);
  return {
    sizes: `${kills} deaths of each kind in rings of ${small} and ${large}`,
    run: () => {
      const few = new Ending({ seed: 3, nodes: small });
      const many = new Ending({ seed: 3, nodes: large });
      // As often as where each node lives for ten minutes.
      const everyMs = 10 * MINUTE_MS / large;
      const silent = few.detect({ kills, everyMs: 8_000, silently: true });
      const ended = few.detect({ kills, everyMs: 1_000, silently: false });
      const silents = many.detect({ kills, everyMs, silently: true });
      const ends = many.detect({ kills, everyMs, silently: false });
      const { bytes, messages } = ends;
      return {
        "detection.silent.100": timeOf(silent.timesMs),
        "detection.process.100": timeOf(ended.timesMs),
        "detection.silent.1000": timeOf(silents.timesMs),
        "detection.process.1000": timeOf(ends.timesMs),
        "members.bytes": bytes,
        "members.messages": messages,
      };
    },
  };
}

function pauses(isQuick: boolean, seed: number): Job {
  const nodes = isQuick ? 40 : 100;
  const hours = isQuick ? 0.02 : 24 / PAUSES_PARTS;
  return {
    sizes: `${nodes} nodes, ${hours} h`,
    run: () => {
      const { pauses, falseDeaths } = watchPauses({
        seed,
        nodes,
        share: 0.05,
        pauseMaxMs: 2_000,
        everyMs: 20_000,
        hours,
      });
      return {
        "pauses.falseDeaths": falseDeaths,
        "pauses.pauses": pauses,
        "pauses.hours": hours,
      };
    },
  };
}

function idle(isQuick: boolean): Job {
  const countedMs = isQuick ? 10_000 : 2 * MINUTE_MS;
  return {
    sizes: `${countedMs / 1000} s each`,
    run: () => {
      const values: Record<string, number> = {};
      for (const nodes of [3, 16, 64, 128]) {
        const cost = idleCost({ seed: 4, nodes, countedMs });
        values[`idle.messages.${nodes}`] = cost.messages;
        values[`idle.bytes.${nodes}`] = cost.bytes;
      }
      return values;
    },
  };
}

function beyond(isQuick: boolean): Job {
  const bound = isQuick ? 8 : 32;
  const [small, large] = isQuick ? [64, 128] : [128, 512];
  const countedMs = isQuick ? 30_000 : MINUTE_MS;
  const size = { seed: 7, bound, meanLifeMs: 2 * MINUTE_MS, countedMs };
  return {
    sizes: `${small} and ${large} nodes that may know ${bound}, ` +
      `${countedMs / 1000} s each`,
    run: () => {
      const near = beyondCost({ ...size, nodes: small });
      const far = beyondCost({ ...size, nodes: large });
      const lookups = near.lookups + far.lookups;
      return {
        "beyond.bytes.small": near.bytes,
        "beyond.bytes.large": far.bytes,
        "beyond.growth": far.bytes / near.bytes,
        "beyond.failed": 10_000 * (near.failed + far.failed) / lookups,
        "beyond.wrong": near.wrong + far.wrong,
      };
    },
  };
}

function half(isQuick: boolean): Job {
  const nodes = isQuick ? 70 : 100;
  const keys = isQuick ? 300 : 2_000;
  return {
    sizes: `${nodes} nodes, ${keys} entries`,
    run: () => {
      const values: Record<string, number> = {};
      for (const silently of [true, false]) {
        const result = killHalf({ seed: 5, nodes, keys, silently });
        const name = `half.${silently ? "silent" : "process"}`;
        values[`${name}.slowestMs`] = result.slowestMs;
        values[`${name}.failed`] = result.failed + result.wrong;
        values[`${name}.lost`] = 100 * result.lost / result.acknowledged;
        values[`${name}.unexplained`] = result.unexplained;
      }
      return values;
    },
  };
}

function hops(isQuick: boolean): Job {
  const lookups = isQuick ? 1_000 : 20_000;
  return {
    sizes: `${lookups} lookups each`,
    run: () => {
      const values: Record<string, number> = {};
      for (const { nodes, columns } of hopsCases()) {
        for (const column of columns) {
          const knowledge = KNOWLEDGE[column]!;
          const of = { seed: 6, nodes, lookups };
          const { mean, p99 } = staticHops(of, knowledge);
          const id = `hops.${knowledge.name}.${nodes}`;
          values[id] = mean;
          values[`${id}.p99`] = p99;
        }
      }
      return values;
    },
  };
}

/** What several parts of one thing have counted together. */
export function summed(parts: readonly Values[]): Values {
  const sums: Record<string, number> = {};
  for (const part of parts) {
    for (const [id, value] of Object.entries(part)) {
      sums[id] = (sums[id] ?? 0) + value;
    }
  }
  return sums;
}
