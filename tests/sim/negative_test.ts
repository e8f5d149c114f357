/**
 * The list of negative controls, and its judge. `deno task controls` runs the
 * controls themselves.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { judge } from "../../scripts/controls_worker.ts";
import {
  type InvariantName,
  INVARIANTS,
} from "../../src/testing/invariants.ts";
import { runSeed } from "../../src/testing/run.ts";
import { Violation } from "../../src/testing/simulator.ts";
import { inRuns, optionsOf, without } from "./controls/control.ts";
import { CONTROLS } from "./controls/list.ts";

/**
 * Invariants of which no control has to be found out here: each is tried on
 * what is wrong, made by hand, in a test of its own.
 */
const MADE_BY_HAND: readonly InvariantName[] = [
  // checkers_test.ts
  "allSettled",
  "finalReadIsNewest",
  "noResurrectedDelete",
  "tablesAgree",
  "toldOfAll",
  "incarnationsRise",
  "selfIsAlive",
  "versionsNeverFall",
  "poppedOnce",
  "convergedReplicas",
  // members_test.ts
  "linearizable",
  "idleIsCheap",
  // talk_test.ts and watch_test.ts
  "castsAreThrifty",
  "repliesOnce",
  "repliesAreTrue",
  "watchComplete",
  "watchInVersionOrder",
  // ring_model_test.ts
  "oneRingOfSuccessors",
  "orderedRing",
  "connectedAppendages",
  "idealRing",
];

/** Not of the product, or judged by what runs them. */
const OTHERS: readonly InvariantName[] = [
  "story",
  "simulatorItself",
  "codeEnds",
];

Deno.test("every invariant has a control that it convicts, or is tried by hand", () => {
  const convicting = new Set(CONTROLS.flatMap(({ checks }) => checks));
  const tried = new Set([...convicting, ...MADE_BY_HAND, ...OTHERS]);
  const untried = Object.keys(INVARIANTS).filter((name) =>
    !tried.has(name as InvariantName)
  );
  assertEquals(untried, []);
});

Deno.test("no two controls have the same name, and each has its bound", () => {
  const names = CONTROLS.map(({ defect }) => defect);
  assertEquals(names.length, new Set(names).size);
  for (const { seedsMax } of CONTROLS) assert(seedsMax > 0);
});

Deno.test("a control is judged by who ends its run, and by what passes without it", () => {
  const found = new Violation("callsEnd", "a call goes on");
  const control = {
    defect: "one",
    checks: ["callsEnd" as const],
    seedsMax: 3,
    run: (seed: number) => seed === 2 ? found : undefined,
    sound: () => undefined,
  };
  assertEquals(judge(control), {
    check: "callsEnd",
    seeds: 2,
    problem: undefined,
  });
  const never = judge({ ...control, run: () => undefined });
  assertEquals(never.check, undefined);
  assertMatch(never.problem ?? "", /3 seeds did not show it/);
  const other = judge({ ...control, checks: ["oneRing"] });
  assertMatch(other.problem ?? "", /wanted oneRing, but found callsEnd/);
  const unsound = judge({ ...control, sound: () => found });
  assertMatch(unsound.problem ?? "", /fails without the defect, too/);
});

Deno.test("a rule that is left out is missed; the same run with it passes", () => {
  const control = inRuns(
    "a write is acknowledged when one holder has it",
    ["acknowledgedOnAllHolders"],
    () => without("acknowledgedByAll"),
  );
  assertEquals(judge(control).problem, undefined);
});

Deno.test("the product passes what its defective sisters fail", () => {
  for (
    const lives of [
      {},
      { leasing: true },
      { ttlShare: 0.5 },
      { sessionShare: 0.5 },
    ]
  ) assertEquals(runSeed(optionsOf(1, { lives })).violation, undefined);
});
