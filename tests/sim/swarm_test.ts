/**
 * Two hundred runs, each with faults of its own, on all cores. A failure names
 * the command that shows it again.
 */
import { assertEquals } from "@std/assert";
import { replayCommand, runSeeds } from "../../scripts/sim_pool.ts";

const SEEDS = 200;
/** Seeds that once found something, and are kept. */
const FOUND = [5026];

Deno.test(`${SEEDS} seeds keep every promise, 3 to 12 nodes, 10 virtual minutes each`, async () => {
  const failures: string[] = [];
  const seeds = [...FOUND, ...Array.from({ length: SEEDS }, (_, i) => i + 1)];
  const jobs = Math.max(1, Math.min(navigator.hardwareConcurrency, 4));
  await runSeeds(seeds, jobs, {}, ({ seed, failure }) => {
    if (failure === undefined) return;
    failures.push(`${failure}\n${replayCommand(seed, {})}`);
  });
  assertEquals(failures, []);
});
