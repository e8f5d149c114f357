/**
 * What a benchmark's figures are measured against.
 *
 * A *target* is what a row should reach. A *bound* is what fails the continuous
 * checks: twice the target, or what is written down below with its reason. The
 * machines of those checks are small and shared, so a row fails only if the
 * median of its rounds is beyond the bound wherever the processes were placed.
 * What slows a row down for good does so on one core and on all of them; the
 * scheduler does not.
 *
 * Who shares a core with other people's work waits for it after every few
 * milliseconds, long operations much more than the short echo. How much of a
 * core there was is known: on one core, many echoes at once use all that they
 * get. If that is too little, processor times are judged in place of times.
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
  /** The only core of all processes, or any. */
  readonly core: number | "any";
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
/**
 * The share of operations that may stall in the best of the rounds. A late
 * acknowledgement comes in every round; a machine that is busy with something
 * else has better moments.
 */
const STALLED_MOST = 0.05;

/** With less of a core than this, times say nothing. */
const CORE_LEAST = 0.7;

/** A bound that is not twice the target, and why. */
export interface Bound {
  readonly rows: readonly string[];
  /** None: on all that no other bound names. */
  readonly runtime?: string;
  /** Of the echo's time for one operation. */
  readonly timeMost: number;
  readonly because: string;
}

const NO_TARGET = "no target; three times what is usual";

/** Bounds of rows without targets, and of those that are far off theirs. */
export const BOUNDS: readonly Bound[] = [
  {
    rows: ["get, remote", "get, missing"],
    timeMost: 5,
    because: "on one core the time is all the work of both sides, twice the " +
      "echo's",
  },
  {
    rows: ["set, 3 copies"],
    timeMost: 10,
    because: "likewise, with two copies to send: four to five times",
  },
  {
    rows: ["gets, remote", "gets, missing"],
    timeMost: 5,
    because: "a get takes up to twice the processor time of an echo",
  },
  {
    rows: ["gets, remote", "gets, missing"],
    runtime: "bun",
    timeMost: 7,
    because: "likewise, but no echo is as cheap: two to four times",
  },
  {
    rows: ["sets, 3 copies"],
    timeMost: 12,
    because: "a set takes three to eight times the processor time of an echo",
  },
  {
    rows: ["get, 256 kB", "set, 256 kB", "gets, 256 kB", "sets, 256 kB"],
    timeMost: 8,
    because: "large values are copied, and sent in pieces of 64 KiB",
  },
  {
    rows: ["get, local"],
    timeMost: 1,
    because: "the target is a time, which the machine decides; over the " +
      "network it would take at least one echo",
  },
  { rows: ["keys(), an entry"], timeMost: 3, because: NO_TARGET },
  { rows: ["set, 1 copy", "get, 4 kB"], timeMost: 10, because: NO_TARGET },
  { rows: ["sets, 1 copy", "gets, 4 kB"], timeMost: 15, because: NO_TARGET },
  { rows: ["set, 4 kB", "sets, 4 kB"], timeMost: 30, because: NO_TARGET },
  { rows: ["pop", "pops", "events"], timeMost: 60, because: NO_TARGET },
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

/** Whether other people's work took much of the core that all were on. */
export function wasBusy({ placements }: Report): boolean {
  return placements.some(({ core, results }) => {
    const echoes = results.find(({ name }) => name === "echoes");
    if (core === "any" || echoes === undefined) return false;
    return echoes.perSecond * echoes.cpuUs / 1e6 < CORE_LEAST;
  });
}

/** The rows of a report that fail. */
export function failuresOf(report: Report): Failure[] {
  const { runtime, nodes, placements } = report;
  const where = `${runtime}, ${nodes} nodes`;
  const isBusy = wasBusy(report);
  const what = isBusy ? "processor time" : "time";
  const ratioOf = ({ ratio, cpuRatio }: Result) =>
    (isBusy ? cpuRatio : ratio).median;
  return placements[0]!.results.flatMap(({ name }) => {
    const same = placements.flatMap(({ results }) =>
      results.filter((row) => row.name === name)
    );
    const most = boundOf(name, runtime);
    const listed = (of: (row: Result) => number) =>
      same.map((row) => of(row).toFixed(2)).join(" and ");
    if (same.every((row) => ratioOf(row) > most)) {
      const words = `${where}: "${name}" takes ${listed(ratioOf)} times the ` +
        `${what} of its echo, at most ${most.toFixed(2)} may be`;
      return [{ name, words }];
    }
    const stalledOf = ({ stalled }: Result) => stalled.least;
    if (
      isRing(name) && !isBusy &&
      same.every((row) => stalledOf(row) > STALLED_MOST)
    ) {
      const words = `${where}: of "${name}" a share of ${listed(stalledOf)} ` +
        `or more stalls in every round, at most ${STALLED_MOST} may`;
      return [{ name, words }];
    }
    return [];
  });
}

/** Whether a row is the ring's, and no echo. */
export function isRing(name: string): boolean {
  return !name.startsWith("echo");
}

/** Rows that have a target or a bound, and that nobody measures. */
export function unmeasured({ placements }: Report): string[] {
  const measured = placements.flatMap(({ results }) => results)
    .map(({ name }) => name);
  const judged = new Set([
    ...Object.keys(TARGETS),
    ...BOUNDS.flatMap(({ rows }) => rows),
  ]);
  return [...judged].filter((name) => !measured.includes(name));
}
