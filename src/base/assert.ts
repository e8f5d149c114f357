/**
 * Assertions: kept on in production, because a wrong state spreads.
 *
 * @module
 */

/** A mistake of this library itself, never of its caller or of a peer. */
export class BugError extends Error {
  override readonly name = "BugError";
}

/**
 * @param message what should have been true, with the values that show it is not
 * @throws {BugError} If `condition` is false
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BugError(message);
}
