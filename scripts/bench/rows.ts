/**
 * Operations that are measured in turn, a slice of each in every round, so
 * that whatever else the machine does falls on all of them.
 *
 * @module
 */
import { Latencies } from "../latencies.ts";

/** One kind of operation. */
export interface Row {
  readonly name: string;
  /** The name of the row that is the limit of this one; none for a limit. */
  readonly limit: string | undefined;
  readonly run: (at: number) => unknown;
  /** Puts things back before each slice, off the clock. */
  readonly prepare?: () => Promise<void>;
  /** Runs in one slice. */
  readonly count: number;
  /** How many are in flight at once. */
  readonly width: number;
  /** What one run brings of what is counted, such as entries. */
  readonly weight: number;
}

/** The middle and the ends of what the rounds gave. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** What came out of one row. */
export interface Result {
  readonly name: string;
  readonly limit: string | undefined;
  readonly width: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  /** Processor time of all processes for one operation, in microseconds. */
  readonly cpuUs: number;
  /** Times the limit's time for one operation, over the rounds. */
  readonly ratio: Spread;
  /** Times the limit's processor time for one operation, over the rounds. */
  readonly cpuRatio: Spread;
  /**
   * The share of a round's runs that took longer than a late acknowledgement
   * does; only of one at a time is it the operation's own fault.
   */
  readonly stalled: Spread;
  readonly longestMs: number;
}

/** What a stalled connection costs: one late acknowledgement. */
export const STALL_MS = 40;

/** One slice of one row in one round. */
interface Slice {
  readonly times: Latencies;
  readonly totalMs: number;
  readonly cpuMs: number;
}

async function slice(
  { run, prepare, count, width }: Row,
  first: number,
  cpuMs: () => Promise<number>,
): Promise<Slice> {
  await prepare?.();
  const times = new Latencies();
  const cpuBeforeMs = await cpuMs();
  const startMs = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const at = first + next++;
      const beginMs = performance.now();
      await run(at);
      times.add(performance.now() - beginMs);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  const totalMs = performance.now() - startMs;
  return { times, totalMs, cpuMs: await cpuMs() - cpuBeforeMs };
}

/**
 * Measures all rows.
 *
 * @param cpuMs the processor time of all processes so far
 */
export async function measure(
  rows: readonly Row[],
  rounds: number,
  cpuMs: () => Promise<number>,
): Promise<Result[]> {
  const slices = new Map<string, Slice[]>(rows.map(({ name }) => [name, []]));
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const row of rows) {
      const done = await slice(row, round * row.count, cpuMs);
      if (round > 0) slices.get(row.name)!.push(done);
    }
  }
  return rows.map((row) => resultOf(row, rows, slices));
}

function resultOf(
  row: Row,
  rows: readonly Row[],
  slices: ReadonlyMap<string, readonly Slice[]>,
): Result {
  const { name, limit, width, weight } = row;
  const own = slices.get(name)!;
  const limitRow = rows.find((other) => other.name === limit) ?? row;
  const limits = slices.get(limitRow.name)!;
  const all = new Latencies();
  for (const { times } of own) all.addAll(times);
  const times = (cost: (row: Row, slice: Slice) => number) =>
    spreadOf(
      own.map((mine, round) =>
        cost(row, mine) / cost(limitRow, limits[round]!)
      ),
    );
  const count = own.length * row.count * weight;
  const sum = (of: (slice: Slice) => number) =>
    own.reduce((total, each) => total + of(each), 0);
  return {
    name,
    limit,
    width,
    p50Ms: all.quantile(0.5) / weight,
    p99Ms: all.quantile(0.99) / weight,
    perSecond: 1000 * count / sum(({ totalMs }) => totalMs),
    cpuUs: 1000 * sum(({ cpuMs }) => cpuMs) / count,
    ratio: times(timeOf),
    cpuRatio: times(cpuOf),
    stalled: spreadOf(
      own.map(({ times }) =>
        width === 1 && weight === 1 ? times.over(STALL_MS) / times.count : 0
      ),
    ),
    longestMs: all.quantile(1),
  };
}

function spreadOf(values: readonly number[]): Spread {
  const all = new Latencies();
  all.add(...values);
  const [least, median, most] = [0, 0.5, 1].map((share) => all.quantile(share));
  return { median: median!, least: least!, most: most! };
}

/** The time of one operation: of one at a time the median, else the share. */
function timeOf({ width, count, weight }: Row, slice: Slice): number {
  if (width === 1) return slice.times.quantile(0.5) / weight;
  return slice.totalMs / (count * weight);
}

function cpuOf({ count, weight }: Row, { cpuMs }: Slice): number {
  return cpuMs / (count * weight);
}
