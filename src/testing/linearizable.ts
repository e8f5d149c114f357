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

/**
 * Whether the operations on one key, which is not there at first, behave as if
 * each happened at one moment.
 *
 * @param history at most 30 operations
 */
export function isLinearizable(history: readonly Operation[]): boolean {
  if (history.length > OPERATIONS_MAX) {
    throw new RangeError(
      `Cannot judge ${history.length} operations at once: give at most ` +
        `${OPERATIONS_MAX}`,
    );
  }
  const must = history.reduce(
    (bits, { endMs }, i) => endMs < Infinity ? bits | 1 << i : bits,
    0,
  );
  const tried = new Set<string>();
  const search = (done: number, state: string): boolean => {
    if ((done & must) === must) return true;
    const name = `${done} ${state}`;
    if (tried.has(name)) return false;
    tried.add(name);
    let soonestEndMs = Infinity;
    for (const [i, { endMs }] of history.entries()) {
      if (!(done & 1 << i)) soonestEndMs = Math.min(soonestEndMs, endMs);
    }
    return history.some((operation, i) => {
      if (done & 1 << i || operation.startMs > soonestEndMs) return false;
      const after = apply(state, operation);
      return after !== undefined && search(done | 1 << i, after);
    });
  };
  return search(0, "");
}
