/**
 * Ways to get the ring's upkeep wrong, each of which the checkers must convict:
 * they are what the published versions of Chord do (P. Zave, "Using lightweight
 * modeling to understand Chord", CCR 42(2), 2012).
 *
 * @module
 */
import { ZAVE_RULES } from "../ring/stabilizer.ts";
import { type RingModelOptions, runRingModel } from "./ring_model.ts";
import { RING_INVARIANTS } from "./ring_checkers.ts";

/** One mistake, as options of the model. */
export interface RingDefect {
  readonly name: string;
  readonly options: Omit<RingModelOptions, "seed">;
}

const PLAIN = { length: 2, steps: 300, start: "base" } as const;

/** The mistakes, each with a ring in which it shows. */
export const RING_DEFECTS: readonly RingDefect[] = [
  {
    name: "splice successor lists",
    options: {
      ...PLAIN,
      rules: {
        ...ZAVE_RULES,
        take: (own, head, theirs, length) =>
          own[0] === head
            ? ZAVE_RULES.take(own, head, theirs, length)
            : [head, ...own.slice(1)],
      },
    },
  },
  {
    name: "adopt an unchecked pointer",
    options: { ...PLAIN, rules: { ...ZAVE_RULES, asksFirst: false } },
  },
  {
    name: "start Zave's ring from one node",
    options: {
      ...PLAIN,
      start: "one",
      failures: "F1",
      // At first there is but one to be in a list.
      invariants: RING_INVARIANTS.filter(({ name }) =>
        name !== "orderedSuccessors" && name !== "sufficientPrincipals"
      ),
    },
  },
  {
    name: "judge failures without the answers on their way",
    options: { ...PLAIN, failures: "F1 and F2 without answers" },
  },
  {
    name: "drop the head of a successor list without padding it",
    options: {
      ...PLAIN,
      rules: {
        ...ZAVE_RULES,
        take: (_own, head, theirs, length) =>
          [head, ...theirs].slice(0, length),
        drop: (own) => own.slice(1),
      },
    },
  },
];

/** A mistake that was found out: after how many runs, and by which check. */
export interface RingConviction {
  readonly runs: number;
  readonly check: string;
}

/** Runs the model until a mistake shows; `undefined`: it never did. */
export function convictRing(
  { options }: RingDefect,
  runsMax: number,
): RingConviction | undefined {
  for (let seed = 1; seed <= runsMax; seed++) {
    const { violation } = runRingModel({ ...options, seed });
    if (violation !== undefined) return { runs: seed, check: violation.check };
  }
  return undefined;
}
