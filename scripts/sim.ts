/**
 * Runs the simulator: one seed in full view, or many.
 *
 *     deno task sim --seed 42             one seed, bit for bit, with its options
 *     deno task sim --seed 42 --trace     the same with every event
 *     deno task sim --seeds 200           seeds 1 to 200 on two cores
 *     deno task sim --seeds 50 --from 7   seeds 7 to 56
 *     deno task sim --seed 42 --shrink    the smallest run that fails like 42
 *
 * `--sync` runs the network in which every node has everything. `--nodes N`,
 * `--clients N` and `--minutes M` replace what the seed draws, `--bound N` makes
 * rings of more than N nodes too large for all to know all, `--without a,b`
 * leaves out kinds of fault and others, `--jobs N` is the number of threads. A
 * commit's hash will do as a seed. Many seeds go on when some fail: each that
 * does is told at once, all are listed under their checks in the end, and the
 * first is made as small as it gets.
 *
 * @module
 */
import {
  describeOptions,
  type Extra,
  EXTRAS_ALL,
  seedOf,
  swarmOptions,
  type SwarmOverrides,
} from "../src/testing/swarm.ts";
import { commitOf } from "./commit.ts";
import { replayCommand, runSeeds } from "./sim_pool.ts";
import { shrink } from "./sim_shrink.ts";
import { Tally } from "./sim_tally.ts";
import { runJob, type SeedReport } from "./sim_worker.ts";
import { wished } from "./wished.ts";

const USAGE = "use --seed N [--trace] [--shrink], or --seeds N [--from M] " +
  "[--jobs N]; with --sync, --nodes N, --clients N, --minutes N, --bound N, " +
  "--without a,b";

const FLAGS: ReadonlySet<string> = new Set(["sync", "trace", "shrink"]);
const VALUES: ReadonlySet<string> = new Set([
  "seed",
  "seeds",
  "from",
  "jobs",
  "nodes",
  "clients",
  "minutes",
  "bound",
  "without",
]);

/** What the command line asks for. */
interface Wish {
  readonly seed: number;
  /** How many seeds, from that one on; `undefined`: that one, in full view. */
  readonly count: number | undefined;
  readonly jobs: number;
  readonly trace: boolean;
  readonly shrinks: boolean;
  readonly overrides: SwarmOverrides;
}

/** @throws {Error} If an argument is not known */
function given(args: readonly string[]): Map<string, string> {
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const name = /^--(\w+)$/.exec(args[i]!)?.[1] ?? "";
    const isFlag = FLAGS.has(name);
    if (!isFlag && !VALUES.has(name)) {
      throw new Error(`Cannot use the argument "${args[i]}": ${USAGE}`);
    }
    given.set(name, isFlag ? "1" : args[++i] ?? "");
  }
  return given;
}

/** @throws {Error} If something is named that no run has */
function extrasOf(text: string): Extra[] {
  return text.split(",").map((name) => {
    const extra = EXTRAS_ALL.find((extra) => extra === name);
    if (extra !== undefined) return extra;
    const all = EXTRAS_ALL.join(", ");
    throw new Error(`Cannot do without "${name}": give some of ${all}`);
  });
}

/** @throws {Error} If the arguments make no sense; its message says which */
function wishOf(args: readonly string[]): Wish {
  const options = given(args);
  const number = (name: string): number | undefined => {
    const text = options.get(name);
    if (text === undefined) return undefined;
    if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
    throw new Error(`Cannot use --${name} ${text}: give a positive number`);
  };
  const text = options.get("seed") ?? options.get("from") ?? "1";
  const seed = seedOf(text);
  if (seed === undefined) {
    throw new Error(`Cannot use the seed "${text}": give a number or a hash`);
  }
  const without = options.get("without");
  return {
    seed,
    count: options.has("seed") ? undefined : number("seeds") ?? 20,
    jobs: number("jobs") ?? 2,
    trace: options.has("trace"),
    shrinks: options.has("shrink"),
    overrides: {
      members: number("nodes"),
      clients: number("clients"),
      minutes: number("minutes"),
      sync: options.has("sync"),
      fullTableMax: number("bound"),
      without: without === undefined ? undefined : extrasOf(without),
    },
  };
}

/** Runs one seed and tells all about it. */
async function runOne(
  { seed, trace, shrinks, overrides }: Wish,
): Promise<boolean> {
  const options = swarmOptions(seed, overrides);
  for (const line of describeOptions(options)) console.log(line);
  const print = trace ? (line: string) => console.log(line) : undefined;
  const report = runJob({ seed, overrides }, print);
  console.log(`history: ${report.summary}`);
  const tally = new Tally();
  tally.add(report);
  console.log(`${report.events} events, ${tally.speed}`);
  console.log(`trace hash ${report.traceHash}`);
  if (report.failure === undefined) {
    console.log(`seed ${seed}: passed`);
    return true;
  }
  tell(report, overrides, await commitOf(new URL("..", import.meta.url)));
  if (shrinks) tellShrunk(report, overrides);
  return false;
}

/** How often a long run says how far it is. */
const PROGRESS_MS = 60_000;

/** Runs many seeds, tells about each that fails, and lists them in the end. */
async function runMany(wish: Wish, count: number): Promise<boolean> {
  const { seed, jobs, overrides } = wish;
  const commit = await commitOf(new URL("..", import.meta.url));
  const tally = new Tally();
  const seeds = Array.from({ length: count }, (_, i) => (seed + i) >>> 0);
  const startMs = performance.now();
  let toldMs = startMs;
  const tellProgress = (when: string) => {
    toldMs = performance.now();
    const wallSeconds = ((toldMs - startMs) / 1000).toFixed(1);
    console.log(
      `${count} seeds from ${seed}${when}: ${tally.counts}, in ` +
        `${wallSeconds} s on ${jobs} threads; ${tally.speed} per thread`,
    );
  };
  await runSeeds(seeds, jobs, overrides, (report) => {
    tally.add(report);
    if (report.failure !== undefined) tell(report, overrides, commit);
    if (performance.now() - toldMs > PROGRESS_MS) tellProgress(", so far");
  });
  for (const line of tally.violations) console.log(line);
  tellProgress("");
  if (tally.first !== undefined) tellShrunk(tally.first, overrides);
  return tally.failed === 0;
}

/** What failed, in which commit; the last line is how to see it again. */
function tell(
  report: SeedReport,
  overrides: SwarmOverrides,
  commit: string,
): void {
  console.log(
    `seed ${report.seed} failed in commit ${commit} at ` +
      `${(report.virtualMs / 1000).toFixed(3)} s, step ${report.events}: ` +
      report.failure,
  );
  console.log(replayCommand(report.seed, overrides));
}

/** The smallest run that fails in the same way. */
function tellShrunk(report: SeedReport, overrides: SwarmOverrides): void {
  console.log(`looking for a smaller run that violates ${report.check} ...`);
  const { overrides: smaller, report: small, tries } = shrink(
    report,
    overrides,
  );
  console.log(
    `the smallest of ${tries} fails at ` +
      `${(small.virtualMs / 1000).toFixed(3)} s, step ${small.events}: ` +
      small.failure,
  );
  console.log(replayCommand(small.seed, smaller));
}

if (import.meta.main) {
  const wish = wished(wishOf);
  const passed = wish.count === undefined
    ? await runOne(wish)
    : await runMany(wish, wish.count);
  if (!passed) Deno.exit(1);
}
