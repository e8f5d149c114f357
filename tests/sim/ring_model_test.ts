/**
 * The ring's upkeep with perfect failure detection, in thousands of runs, and
 * with mistakes that the checkers must find.
 */
import { assert, assertEquals } from "@std/assert";
import { RING_DEFECTS } from "../../src/testing/ring_defects.ts";
import { runRingModel } from "../../src/testing/ring_model.ts";
import {
  connectedAppendages,
  idealRing,
  oneLiveSuccessor,
  oneRingOfSuccessors,
  orderedRing,
  orderedSuccessors,
  principalsOf,
  principalsStay,
  RING_INVARIANTS,
  type RingState,
  sufficientPrincipals,
} from "../../src/testing/ring_checkers.ts";

const RUNS = 500;
const STEPS = 300;

for (const start of ["base", "tables"] as const) {
  for (const length of [2, 3, 4]) {
    const begun = start === "base"
      ? "L + 1 members"
      : "member tables that differ";
    Deno.test(`I1 to I7 hold in ${RUNS} runs with L = ${length} from ${begun}`, () => {
      let joins = 0;
      let failures = 0;
      for (let seed = 1; seed <= RUNS; seed++) {
        const run = runRingModel({ seed, length, steps: STEPS, start });
        assertEquals(run.violation?.message, undefined, `seed ${seed}`);
        joins += run.joins;
        failures += run.failures;
      }
      assert(joins > 5 * RUNS && failures > 5 * RUNS, "too little happened");
    });
  }
}

for (const { defect, checks, seedsMax, run, sound } of RING_DEFECTS) {
  Deno.test(`the model notices within ${seedsMax} runs when ${defect}`, () => {
    let seed = 0;
    let found: string | undefined;
    while (found === undefined && seed < seedsMax) found = run(++seed)?.check;
    assert(
      checks.some((check) => check === found),
      `seed ${seed}: wanted ${checks.join(" or ")}, but found ${found}`,
    );
    assertEquals(sound(seed), undefined);
  });
}

Deno.test("a run of the model is the same each time", () => {
  const options = { seed: 3, length: 2, steps: STEPS, start: "base" } as const;
  assertEquals(runRingModel(options), runRingModel(options));
});

/** Members by place, each with its predecessor and successors. */
function stateOf(length: number, ...lines: readonly string[]): RingState {
  const members = lines.map((line) => {
    const [predecessor, place, ...successors] = line.split(" ");
    return { place: place!, pointers: { predecessor, successors } };
  });
  return { length, members };
}

/** Four members in good order. */
const IDEAL = stateOf(
  2,
  "40 10 20 30",
  "10 20 30 40",
  "20 30 40 10",
  "30 40 10 20",
);

Deno.test("all checkers are content with an ideal ring", () => {
  for (const { name, check } of RING_INVARIANTS) {
    assertEquals([name, check(IDEAL)], [name, undefined]);
  }
  assertEquals(idealRing(IDEAL), undefined);
  const principals = ["10", "20", "30", "40"];
  assertEquals(principalsOf(IDEAL.members, IDEAL.members), principals);
  assertEquals(principalsStay(principals, principals), undefined);
});

Deno.test("oneLiveSuccessor finds a list of the dead", () => {
  const state = stateOf(2, "40 10 18 19", "10 20 30 40", "20 30 40 10");
  assert(oneLiveSuccessor(state) !== undefined);
});

Deno.test("sufficientPrincipals counts whom no list passes over", () => {
  const state = stateOf(
    2,
    "40 10 30 40",
    "10 20 40 10",
    "20 30 40 10",
    "30 40 10 20",
  );
  assertEquals(principalsOf(state.members, state.members), ["10", "40"]);
  assert(sufficientPrincipals(state) !== undefined);
  assert(principalsStay(["10", "20"], ["10"]) !== undefined);
});

Deno.test("oneRingOfSuccessors finds two rings", () => {
  const state = stateOf(
    2,
    "30 10 30 31",
    "40 20 40 41",
    "10 30 10 11",
    "20 40 20 21",
  );
  assert(oneRingOfSuccessors(state) !== undefined);
  // Each of the two is in order.
  assertEquals(orderedRing(state), undefined);
});

Deno.test("orderedRing finds a circle that goes round more than once", () => {
  const state = stateOf(1, "30 10 30", "40 20 40", "10 30 20", "20 40 10");
  assertEquals(oneRingOfSuccessors(state), undefined);
  assert(orderedRing(state) !== undefined);
});

Deno.test("connectedAppendages finds who leads nowhere", () => {
  const state = stateOf(1, "10 10 15", "20 20 30", "20 30 20");
  assert(connectedAppendages(state) !== undefined);
});

Deno.test("orderedSuccessors finds what is out of order, twice, short, or the owner", () => {
  for (const list of ["30 20", "20 20", "20", "20 10"]) {
    assert(orderedSuccessors(stateOf(2, `40 10 ${list}`)) !== undefined, list);
  }
});

Deno.test("idealRing finds a list and a predecessor that are not the next ones", () => {
  const lists = stateOf(
    2,
    "40 10 20 40",
    "10 20 30 40",
    "20 30 40 10",
    "30 40 10 20",
  );
  assert(idealRing(lists) !== undefined);
  const before = stateOf(
    2,
    "30 10 20 30",
    "10 20 30 40",
    "20 30 40 10",
    "30 40 10 20",
  );
  assert(idealRing(before) !== undefined);
});
