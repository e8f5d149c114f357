/**
 * Runs simulator seeds in a thread of its own, one after the other.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { InvariantName } from "../src/testing/invariants.ts";
import { runSeed } from "../src/testing/run.ts";
import { swarmOptions, type SwarmOverrides } from "../src/testing/swarm.ts";

/** One seed to run. */
export interface SeedJob {
  readonly seed: number;
  readonly overrides: SwarmOverrides;
}

/** How one seed went; plain data, so that it can cross threads. */
export interface SeedReport {
  readonly seed: number;
  /** The violated check and what it found; `undefined`: nothing was wrong. */
  readonly failure: string | undefined;
  /** The name of that check. */
  readonly check: InvariantName | undefined;
  readonly traceHash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly realMs: number;
  readonly summary: string;
}

/** Runs one seed here and now. */
export function runJob(
  { seed, overrides }: SeedJob,
  print?: (line: string) => void,
): SeedReport {
  const startMs = performance.now();
  const { violation, ...result } = runSeed(
    swarmOptions(seed, overrides),
    print === undefined ? {} : { print },
  );
  const cause = violation?.cause;
  const stack = cause instanceof Error ? `\n${cause.stack}` : "";
  return {
    ...result,
    check: violation?.check,
    failure: violation === undefined ? undefined : violation.message + stack,
    realMs: performance.now() - startMs,
  };
}

// Only a worker has somebody to answer to.
if (typeof WorkerGlobalScope !== "undefined") {
  self.addEventListener("message", ({ data }: MessageEvent<SeedJob>) => {
    self.postMessage(runJob(data));
  });
}
