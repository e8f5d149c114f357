/**
 * How a run ends when a check finds something.
 *
 * @module
 */

import type { InvariantName } from "./invariants.ts";

/** Something that must never happen has happened; the run is over. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** What was violated. */
  readonly check: InvariantName;

  constructor(check: InvariantName, message: string, options?: ErrorOptions) {
    super(`${check}: ${message}`, options);
    this.check = check;
  }
}

/**
 * Ends the run if a check found something.
 *
 * @throws {Violation} If it did
 */
export function report(
  check: InvariantName,
  finding: string | undefined,
): void {
  if (finding !== undefined) throw new Violation(check, finding);
}
