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
  /** The name of the row that is the limit of this one. */
  readonly limit: string;
  readonly run: (at: number) => unknown;
  /** Operations in one slice. */
  readonly count: number;
  /** How many are in flight at once. */
  readonly width: number;
  /** What one operation brings of what is counted, such as entries. */
  readonly weight: number;
}

/** What came out of one row. */
export interface Result {
  readonly name: string;
  readonly width: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  /** Processor time of all processes for one operation, in microseconds. */
  readonly cpuUs: number;
  /** Times the limit's time for one operation, over the rounds. */
  readonly ratio: {
    readonly median: number;
    readonly least: number;
    readonly most: number;
  };
  /** Operations that took longer than a late acknowledgement does. */
  readonly stalls: number;
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
  { run, count, width }: Row,
  first: number,
  cpuMs: () => Promise<number>,
): Promise<Slice> {
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
  const own = slices.get(row.name)!;
  const limit = rows.find(({ name }) => name === row.limit)!;
  const limits = slices.get(row.limit)!;
  const all = new Latencies();
  for (const { times } of own) all.addAll(times);
  const ratios = new Latencies();
  for (const [round, mine] of own.entries()) {
    ratios.add(costOf(row, mine) / costOf(limit, limits[round]!));
  }
  const count = own.length * row.count * row.weight;
  const sum = (of: (slice: Slice) => number) =>
    own.reduce((total, each) => total + of(each), 0);
  return {
    name: row.name,
    width: row.width,
    p50Ms: all.quantile(0.5),
    p99Ms: all.quantile(0.99),
    perSecond: 1000 * count / sum(({ totalMs }) => totalMs),
    cpuUs: 1000 * sum(({ cpuMs }) => cpuMs) / count,
    ratio: {
      median: ratios.quantile(0.5),
      least: ratios.quantile(0),
      most: ratios.quantile(1),
    },
    stalls: all.over(STALL_MS),
  };
}

/** The time of one operation: of one at a time the median, else the share. */
function costOf({ width, count, weight }: Row, slice: Slice): number {
  if (width === 1 && weight === 1) return slice.times.quantile(0.5);
  return slice.totalMs / (count * weight);
}
