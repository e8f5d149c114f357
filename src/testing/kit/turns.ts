/**
 * Turns of the platform's event loop: how the simulation lets promises run.
 *
 * Not taken: a message to oneself by a `MessageChannel`. Deno delivers one that
 * is there already between two promises, before the others have gone on.
 *
 * @module
 */

type Later = (run: () => void) => unknown;

/**
 * Taken at once: a library for tests may replace it by one of its own later. A
 * page has none, and pays a millisecond or more for each turn.
 */
const later: Later =
  (globalThis as { readonly setImmediate?: Later }).setImmediate ?? setTimeout;

/** Resolves when everything that need not wait has gone on. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => later(resolve));
}
