/**
 * Runs jobs in a thread of its own.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { Values } from "./figures.ts";
import { jobsFor } from "./jobs.ts";

/** A job to run. */
export interface Order {
  readonly name: string;
  readonly isQuick: boolean;
}

/** What came of it. */
export interface Report {
  readonly name: string;
  readonly values: Values;
  readonly sizes: string;
  readonly seconds: number;
}

/** Runs one job here and now. */
export function runJob({ name, isQuick }: Order): Report {
  const startMs = performance.now();
  const { run, sizes } = jobsFor(isQuick)[name]!;
  const values = run();
  return { name, values, sizes, seconds: (performance.now() - startMs) / 1000 };
}

// Only a worker has somebody to answer to.
if (typeof WorkerGlobalScope !== "undefined") {
  self.addEventListener("message", ({ data }: MessageEvent<Order>) => {
    self.postMessage(runJob(data));
  });
}
