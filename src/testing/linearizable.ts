/**
 * Is there one order of these operations, in which each takes effect between
 * its start and its end, that gives just these results?
 *
 * The search of Wing and Gong ("Testing and verifying concurrent objects",
 * 1993) with Lowe's memory of what was tried ("Testing for linearizability",
 * 2017): at each point try every operation that nobody else certainly preceded;
 * never try the same set of done operations with the same state twice. One key
 * at a time: keys are independent (Herlihy and Wing, 1990, locality).
 *
 * @module
 */

/** What was done to one key, and what came of it. */
export interface Operation {
  readonly type: "set" | "get" | "delete" | "pop" | "setDefault";
  /** What `set` and `setDefault` were given. */
  readonly given: string | undefined;
  /**
   * What came back: a value, or "" for none; of `delete` "there" or "". Not
   * known of an operation that failed or never ended.
   */
  readonly result: string | undefined;
  readonly startMs: number;
  /** `Infinity`: it may take effect at any time, or never. */
  readonly endMs: number;
}

/** Bits of a plain number that can name operations. */
export const OPERATIONS_MAX = 30;

/** The state after an operation, or `undefined` if it cannot come now. */
function apply(state: string, operation: Operation): string | undefined {
  const { type, given, result } = operation;
  const isIt = (actual: string) => result === undefined || result === actual;
  switch (type) {
    case "set":
      return given;
    case "get":
      return isIt(state) ? state : undefined;
    case "delete":
      return isIt(state === "" ? "" : "there") ? "" : undefined;
    case "pop":
      return isIt(state) ? "" : undefined;
    case "setDefault": {
      const after = state === "" ? given! : state;
      return isIt(after) ? after : undefined;
    }
  }
}

/** How far a search has come. */
interface Point {
  /** All that ended, before this one, has been done. */
  readonly low: number;
  /** Bit i: the one at `low + i` has been done, too. */
  readonly done: number;
  /** Bit i: the i-th of those that never ended has been done. */
  readonly open: number;
  readonly state: string;
}

/**
 * What was tried. Who came as far with fewer of those that never ended can do
 * all that one with more of them can.
 */
class Tried {
  readonly #opens = new Map<string, number[]>();

  /** Whether nothing that was tried makes this point needless; notes it. */
  isNew({ low, done, state, open }: Point): boolean {
    const name = `${low} ${done} ${state}`;
    const opens = this.#opens.get(name) ?? [];
    if (opens.some((fewer) => (fewer & open) === fewer)) return false;
    const others = opens.filter((more) => (more & open) !== open);
    this.#opens.set(name, [...others, open]);
    return true;
  }
}

/**
 * Whether the operations on one key, which is not there at first, behave as if
 * each happened at one moment.
 *
 * @param history of any length; at most 30 operations may be under way at once,
 * and at most 30 may never have ended
 * @throws {RangeError} If more are
 */
export function isLinearizable(history: readonly Operation[]): boolean {
  const byStart = [...history].sort((a, b) => a.startMs - b.startMs);
  const ended = byStart.filter(({ endMs }) => endMs < Infinity);
  const open = byStart.filter(({ endMs }) => endMs === Infinity);
  if (open.length > OPERATIONS_MAX) throw tooMany(open.length);
  const tried = new Tried();
  const waiting: Point[] = [{ low: 0, done: 0, open: 0, state: "" }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at.low === ended.length) return true;
    if (!tried.isNew(at)) continue;
    waiting.push(...nextOf(at, ended, open));
  }
  return false;
}

/** Where the search can go on: what nothing else certainly preceded. */
function* nextOf(
  at: Point,
  ended: readonly Operation[],
  open: readonly Operation[],
): Generator<Point> {
  let soonestEndMs = Infinity;
  const { low } = at;
  const may: number[] = [];
  for (let i = low; i < ended.length; i++) {
    const { startMs, endMs } = ended[i]!;
    if (startMs > soonestEndMs) break;
    if (i - low >= OPERATIONS_MAX) throw tooMany(i - low + 1);
    if (at.done & 1 << (i - low)) continue;
    soonestEndMs = Math.min(soonestEndMs, endMs);
    may.push(i);
  }
  // What may happen at any time, or never, is tried last.
  let isCleared = false;
  for (const [i, operation] of open.entries()) {
    if (at.open & 1 << i) continue;
    // The rest began later still.
    if (operation.startMs > soonestEndMs) break;
    const state = apply(at.state, operation);
    // What changes nothing may as well never happen.
    if (state === undefined || state === at.state) continue;
    // Of all that end the value the first will do: others can follow later.
    if (state === "" && isCleared) continue;
    isCleared ||= state === "";
    yield { ...at, open: at.open | 1 << i, state };
  }
  for (const i of may) {
    if (ended[i]!.startMs > soonestEndMs) continue;
    const state = apply(at.state, ended[i]!);
    if (state === undefined) continue;
    let done = at.done | 1 << (i - low);
    let next = low;
    for (; done & 1; done >>>= 1) next++;
    yield { low: next, done, open: at.open, state };
  }
}

function tooMany(count: number): RangeError {
  return new RangeError(
    `Cannot judge ${count} operations at once: give at most ${OPERATIONS_MAX}`,
  );
}
