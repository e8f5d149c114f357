/**
 * Judges negative controls in a thread of its own, one after the other.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { Control } from "../tests/sim/controls/control.ts";
import { CONTROLS } from "../tests/sim/controls/list.ts";

/** How one control went; plain data, so that it can cross threads. */
export interface ControlReport {
  readonly index: number;
  /** Who noticed the defect. */
  readonly check: string | undefined;
  /** How many seeds it took. */
  readonly seeds: number;
  readonly seconds: number;
  /** Why the control does not do, if it does not. */
  readonly problem: string | undefined;
}

/** Runs a control until its defect shows, and once without the defect. */
export function judge(
  control: Control,
): Omit<ControlReport, "index" | "seconds"> {
  const { checks, seedsMax } = control;
  const names: readonly string[] = checks;
  for (let seed = 1; seed <= seedsMax; seed++) {
    const violation = control.run(seed);
    if (violation === undefined) continue;
    const { check, message } = violation;
    if (!names.includes(check)) {
      const problem = `wanted ${checks.join(" or ")}, but found ${message}`;
      return { check: undefined, seeds: seed, problem };
    }
    const without = control.sound(seed);
    const problem = without &&
      `seed ${seed} fails without the defect, too: ${without.message}`;
    return { check, seeds: seed, problem };
  }
  const problem = `${seedsMax} seeds did not show it`;
  return { check: undefined, seeds: seedsMax, problem };
}

// Only a worker has somebody to answer to.
if (typeof WorkerGlobalScope !== "undefined") {
  self.addEventListener("message", ({ data }: MessageEvent<number>) => {
    const startMs = performance.now();
    const judged = judge(CONTROLS[data]!);
    const seconds = (performance.now() - startMs) / 1000;
    self.postMessage({ index: data, seconds, ...judged });
  });
}
