/**
 * Many seeds on all cores.
 *
 * @module
 */
import type { SwarmOverrides } from "../src/testing/swarm.ts";
import type { SeedJob, SeedReport } from "./sim_worker.ts";

/** What runs in each thread. */
const WORKER = new URL("./sim_worker.ts", import.meta.url);

/**
 * Runs seeds in `jobs` threads; `onReport` hears of each as it ends. A thread
 * that ends takes its seed with it, which counts as failed, and another one
 * goes on.
 *
 * @throws {Error} If a thread ends before the first report: then all would
 */
export async function runSeeds(
  seeds: Iterable<number>,
  jobs: number,
  overrides: SwarmOverrides,
  onReport: (report: SeedReport) => void,
  program = WORKER,
): Promise<void> {
  const waiting = seeds[Symbol.iterator]();
  let reports = 0;
  const tell = (report: SeedReport) => {
    reports++;
    onReport(report);
  };
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (;;) {
      const lost = await work(waiting, overrides, tell, program);
      if (lost === undefined) return;
      if (reports === 0) throw new Error(lost.failure);
      tell(lost);
    }
  }));
}

/** @returns the report of the seed with which the thread has ended, if it has */
async function work(
  waiting: Iterator<number>,
  overrides: SwarmOverrides,
  onReport: (report: SeedReport) => void,
  program: URL,
): Promise<SeedReport | undefined> {
  const worker = new Worker(program, { type: "module" });
  try {
    for (;;) {
      const next = waiting.next();
      if (next.done) return undefined;
      const job = { seed: next.value, overrides };
      const answer = await ask(worker, job);
      if (answer instanceof Error) return lostWith(job, answer);
      onReport(answer);
    }
  } finally {
    worker.terminate();
  }
}

function ask(worker: Worker, job: SeedJob): Promise<SeedReport | Error> {
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<SeedReport>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      resolve(new Error(`Cannot run seed ${job.seed}: ${event.message}`));
    };
    worker.postMessage(job);
  });
}

/** The report of a seed whose thread has ended. */
function lostWith({ seed }: SeedJob, error: Error): SeedReport {
  return {
    seed,
    failure: error.message,
    check: undefined,
    traceHash: "",
    events: 0,
    virtualMs: 0,
    realMs: 0,
    summary: "",
  };
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
