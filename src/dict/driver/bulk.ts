/**
 * Many writes of one call.
 *
 * @module
 */
import { Gate } from "./gate.ts";

/** Writes of one `update` or `clear` that are under way at once. */
const BULK_WRITES_MAX = 512;

/**
 * Runs `write` for each item, so many at once; the first ones in one turn, so
 * that they leave together.
 *
 * @returns what was thrown, by item
 */
export async function inBulk<T>(
  items: Iterable<T>,
  write: (item: T) => Promise<unknown>,
): Promise<Map<T, Error>> {
  const gate = new Gate(BULK_WRITES_MAX, Infinity);
  const failed = new Map<T, Error>();
  const running: Promise<void>[] = [];
  for (const item of items) {
    const turn = gate.enter(0);
    if (turn !== undefined) await turn;
    const done = () => gate.leave(0);
    running.push(
      write(item).then(done, (error) => {
        failed.set(item, error as Error);
        done();
      }),
    );
  }
  await Promise.all(running);
  return failed;
}

/**
 * The pairs that `update` was given.
 *
 * @throws {TypeError} If they are none
 */
export function pairsOf(entries: unknown): Iterable<readonly unknown[]> {
  if (typeof entries !== "object" || entries === null) {
    throw new TypeError(
      `Cannot update from a value of type ${typeof entries}: give an ` +
        `object, a Map, or pairs of key and value`,
    );
  }
  if (!(Symbol.iterator in entries)) return Object.entries(entries);
  return checkPairs(entries as Iterable<unknown>);
}

function* checkPairs(entries: Iterable<unknown>): Generator<unknown[]> {
  for (const pair of entries) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new TypeError(
        `Cannot update from an iterable of anything but pairs: give each ` +
          `entry as [key, value]`,
      );
    }
    yield pair;
  }
}
