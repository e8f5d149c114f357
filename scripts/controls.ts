/**
 * Runs the negative controls: `deno task controls [--jobs N]`.
 *
 * Each is a defect that somebody put in on purpose: a rule of the product left
 * out, a node that is wrong on its outside, a mistake in the ring's upkeep. The
 * simulator must notice each within so many seeds, by a check that is there for
 * it; and what is sound must pass. One that is not caught fails the run: then it
 * is the simulator that is broken.
 *
 * @module
 */
import { CONTROLS } from "../tests/sim/controls/list.ts";
import type { ControlReport } from "./controls_worker.ts";
import { wished } from "./wished.ts";

const USAGE = "use --jobs N";

function jobsOf(args: readonly string[]): number {
  const [name, text, ...rest] = args;
  if (name === undefined) return Math.max(1, navigator.hardwareConcurrency);
  if (name === "--jobs" && /^[1-9]\d?$/.test(text ?? "") && rest.length === 0) {
    return Number(text);
  }
  throw new Error(`Cannot use the arguments "${args.join(" ")}": ${USAGE}`);
}

/** Judges all controls in threads; `onReport` hears of each as it ends. */
async function judgeAll(
  jobs: number,
  onReport: (report: ControlReport) => void,
): Promise<void> {
  const waiting = CONTROLS.keys();
  const work = async () => {
    const url = new URL("./controls_worker.ts", import.meta.url);
    const worker = new Worker(url, { type: "module" });
    for (const index of waiting) {
      onReport(
        await new Promise<ControlReport>((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data as ControlReport);
          worker.onerror = (event) => {
            event.preventDefault();
            reject(new Error(event.message));
          };
          worker.postMessage(index);
        }),
      );
    }
    worker.terminate();
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

function lineOf({ index, check, seeds, seconds }: ControlReport): string {
  const { defect, seedsMax } = CONTROLS[index]!;
  return [
    (check ?? "NOT CAUGHT").padEnd(25),
    `${seeds} of ${seedsMax}`.padStart(10),
    `${seconds.toFixed(1)} s`.padStart(8),
    ` ${defect}`,
  ].join(" ");
}

if (import.meta.main) {
  const jobs = wished(jobsOf);
  const startMs = performance.now();
  const wrong: string[] = [];
  console.log("caught by                      seeds     time  what was wrong");
  await judgeAll(jobs, (report) => {
    console.log(lineOf(report));
    if (report.problem !== undefined) {
      wrong.push(`${CONTROLS[report.index]!.defect}: ${report.problem}`);
    }
  });
  for (const text of wrong) console.log(text);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(
    `${CONTROLS.length - wrong.length} of ${CONTROLS.length} controls are ` +
      `as they should be, in ${seconds} s`,
  );
  if (wrong.length > 0) Deno.exit(1);
}
