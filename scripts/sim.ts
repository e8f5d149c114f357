/**
 * Runs the simulator: one seed in full view, or many.
 *
 *     deno task sim --seed 42             one seed, bit for bit, with its options
 *     deno task sim --seed 42 --trace     the same with every event
 *     deno task sim --seeds 200           seeds 1 to 200 on two cores
 *     deno task sim --seeds 50 --from 7   seeds 7 to 56
 *
 * `--sync` runs the network in which every node has everything. `--nodes N` and `--minutes M` replace what the seed draws, `--bound N` makes
 * rings of more than N nodes too large for all to know all, `--jobs N` is the
 * number of threads. A commit's hash will do as a seed.
 *
 * @module
 */
import {
  describeOptions,
  seedOf,
  swarmOptions,
  type SwarmOverrides,
} from "../src/testing/swarm.ts";
import { replayCommand, runSeeds } from "./sim_pool.ts";
import { runJob, type SeedReport } from "./sim_worker.ts";

const USAGE = "use --seed N [--trace], or --seeds N [--from M] [--jobs N]; " +
  "with --sync, --nodes N, --minutes N, --bound N";

/** What the command line asks for. */
interface Wish {
  readonly seed: number;
  /** How many seeds, from that one on; `undefined`: that one, in full view. */
  readonly count: number | undefined;
  readonly jobs: number;
  readonly trace: boolean;
  readonly overrides: SwarmOverrides;
}

/** @throws {Error} If the arguments make no sense; its message says which */
function wishOf(args: readonly string[]): Wish {
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const name = args[i]!;
    if (
      !/^--(seed|seeds|from|jobs|nodes|minutes|bound|sync|trace)$/.test(name)
    ) {
      throw new Error(`Cannot use the argument "${name}": ${USAGE}`);
    }
    const isFlag = name === "--trace" || name === "--sync";
    given.set(name.slice(2), isFlag ? "1" : args[++i] ?? "");
  }
  const number = (name: string): number | undefined => {
    const text = given.get(name);
    if (text === undefined) return undefined;
    if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
    throw new Error(`Cannot use --${name} ${text}: give a positive number`);
  };
  const text = given.get("seed") ?? given.get("from") ?? "1";
  const seed = seedOf(text);
  if (seed === undefined) {
    throw new Error(`Cannot use the seed "${text}": give a number or a hash`);
  }
  return {
    seed,
    count: given.has("seed") ? undefined : number("seeds") ?? 20,
    jobs: number("jobs") ?? 2,
    trace: given.has("trace"),
    overrides: {
      members: number("nodes"),
      minutes: number("minutes"),
      sync: given.has("sync"),
      fullTableMax: number("bound"),
    },
  };
}

/** Runs one seed and tells all about it. */
function runOne({ seed, trace, overrides }: Wish): boolean {
  const options = swarmOptions(seed, overrides);
  for (const line of describeOptions(options)) console.log(line);
  const print = trace ? (line: string) => console.log(line) : undefined;
  const report = runJob({ seed, overrides }, print);
  console.log(`history: ${report.summary}`);
  console.log(`${report.events} events, ${speedOf([report])}`);
  console.log(`trace hash ${report.traceHash}`);
  if (report.failure === undefined) {
    console.log(`seed ${seed}: passed`);
    return true;
  }
  tell(report, overrides);
  return false;
}

/** Runs many seeds and tells about those that fail. */
async function runMany(wish: Wish, count: number): Promise<boolean> {
  const { seed, jobs, overrides } = wish;
  const reports: SeedReport[] = [];
  let failed = 0;
  const seeds = Array.from({ length: count }, (_, i) => (seed + i) >>> 0);
  const startMs = performance.now();
  await runSeeds(seeds, jobs, overrides, (report) => {
    reports.push(report);
    if (report.failure === undefined) return;
    failed++;
    tell(report, overrides);
  });
  const wallSeconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(
    `${count} seeds from ${seed}: ${
      count - failed
    } passed, ${failed} failed, ` +
      `in ${wallSeconds} s on ${jobs} threads; ${speedOf(reports)} per thread`,
  );
  return failed === 0;
}

/** What failed; the last line is the command that shows it again. */
function tell(report: SeedReport, overrides: SwarmOverrides): void {
  console.log(
    `seed ${report.seed} failed at ${
      (report.virtualMs / 1000).toFixed(3)
    } s, ` +
      `event ${report.events}: ${report.failure}`,
  );
  console.log(replayCommand(report.seed, overrides));
}

function speedOf(reports: readonly SeedReport[]): string {
  let virtualMs = 0;
  let realMs = 0;
  for (const report of reports) {
    virtualMs += report.virtualMs;
    realMs += report.realMs;
  }
  return `${(virtualMs / 1000).toFixed(0)} virtual s in ` +
    `${(realMs / 1000).toFixed(2)} real s, ` +
    `${(virtualMs / realMs).toFixed(0)} virtual s per real s`;
}

if (import.meta.main) {
  let wish: Wish;
  try {
    wish = wishOf(Deno.args);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(2);
  }
  const passed = wish.count === undefined
    ? runOne(wish)
    : await runMany(wish, wish.count);
  if (!passed) Deno.exit(1);
}
