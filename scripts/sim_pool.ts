/**
 * Many seeds on all cores.
 *
 * @module
 */
import type { SwarmOverrides } from "../src/testing/swarm.ts";
import type { SeedJob, SeedReport } from "./sim_worker.ts";

/** Runs seeds in `jobs` threads; `onReport` hears of each as it ends. */
export async function runSeeds(
  seeds: Iterable<number>,
  jobs: number,
  overrides: SwarmOverrides,
  onReport: (report: SeedReport) => void,
): Promise<void> {
  const waiting = seeds[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: jobs }, () => work(waiting, overrides, onReport)),
  );
}

async function work(
  waiting: Iterator<number>,
  overrides: SwarmOverrides,
  onReport: (report: SeedReport) => void,
): Promise<void> {
  const worker = new Worker(new URL("./sim_worker.ts", import.meta.url), {
    type: "module",
  });
  try {
    for (;;) {
      const next = waiting.next();
      if (next.done) return;
      onReport(await ask(worker, { seed: next.value, overrides }));
    }
  } finally {
    worker.terminate();
  }
}

function ask(worker: Worker, job: SeedJob): Promise<SeedReport> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<SeedReport>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`Cannot run seed ${job.seed}: ${event.message}`));
    };
    worker.postMessage(job);
  });
}

/** The command that runs a seed again. */
export function replayCommand(seed: number, overrides: SwarmOverrides): string {
  const nodes = overrides.members === undefined
    ? ""
    : ` --nodes ${overrides.members}`;
  const minutes = overrides.minutes === undefined
    ? ""
    : ` --minutes ${overrides.minutes}`;
  const sync = overrides.sync === true ? " --sync" : "";
  const bound = overrides.fullTableMax === undefined
    ? ""
    : ` --bound ${overrides.fullTableMax}`;
  const clients = overrides.clients === undefined
    ? ""
    : ` --clients ${overrides.clients}`;
  const { without = [] } = overrides;
  const less = without.length === 0 ? "" : ` --without ${without.join(",")}`;
  return `deno task sim --seed ${seed}${sync}${nodes}${minutes}${bound}${clients}${less}`;
}
