/**
 * Some runs, each with faults of its own, on all cores. A failure names
 * the command that shows it again.
 */
import { assertEquals } from "@std/assert";
import { replayCommand, runSeeds } from "../../scripts/sim_pool.ts";
import type { SwarmOverrides } from "../../src/testing/swarm.ts";

const SEEDS = 40;
/** Of the network in which every node has everything. */
const SYNC_SEEDS = 10;
/** Of rings of which no node knows all. */
const PARTIAL_SEEDS = 10;
/** Of these one that once found something. */
const PARTIAL_FOUND = [23];
/** The same of larger bounds, with rings that are larger still. */
const LARGER: readonly { seeds: number; overrides: SwarmOverrides }[] = [
  { seeds: 4, overrides: { fullTableMax: 32, members: 45, minutes: 1 } },
  { seeds: 1, overrides: { fullTableMax: 128, members: 145, minutes: 0.5 } },
];
/** Likewise, with all as it is drawn. */
const DRAWN_FOUND = [2578, 3682, 4918, 5053];
/** Seeds that once found something, and are kept. */
const FOUND = [5026, 3060, 6184, 300260, 74, 152, 70, 99, 197];

Deno.test(`${SEEDS} seeds keep every promise, 3 to 12 nodes, 10 virtual minutes each`, async () => {
  const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1);
  assertEquals(await failuresOf(seeds, {}), []);
});

Deno.test("seeds that once found something find nothing any more", async () => {
  // As they were: all nodes knew all.
  assertEquals(await failuresOf(FOUND, { fullTableMax: 4096 }), []);
  assertEquals(await failuresOf(DRAWN_FOUND, {}), []);
});

Deno.test(`${PARTIAL_SEEDS} seeds of rings too large for all to know all`, async () => {
  const seeds = Array.from({ length: PARTIAL_SEEDS }, (_, i) => i + 1);
  const overrides = { fullTableMax: 8, members: 24, minutes: 3 };
  assertEquals(await failuresOf(seeds, overrides), []);
  const shorter = { ...overrides, minutes: 2 };
  assertEquals(await failuresOf(PARTIAL_FOUND, shorter), []);
});

for (const { seeds, overrides } of LARGER) {
  const { fullTableMax, members } = overrides;
  Deno.test(`${seeds} seeds of ${members} nodes that may know ${fullTableMax}`, async () => {
    const all = Array.from({ length: seeds }, (_, i) => i + 1);
    assertEquals(await failuresOf(all, overrides), []);
  });
}

Deno.test(`${SYNC_SEEDS} seeds of nodes that all have everything`, async () => {
  const seeds = Array.from({ length: SYNC_SEEDS }, (_, i) => i + 1);
  assertEquals(await failuresOf(seeds, { sync: true }), []);
});

/** What failed, each with the command that shows it again. */
async function failuresOf(
  seeds: readonly number[],
  overrides: SwarmOverrides,
): Promise<string[]> {
  const failures: string[] = [];
  const jobs = Math.max(1, Math.min(navigator.hardwareConcurrency, 4));
  await runSeeds(seeds, jobs, overrides, ({ seed, failure }) => {
    if (failure === undefined) return;
    failures.push(`${failure}\n${replayCommand(seed, overrides)}`);
  });
  return failures;
}

Deno.test("the command that shows a run again names all of it", () => {
  assertEquals(
    replayCommand(7, {
      sync: true,
      members: 5,
      minutes: 2,
      fullTableMax: 8,
    }),
    "deno task sim --seed 7 --sync --nodes 5 --minutes 2 --bound 8",
  );
});
