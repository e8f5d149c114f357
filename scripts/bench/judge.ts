/**
 * What a benchmark's figures are measured against.
 *
 * A *target* is what a row should reach. A *bound* is what fails the continuous
 * checks: twice the target, or what is written down below with its reason. The
 * machines of those checks are small and shared, so a row fails only if the
 * median of its rounds is beyond the bound wherever the processes were placed.
 * What slows a row down for good does so on one core and on all of them; the
 * scheduler and other people's work do not.
 *
 * @module
 */
import type { Result } from "./rows.ts";

/** What was measured of one ring. */
export interface Report {
  readonly runtime: string;
  readonly version: string;
  readonly nodes: number;
  readonly placements: readonly Placement[];
}

/** What was measured with the processes where they may be. */
export interface Placement {
  /** The only core of all processes; `undefined`: any. */
  readonly core: number | undefined;
  readonly rounds: number;
  readonly results: readonly Result[];
}

/** What a row should reach. */
export type Target =
  /** Of the echo's time for one operation. */
  | { readonly timeMost: number }
  /** Of the echo's operations a second. */
  | { readonly rateLeast: number }
  /** Microseconds. */
  | { readonly usMost: number };

/** The targets by row; a row without one is shown, and has a bound only. */
export const TARGETS: Readonly<Record<string, Target>> = {
  "get, remote": { timeMost: 1.2 },
  "get, missing": { timeMost: 1.2 },
  "set, 3 copies": { timeMost: 1.5 },
  "get, local": { usMost: 3 },
  "gets, remote": { rateLeast: 1 },
  "gets, missing": { rateLeast: 1 },
  "sets, 3 copies": { rateLeast: 0.35 },
  "get, 256 kB": { rateLeast: 0.7 },
  "set, 256 kB": { rateLeast: 0.7 },
  "gets, 256 kB": { rateLeast: 0.7 },
  "sets, 256 kB": { rateLeast: 0.7 },
};

/** How often worse than its target a row may be before it fails. */
const WORSE_MOST = 2;
/** The share of a round's operations that may stall: noise stalls one or two. */
const STALLED_MOST = 0.05;

/** A bound that is not twice the target, and why. */
export interface Bound {
  readonly rows: readonly string[];
  /** None: on all that no other bound names. */
  readonly runtime?: string;
  /** Of the echo's time for one operation. */
  readonly timeMost: number;
  readonly because: string;
}

const NO_TARGET = "it has no target; three times what it usually takes";

/** Bounds of rows without targets, and of those that are far off theirs. */
export const BOUNDS: readonly Bound[] = [
  {
    rows: ["get, local"],
    timeMost: 1,
    because: "its target is a time, which the machine decides; who would go " +
      "over the network for it takes at least as long as the echo",
  },
  { rows: ["set, 1 copy", "get, 4 kB"], timeMost: 10, because: NO_TARGET },
  { rows: ["sets, 1 copy", "gets, 4 kB"], timeMost: 15, because: NO_TARGET },
  { rows: ["set, 4 kB", "sets, 4 kB"], timeMost: 30, because: NO_TARGET },
  { rows: ["pop", "pops", "events"], timeMost: 60, because: NO_TARGET },
  { rows: ["keys(), an entry"], timeMost: 3, because: NO_TARGET },
  {
    rows: ["get, remote", "get, missing", "set, 3 copies"],
    timeMost: 12,
    because: "on one core a latency is all the work of both sides, of which " +
      "the ring does two to five times the echo's",
  },
  {
    rows: ["gets, remote", "gets, missing"],
    timeMost: 15,
    because: "each get costs two to seven times the processor time of an echo",
  },
  {
    rows: ["sets, 3 copies"],
    timeMost: 17,
    because:
      "each set costs three to eight times the processor time of an echo",
  },
  {
    rows: ["get, 256 kB", "set, 256 kB", "gets, 256 kB", "sets, 256 kB"],
    timeMost: 20,
    because: "values are copied, and sent in pieces of 64 KiB",
  },
];

/** How often worse than its target; 1 is the target, below is better. */
export function worseness(target: Target, { ratio, p50Ms }: Result): number {
  if ("timeMost" in target) return ratio.median / target.timeMost;
  if ("rateLeast" in target) return ratio.median * target.rateLeast;
  return p50Ms * 1000 / target.usMost;
}

/** The most that a row may take, in times of its echo. */
export function boundOf(name: string, runtime: string): number {
  const bounds = BOUNDS.filter(({ rows }) => rows.includes(name));
  const own = bounds.find((bound) => bound.runtime === runtime) ??
    bounds.find((bound) => bound.runtime === undefined);
  if (own !== undefined) return own.timeMost;
  const target = TARGETS[name];
  if (target === undefined || "usMost" in target) return Infinity;
  return WORSE_MOST *
    ("timeMost" in target ? target.timeMost : 1 / target.rateLeast);
}

/** A row that is beyond its bound everywhere. */
export interface Failure {
  readonly name: string;
  readonly words: string;
}

/** The rows of a report that fail. */
export function failuresOf({ runtime, nodes, placements }: Report): Failure[] {
  const where = `${runtime}, ${nodes} nodes`;
  const rowsOf = ({ results }: Placement) => results;
  return placements.flatMap(rowsOf).flatMap(({ name, limit }, i, all) => {
    const same = all.filter((row) => row.name === name);
    if (
      same[0] !== all[i] || (limit === undefined && name.startsWith("echo"))
    ) {
      return [];
    }
    const most = boundOf(name, runtime);
    if (same.every(({ ratio }) => ratio.median > most)) {
      const found = same.map(({ ratio }) => ratio.median.toFixed(2));
      const words = `${where}: "${name}" takes ${found.join(" and ")} times ` +
        `its echo, at most ${most.toFixed(2)} may be`;
      return [{ name, words }];
    }
    if (same.every(({ stalled }) => stalled.median > STALLED_MOST)) {
      const found = same.map(({ stalled }) => stalled.median.toFixed(2));
      const words =
        `${where}: of "${name}" a share of ${found.join(" and ")} ` +
        `stalls, at most ${STALLED_MOST} may`;
      return [{ name, words }];
    }
    return [];
  });
}
