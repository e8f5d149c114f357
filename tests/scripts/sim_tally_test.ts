import { assertEquals, assertRejects } from "@std/assert";
import type { InvariantName } from "../../src/testing/invariants.ts";
import { runSeeds } from "../../scripts/sim_pool.ts";
import { Tally } from "../../scripts/sim_tally.ts";
import type { SeedReport } from "../../scripts/sim_worker.ts";

function reportOf(seed: number, check?: InvariantName): SeedReport {
  return {
    seed,
    failure: check === undefined ? undefined : `${check}: found something`,
    check,
    traceHash: "0",
    events: 1,
    virtualMs: 2_000,
    realMs: 10,
    summary: "",
  };
}

Deno.test("all failures are listed under their checks, most frequent first", () => {
  const tally = new Tally();
  for (let seed = 30; seed > 0; seed--) {
    const isLost = seed % 10 === 0;
    tally.add(reportOf(seed, isLost ? "noLostWrite" : undefined));
  }
  tally.add(reportOf(31, "oneRing"));
  assertEquals(tally.failed, 4);
  assertEquals(tally.counts, "27 passed, 4 failed");
  assertEquals(tally.violations, [
    "noLostWrite: 3 failed: 10 20 30",
    "oneRing: 1 failed: 31",
  ]);
  assertEquals(tally.first?.seed, 30);
  assertEquals(
    tally.speed,
    "62 virtual s in 0.31 real s, 200 virtual s per real s",
  );
});

/** A program of a thread that breaks at some seeds; the others pass. */
function breaksAt(seeds: readonly number[]): URL {
  const report = JSON.stringify(reportOf(0));
  const program = `self.onmessage = ({ data: { seed } }) => {
    if (${JSON.stringify(seeds)}.includes(seed)) throw new Error("broken");
    self.postMessage({ ...${report}, seed });
  };`;
  return new URL(`data:text/javascript,${encodeURIComponent(program)}`);
}

Deno.test("a thread that ends takes only its own seed with it", async () => {
  const tally = new Tally();
  const add = (report: SeedReport) => tally.add(report);
  await runSeeds([1, 2, 3, 4, 5], 1, {}, add, breaksAt([2, 3, 5]));
  assertEquals(tally.counts, "2 passed, 3 failed");
  assertEquals(tally.violations, ["no check: 3 failed: 2 3 5"]);
  assertEquals(tally.first, undefined);
});

Deno.test("threads that cannot run anything are no failures of seeds", async () => {
  const add = () => {};
  await assertRejects(
    () => runSeeds([1, 2], 1, {}, add, breaksAt([1])),
    Error,
    "Cannot run seed 1",
  );
});
