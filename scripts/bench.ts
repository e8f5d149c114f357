/**
 * How fast a ring is, beside a bare WebSocket echo between two processes of
 * the same runtime, measured in turns in the same run:
 *
 *     deno task bench [deno|bun|node20|node22|node24 …]
 *                     [--nodes 3,8] [--quick] [--json] [--markdown]
 *
 * Compare ratios, not times: the scheduler alone moves a round trip from 20 to
 * 100 µs. So everything is measured twice, with the processes on any core and
 * with all of them on one. The whole takes some ten minutes; `--quick` measures
 * less, and fails when a ratio is far off its target: noise must not fail it, a
 * collapse must. `--markdown` adds the tables of the README.
 *
 * @module
 */
import { parseArgs } from "node:util";
import {
  failuresOf,
  type Placement,
  type Report,
  unmeasured,
} from "./bench/judge.ts";
import { markdownOf } from "./bench/markdown.ts";
import { type Plan, run } from "./bench/processes.ts";
import { tableOf } from "./bench/table.ts";
import { firstCore } from "./bench/workers.ts";
import { findRuntime, isCi, type RuntimeName } from "./runtimes_found.ts";

/** How much is measured. */
const FULL = { rounds: 5, scale: 1 } as const;
const QUICK = { rounds: 5, scale: 0.3 } as const;
/** How much, of what seemed to fail. */
const AGAIN = { rounds: 15, scale: 0.3 } as const;
/** The bounds are for rings of this size: more nodes have no more cores. */
const JUDGED_NODES = 3;
const RUN_MS_MAX = 300_000;

const { values, positionals } = parseArgs({
  options: {
    nodes: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

async function place(plan: Plan): Promise<Placement> {
  const watchdog = setTimeout(() => {
    console.error(`${plan.runtime.name}: not done after ${RUN_MS_MAX} ms`);
    Deno.exit(1); // The processes end with their input.
  }, RUN_MS_MAX);
  try {
    const { core, rounds } = plan;
    return { core: core ?? "any", rounds, results: await run(plan) };
  } finally {
    clearTimeout(watchdog);
  }
}

type Size = Omit<Plan, "core">;

/** One ring with its processes on any core, then on one. */
async function bench(size: Size): Promise<Report> {
  const { name, version } = size.runtime;
  const placements = [await place({ ...size, core: undefined })];
  if (core !== undefined) placements.push(await place({ ...size, core }));
  return { runtime: name, version, nodes: size.nodes, placements };
}

/**
 * What fails. A row that seems to is measured again, for three times as many
 * rounds: it fails if the median of these is beyond its bound too.
 */
async function failures(size: Size, report: Report): Promise<string[]> {
  const suspects = failuresOf(report);
  if (suspects.length === 0) return [];
  for (const { words } of suspects) console.error(words);
  console.error(`Measured again, in ${AGAIN.rounds} rounds:`);
  const only = suspects.map(({ name }) => name);
  const again = await bench({ ...size, ...AGAIN, only });
  console.error(tableOf(again));
  return failuresOf(again).map(({ words }) => words);
}

const names = positionals.length > 0 ? positionals : ["deno", "bun", "node24"];
const rings = (values.nodes ?? (values.quick ? "3" : "3,8")).split(",")
  .map(Number);
const core = await firstCore();
if (core === undefined) console.error('Without "taskset": one placement only');
const reports: Report[] = [];
const failed: string[] = [];
for (const name of names) {
  const runtime = await findRuntime(name as RuntimeName);
  if (runtime === undefined) {
    console.error(`${name} is not installed: run "deno task runtimes" first`);
    if (isCi()) failed.push(`${name} is not installed`);
    continue;
  }
  for (const nodes of rings) {
    const size = { runtime, nodes, ...values.quick ? QUICK : FULL };
    const report = await bench(size);
    reports.push(report);
    if (!values.json) console.log(tableOf(report));
    failed.push(...unmeasured(report).map((row) => `nobody measures "${row}"`));
    if (values.quick && nodes === JUDGED_NODES) {
      failed.push(...await failures(size, report));
    }
  }
}
if (values.json) console.log(JSON.stringify(reports, undefined, 2));
if (values.markdown) console.log(markdownOf(reports));
for (const words of failed) console.error(`failed: ${words}`);
if (failed.length > 0) Deno.exit(1);
