import { assert, assertEquals } from "@std/assert";
import { shrink } from "../../scripts/sim_shrink.ts";
import { replayCommand } from "../../scripts/sim_pool.ts";
import type { SeedReport } from "../../scripts/sim_worker.ts";
import { swarmOptions, type SwarmOverrides } from "../../src/testing/swarm.ts";

function reportOf(check: SeedReport["check"]): SeedReport {
  return {
    seed: 5,
    check,
    failure: check && `${check}: something`,
    traceHash: "",
    events: 1,
    virtualMs: 1,
    realMs: 1,
    summary: "",
  };
}

/** A seed with many kinds of fault. */
const SEED = (() => {
  for (let seed = 1;; seed++) {
    const { faults, members } = swarmOptions(seed);
    const kinds = Object.values(faults).filter((rate) => rate > 0).length;
    if (kinds > 6 && faults.pause > 0 && members > 8) return seed;
  }
})();

Deno.test("what fails by one kind of fault and four members is made that small", () => {
  const failed = { ...reportOf("noLostWrite"), seed: SEED };
  const { overrides, report, tries } = shrink(failed, {}, (smaller) => {
    const { members, muted } = swarmOptions(SEED, smaller);
    const fails = members >= 4 && !muted.includes("pause");
    return reportOf(fails ? "noLostWrite" : undefined);
  });
  const { faults, muted, members, clients, minutes } = swarmOptions(
    SEED,
    overrides,
  );
  const kinds = Object.entries(faults).filter(([, rate]) => rate > 0);
  const left = kinds.map(([kind]) => kind)
    .filter((kind) => !muted.some((other) => other === kind));
  assertEquals(left, ["pause"]);
  assertEquals([members, clients, minutes], [4, 1, 0.5]);
  assertEquals(report.check, "noLostWrite");
  assert(tries > 6);
});

Deno.test("what fails in another way than before is not taken", () => {
  const failed = { ...reportOf("noLostWrite"), seed: SEED };
  const { overrides } = shrink(failed, {}, () => reportOf("oneRing"));
  assertEquals(overrides, {});
});

Deno.test("a fault that is left out leaves the others where they were", () => {
  const overrides: SwarmOverrides = { without: ["pause", "raw"], clients: 2 };
  const [whole, less] = [swarmOptions(SEED), swarmOptions(SEED, overrides)];
  assertEquals(less.faults, whole.faults);
  assertEquals(less.muted, ["pause"]);
  assertEquals(less.raw, undefined);
  assertEquals(
    replayCommand(SEED, overrides),
    `deno task sim --seed ${SEED} --clients 2 --without pause,raw`,
  );
});
