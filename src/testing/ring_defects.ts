/**
 * Ways to get the ring's upkeep wrong, each of which the checkers must convict.
 * Those of the operations are in the published versions of Chord (P. Zave,
 * "Using lightweight modeling to understand Chord", CCR 42(2), 2012).
 *
 * @module
 */
import { type StabilizerRules, ZAVE_RULES } from "../ring/stabilizer.ts";
import { RING_INVARIANTS, type RingCheck } from "./ring_checkers.ts";
import { type RingModelOptions, runRingModel } from "./ring_model.ts";
import type { Violation } from "./violation.ts";

/** A mistake, and who must notice it. */
export interface RingDefect {
  /** What is broken, in words. */
  readonly defect: string;
  /** Any of these may end the run; another one is no conviction. */
  readonly checks: readonly RingCheck[];
  /** Seeds, from 1 on, of which one must show it. */
  readonly seedsMax: number;
  /** Runs one seed; gives what ended it. */
  readonly run: (seed: number) => Violation | undefined;
  /** The same without the mistake, which must pass. */
  readonly sound: (seed: number) => Violation | undefined;
}

const SOUND = { length: 2, steps: 300, start: "base" } as const;
const SEEDS_MAX = 300;

function defectOf(
  defect: string,
  checks: readonly RingCheck[],
  change: Partial<RingModelOptions>,
): RingDefect {
  const run = (seed: number, options: Partial<RingModelOptions>) =>
    runRingModel({ ...SOUND, ...options, seed }).violation;
  return {
    defect,
    checks,
    seedsMax: SEEDS_MAX,
    run: (seed) => run(seed, change),
    sound: (seed) => run(seed, {}),
  };
}

/** Puts a nearer member in the place of the head, and keeps the rest. */
const SPLICED: StabilizerRules = {
  ...ZAVE_RULES,
  take: (own, head, theirs, length) =>
    own[0] === head
      ? ZAVE_RULES.take(own, head, theirs, length)
      : [head, ...own.slice(1)],
};

const UNPADDED: StabilizerRules = {
  ...ZAVE_RULES,
  take: (_own, head, theirs, length) => [head, ...theirs].slice(0, length),
  drop: (own) => own.slice(1),
};

/** Of a ring of one, whose list can only name its owner, these are wanted. */
const FROM_ONE = RING_INVARIANTS.filter(({ name }) =>
  name !== "orderedSuccessors" && name !== "sufficientPrincipals"
);

/** The mistakes. */
export const RING_DEFECTS: readonly RingDefect[] = [
  defectOf("successor lists are spliced, not taken whole", ["principalsStay"], {
    rules: SPLICED,
  }),
  defectOf(
    "a pointer is adopted before its member was seen alive",
    ["oneLiveSuccessor"],
    { rules: { ...ZAVE_RULES, asksFirst: false } },
  ),
  defectOf(
    "the ring starts from one member, and F1 is all that failures respect",
    ["oneLiveSuccessor", "oneRingOfSuccessors", "orderedRing"],
    { start: "one", failures: "F1", invariants: FROM_ONE },
  ),
  defectOf(
    "answers on their way do not count when a failure is judged",
    ["oneLiveSuccessor", "sufficientPrincipals"],
    { failures: "F1 and F2 without answers" },
  ),
  defectOf(
    "the dead head of a list is dropped without padding",
    ["orderedSuccessors"],
    { rules: UNPADDED },
  ),
];
