/**
 * What a ring costs as the work grows:
 *
 *     deno task bench:costs [deno|bun|node20|node22|node24 …]
 *                           [memory|start|scans|handover|idle …]
 *                           [--quick] [--json]
 *
 * Memory for each entry, the time to start and to look at all entries, data
 * that is handed over when nodes join and leave, and what doing nothing takes.
 * Each figure is beside its target, where it has one. The whole of it takes
 * some ten minutes and 5 GB of memory, `--quick` a minute for each runtime.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { memory, scans, start } from "./bench/costs/alone.ts";
import {
  type Effort,
  type Figure,
  isMet,
  shownFigure,
} from "./bench/costs/figures.ts";
import { handOver, idle } from "./bench/costs/together.ts";
import {
  findRuntime,
  type Runtime,
  type RuntimeName,
} from "./runtimes_found.ts";

const FULL: Effort = {
  entries: 1_000_000,
  scanned: 100_000,
  handedBytes: 1e9,
  quietMs: 5_000,
  calmMs: 10_000,
  idleMs: 30_000,
  starts: 9,
  rings: [3, 16, 64],
};
const QUICK: Effort = {
  entries: 100_000,
  scanned: 10_000,
  handedBytes: 64e6,
  quietMs: 3_000,
  calmMs: 5_000,
  idleMs: 5_000,
  starts: 3,
  rings: [3, 16],
};

type Part = (runtime: Runtime, effort: Effort) => Promise<Figure[]>;
const PARTS: Readonly<Record<string, Part>> = {
  memory,
  start,
  scans,
  handover: handOver,
  idle,
};

const { values, positionals } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const chosen = positionals.filter((name) => name in PARTS);
const parts = chosen.length > 0 ? chosen : Object.keys(PARTS);
const named = positionals.filter((name) => !(name in PARTS));
const names = named.length > 0 ? named : ["deno", "bun", "node24"];
const all: unknown[] = [];
for (const name of names) {
  const runtime = await findRuntime(name as RuntimeName);
  if (runtime === undefined) {
    console.error(`${name} is not installed: run "deno task runtimes" first`);
    continue;
  }
  const { version } = runtime;
  if (!values.json) console.log(`\n${name} ${version}`);
  for (const part of parts) {
    for (
      const figure of await PARTS[part]!(runtime, values.quick ? QUICK : FULL)
    ) {
      const met = isMet(figure);
      all.push({ runtime: name, version, part, ...figure, met });
      if (!values.json) console.log(shownFigure(figure));
    }
  }
}
if (values.json) console.log(JSON.stringify(all, undefined, 2));
