/**
 * All conformance cases, and what runs them.
 *
 * @module
 */
import { dictCases } from "./dict_cases.ts";
import { eventCases } from "./event_cases.ts";
import { lifeCases } from "./life_cases.ts";
import { listenCases } from "./listen_cases.ts";
import { livesCases } from "./lives_cases.ts";
import { messageCases } from "./message_cases.ts";
import { outsideCases } from "./outside_cases.ts";
import { secretCases } from "./secret_cases.ts";
import type { Case, Need, Subject } from "./subject.ts";
import { watchCases } from "./watch_cases.ts";
import { syncCases } from "./sync_cases.ts";

/** A case that takes longer hangs. */
const CASE_MS_MAX = 45_000;

/** Everything that is true on every runtime. */
export const conformanceCases: readonly Case[] = [
  ...dictCases,
  ...livesCases,
  ...eventCases,
  ...messageCases,
  ...syncCases,
  ...lifeCases,
  ...listenCases,
  ...secretCases,
  ...outsideCases,
  ...watchCases,
];

/** How a case ended. */
export interface Outcome {
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly ms: number;
  /** What is wrong, or why it was skipped. */
  readonly why: string;
}

/** Why a case is skipped at a place; `undefined`: it is not. */
export function skipReason(
  { name, needs }: Case,
  subject: Subject,
): string | undefined {
  const isThere = (need: Need) => subject[need] !== undefined;
  const missing = needs.find((need) => !isThere(need));
  if (missing === undefined) return subject.skips?.[name];
  const why = subject.lacks?.[missing];
  // A case that fails for want of something is better than one left out.
  return why === undefined ? undefined : `${missing}: ${why}`;
}

/** Runs one case; never rejects. */
export async function runCase(
  which: Case,
  subject: Subject,
): Promise<Outcome> {
  const { name } = which;
  const skip = skipReason(which, subject);
  if (skip !== undefined) return { name, status: "skipped", ms: 0, why: skip };
  const startMs = performance.now();
  const outcome = (status: "passed" | "failed", why: string): Outcome => (
    { name, status, ms: Math.round(performance.now() - startMs), why }
  );
  let watchdog: unknown;
  const hangs = new Promise<Outcome>((resolve) => {
    const why = `still runs after ${CASE_MS_MAX} ms`;
    watchdog = setTimeout(() => resolve(outcome("failed", why)), CASE_MS_MAX);
  });
  const ends = which.run(subject).then(
    () => outcome("passed", ""),
    (error) => outcome("failed", wordsOf(error)),
  );
  const ended = await Promise.race([ends, hangs]);
  clearTimeout(watchdog as number);
  return ended;
}

/**
 * Runs the cases one after the other.
 *
 * @param tell is told each outcome as it comes
 * @param cases which; all of them by default
 */
export async function runCases(
  subject: Subject,
  tell: (outcome: Outcome) => void = () => {},
  cases: readonly Case[] = conformanceCases,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const each of cases) {
    const outcome = await runCase(each, subject);
    tell(outcome);
    outcomes.push(outcome);
  }
  return outcomes;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.stack ?? `${error.name}: ${error.message}`;
}
