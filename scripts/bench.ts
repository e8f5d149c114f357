/**
 * How fast a ring is, beside a bare WebSocket echo between two processes of
 * the same runtime, measured in turns in the same run:
 *
 *     deno task bench [deno|bun|node20|node22|node24 …]
 *                     [--nodes 3,8] [--core 0] [--quick] [--json]
 *
 * Compare ratios, not times: the scheduler alone moves a round trip from 20 to
 * 100 µs. `--core` keeps all processes on one core, the cheaper of its two
 * modes. `--quick` measures less and fails when a ratio is worse than twice
 * its target: noise must not fail it, a collapse must.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Plan, run } from "./bench/processes.ts";
import { type Result, STALL_MS } from "./bench/rows.ts";
import { shownMs } from "./latencies.ts";
import { findRuntime, type RuntimeName } from "./runtimes_found.ts";

/** The most that a row's ratio to its echo should be. */
const TARGETS: Readonly<Record<string, number>> = {
  "get, remote": 1.2,
  "get, missing": 1.2,
  "set, 3 copies": 1.5,
  "gets": 1,
  "sets, 3 copies": 1 / 0.35,
  "get, 256 kB": 1 / 0.7,
};
/** How much worse than its target a ratio of `--quick` may be. */
const COLLAPSE = 2;
const RUN_MS_MAX = 120_000;

const { values, positionals } = parseArgs({
  options: {
    nodes: { type: "string", default: "3" },
    core: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

/** One benchmark and what came out. */
interface Report {
  readonly runtime: string;
  readonly version: string;
  readonly nodes: number;
  readonly results: readonly Result[];
}

function show({ runtime, version, nodes, results }: Report): void {
  console.log(`\n${runtime} ${version}, a ring of ${nodes}`);
  console.log(
    "".padEnd(30) + "median".padStart(9) + "p99".padStart(9) +
      "per s".padStart(10) + "CPU".padStart(9) + "to echo".padStart(10) +
      "  least to most  wanted",
  );
  for (const { name, p50Ms, p99Ms, perSecond, cpuUs, ratio } of results) {
    const target = TARGETS[name];
    console.log(
      name.padEnd(30) + shownMs(p50Ms).padStart(9) +
        shownMs(p99Ms).padStart(9) + perSecond.toFixed(0).padStart(10) +
        `${cpuUs.toFixed(0)} µs`.padStart(9) +
        `${ratio.median.toFixed(2)} ×`.padStart(10) +
        `${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)}`.padStart(15) +
        (target === undefined ? "" : `${target.toFixed(2)} ×`.padStart(8)),
    );
  }
  const stalls = results.reduce((sum, result) => sum + result.stalls, 0);
  console.log(`${stalls} operations took more than ${STALL_MS} ms`);
}

function collapsed({ results }: Report): string[] {
  return results.flatMap(({ name, ratio }) => {
    const most = COLLAPSE * (TARGETS[name] ?? Infinity);
    if (ratio.median <= most) return [];
    return [`${name}: ${ratio.median.toFixed(2)}, at most ${most.toFixed(2)}`];
  });
}

async function bench(plan: Plan): Promise<Report> {
  const { name: runtime, version } = plan.runtime;
  const watchdog = setTimeout(() => {
    console.error(`${runtime}: not done after ${RUN_MS_MAX} ms`);
    Deno.exit(1); // The processes end with their input.
  }, RUN_MS_MAX);
  try {
    const results = await run(plan);
    return { runtime, version, nodes: plan.nodes, results };
  } finally {
    clearTimeout(watchdog);
  }
}

const names = positionals.length > 0
  ? positionals
  : values.quick
  ? ["deno"]
  : ["deno", "bun", "node24"];
const reports: Report[] = [];
for (const name of names) {
  const runtime = await findRuntime(name as RuntimeName);
  if (runtime === undefined) {
    console.error(`${name} is not installed: run "deno task runtimes" first`);
    continue;
  }
  for (const nodes of values.nodes.split(",").map(Number)) {
    const report = await bench({
      runtime,
      nodes,
      rounds: values.quick ? 3 : 5,
      scale: values.quick ? 0.25 : 1,
      core: values.core === undefined ? undefined : Number(values.core),
    });
    reports.push(report);
    if (!values.json) show(report);
  }
}
if (values.json) console.log(JSON.stringify(reports, undefined, 2));
if (values.quick) {
  const problems = reports.flatMap(collapsed);
  for (const problem of problems) console.error(`too slow: ${problem}`);
  if (problems.length > 0) Deno.exit(1);
}
