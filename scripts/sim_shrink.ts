/**
 * Makes a run that fails smaller, as long as it fails in the same way.
 *
 * Kinds of fault go first, then hazards, then nodes, clients and time. What a
 * kind of fault would have drawn is drawn all the same, so that the others
 * strike as before; the number of nodes changes everything, and is only tried.
 * Delta debugging over the list of events was the alternative: it needs runs in
 * which an event can be left out, and here each follows from the ones before.
 *
 * @module
 */
import {
  type Extra,
  EXTRAS_ALL,
  swarmOptions,
  type SwarmOverrides,
} from "../src/testing/swarm.ts";
import { runJob, type SeedReport } from "./sim_worker.ts";

/** The smallest run that was found, and how it fails. */
export interface Shrunk {
  readonly overrides: SwarmOverrides;
  readonly report: SeedReport;
  /** Runs that were tried. */
  readonly tries: number;
}

/** What is tried for a number, smallest first. */
const MEMBERS = [3, 4, 5, 6, 8, 10];
const CLIENTS = [1, 2, 3, 4];
const MINUTES = [0.5, 1, 2, 3, 5, 7];

/**
 * Tries smaller runs of a seed until none fails in the same way.
 *
 * @param run runs a seed; for tests
 */
export function shrink(
  failed: SeedReport,
  overrides: SwarmOverrides,
  run: (overrides: SwarmOverrides) => SeedReport = (smaller) =>
    runJob({ seed: failed.seed, overrides: smaller }),
): Shrunk {
  let best: Shrunk = { overrides, report: failed, tries: 0 };
  const attempt = (change: Partial<SwarmOverrides>): boolean => {
    const smaller = { ...best.overrides, ...change };
    const report = run(smaller);
    const tries = best.tries + 1;
    const isSame = report.check === failed.check;
    best = isSame ? { overrides: smaller, report, tries } : { ...best, tries };
    return isSame;
  };
  for (;;) {
    const before = best.overrides;
    for (const extra of EXTRAS_ALL) {
      const without = best.overrides.without ?? [];
      if (!isThere(failed.seed, best.overrides, extra)) continue;
      attempt({ without: [...without, extra] });
    }
    const options = swarmOptions(failed.seed, best.overrides);
    const below = (values: readonly number[], than: number) =>
      values.filter((value) => value < than);
    below(MEMBERS, options.members).some((members) => attempt({ members }));
    below(CLIENTS, options.clients).some((clients) => attempt({ clients }));
    below(MINUTES, options.minutes).some((minutes) => attempt({ minutes }));
    if (best.overrides === before) return best;
  }
}

/** Whether leaving something out would change anything. */
function isThere(
  seed: number,
  overrides: SwarmOverrides,
  extra: Extra,
): boolean {
  const { faults, muted, ...options } = swarmOptions(seed, overrides);
  if (extra in faults) {
    const kind = extra as keyof typeof faults;
    return faults[kind] > 0 && !muted.includes(kind);
  }
  const without = [...overrides.without ?? [], extra];
  const { faults: _faults, muted: _muted, ...smaller } = swarmOptions(seed, {
    ...overrides,
    without,
  });
  return JSON.stringify(options) !== JSON.stringify(smaller);
}
