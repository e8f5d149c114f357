/**
 * Measures how the ring behaves as it grows, in the simulator, and prints that
 * beside what others have published.
 *
 *     deno task scale                  all of it; writes tests/scale/results.json
 *     deno task scale --only churn     one job, into the results of the others
 *     deno task scale --quick          the same code at small sizes; writes nothing
 *
 * `--jobs N` is the number of threads. It fails when a figure misses what is
 * wanted and `scale/reasons.ts` does not say why.
 *
 * @module
 */
import {
  isMet,
  problemsOf,
  type Spec,
  SPECS,
  type Values,
  wish,
} from "./scale/figures.ts";
import { jobsFor, summed } from "./scale/jobs.ts";
import { REASONS } from "./scale/reasons.ts";
import type { Order, Report } from "./scale/worker.ts";
import { wished } from "./wished.ts";

const RESULTS = new URL("../tests/scale/results.json", import.meta.url);
const USAGE = "use [--quick] [--only JOB,…] [--jobs N]";

/** What each job has measured, and with what. */
export type Results = Record<string, { sizes: string; values: Values }>;

/** The values of all jobs together. */
export function valuesOf(results: Results): Values {
  return summed(Object.values(results).map(({ values }) => values));
}

/** The table, a line for each figure. */
export function tableOf(values: Values): string[] {
  const rows = SPECS.map((spec) => rowOf(spec, values[spec.id]));
  const head = ["", "here", "wanted", "published"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row.cells[column]!.length))
  );
  const line = (cells: readonly string[], note: string) =>
    cells.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd() + note;
  return [
    line(head, ""),
    ...rows.map(({ cells, note }) => line(cells, note)),
  ];
}

function rowOf(
  spec: Spec,
  value: number | undefined,
): { cells: string[]; note: string } {
  const shown = value === undefined ? "not measured" : numberText(value);
  const cells = [
    spec.what,
    `${shown} ${spec.unit}`.trim(),
    wish(spec),
    spec.published,
  ];
  if (value === undefined || isMet(spec, value)) return { cells, note: "" };
  const why = REASONS[spec.id] ?? "no reason is known";
  return { cells, note: `\n  MISSED: ${why}` };
}

function numberText(value: number): string {
  if (Number.isInteger(value)) return `${value}`;
  return value < 100 ? value.toFixed(2) : value.toFixed(0);
}

/** Runs jobs in `threads` threads. */
async function runJobs(
  names: readonly string[],
  isQuick: boolean,
  threads: number,
): Promise<Results> {
  const waiting = names.values();
  const reports = new Map<string, Report>();
  const work = async () => {
    const url = new URL("./scale/worker.ts", import.meta.url);
    const worker = new Worker(url, { type: "module" });
    for (const name of waiting) {
      const report = await ask(worker, { name, isQuick });
      reports.set(name, report);
      console.error(`${name}: ${report.sizes}, ${report.seconds.toFixed(1)} s`);
    }
    worker.terminate();
  };
  await Promise.all(Array.from({ length: threads }, work));
  return Object.fromEntries(names.map((name) => {
    const { sizes, values } = reports.get(name)!;
    return [name, { sizes, values }];
  }));
}

function ask(worker: Worker, order: Order): Promise<Report> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Report>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`Cannot run ${order.name}: ${event.message}`));
    };
    worker.postMessage(order);
  });
}

/** The results as they are kept, or none. */
async function keptResults(): Promise<Results> {
  try {
    return JSON.parse(await Deno.readTextFile(RESULTS));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** What the command line asks for. */
interface Wish {
  readonly names: readonly string[];
  readonly isQuick: boolean;
  readonly threads: number;
}

/** @throws {Error} If the arguments make no sense; its message says which */
function wishOf(args: readonly string[]): Wish {
  const isQuick = args.includes("--quick");
  let names = Object.keys(jobsFor(isQuick));
  let threads = 2;
  for (let i = 0; i < args.length; i++) {
    const name = args[i]!;
    if (name === "--quick") continue;
    const value = args[++i] ?? "";
    if (name === "--jobs" && /^[1-9]\d*$/.test(value)) {
      threads = Number(value);
    } else if (name === "--only" && value !== "") {
      const wanted = value.split(",");
      const unknown = wanted.filter((job) => !names.includes(job));
      if (unknown.length > 0) {
        throw new Error(`Cannot run ${unknown}: there are ${names.join(", ")}`);
      }
      names = wanted;
    } else throw new Error(`Cannot use ${name} ${value}: ${USAGE}`);
  }
  return { names, isQuick, threads };
}

async function main({ names, isQuick, threads }: Wish): Promise<boolean> {
  const fresh = await runJobs(names, isQuick, threads);
  const results = isQuick ? fresh : { ...await keptResults(), ...fresh };
  if (!isQuick) {
    const text = JSON.stringify(results, undefined, 2);
    await Deno.writeTextFile(RESULTS, text + "\n");
  }
  const values = valuesOf(results);
  const isPart = isQuick && names.length < Object.keys(jobsFor(true)).length;
  const specs = SPECS.filter(({ id }) => !isPart || id in values);
  for (const line of tableOf(values)) console.log(line);
  for (const [name, { sizes }] of Object.entries(results)) {
    console.log(`${name}: ${sizes}`);
  }
  const problems = problemsOf(values, specs, REASONS);
  for (const problem of problems) console.error(problem);
  return problems.length === 0;
}

if (import.meta.main) {
  const wish = wished(wishOf);
  if (!await main(wish)) Deno.exit(1);
}
