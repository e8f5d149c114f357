/**
 * What the parts of an operation cost by themselves, in nanoseconds:
 *
 *     deno task bench:micro [deno|bun|node20|node22|node24 …] [--quick] [--json]
 *
 * Each case is called in batches long enough for the clock, once warm, in turns
 * with all others; the median of the batches is shown, and the tenths at both
 * ends. It is processor time, as far as that goes in microseconds.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Effort, Timing } from "./bench/micro/timing.ts";
import { Workers } from "./bench/workers.ts";
import { findRuntime, type RuntimeName } from "./runtimes_found.ts";

const FULL: Effort = { rounds: 31, batchMs: 1 };
const QUICK: Effort = { rounds: 11, batchMs: 0.5 };

const { values, positionals } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

interface Report {
  readonly runtime: string;
  readonly version: string;
  readonly timings: readonly Timing[];
}

async function measure(name: string): Promise<Report | undefined> {
  const runtime = await findRuntime(name as RuntimeName);
  if (runtime === undefined) {
    console.error(`${name} is not installed: run "deno task runtimes" first`);
    return undefined;
  }
  await using workers = new Workers({ runtime, core: undefined });
  const effort = values.quick ? QUICK : FULL;
  const worker = workers.start("micro/main.ts", effort);
  const timings = await worker.next<Timing[]>();
  return { runtime: name, version: runtime.version, timings };
}

function shownNs(ns: number): string {
  return ns.toFixed(ns < 10 ? 1 : 0);
}

function show(reports: readonly Report[]): void {
  const heads = reports.map(({ runtime, version }) => `${runtime} ${version}`);
  console.log(
    "ns, median (10% to 90%)".padEnd(34) +
      heads.map((head) => head.padStart(26)).join(""),
  );
  for (const [i, { group, name }] of reports[0]!.timings.entries()) {
    const cells = reports.map(({ timings }) => {
      const { median, low, high } = timings[i]!;
      return `${shownNs(median)} (${shownNs(low)} to ${shownNs(high)})`;
    });
    console.log(
      `${group}: ${name}`.padEnd(34) +
        cells.map((cell) => cell.padStart(26)).join(""),
    );
  }
}

const names = positionals.length > 0 ? positionals : ["deno", "bun", "node24"];
const reports: Report[] = [];
for (const name of names) {
  const report = await measure(name);
  if (report !== undefined) reports.push(report);
}
if (values.json) console.log(JSON.stringify(reports, undefined, 2));
else if (reports.length > 0) show(reports);
