/**
 * Who asked an application's own object for what, when, and what came of it:
 * enough to say whether it is linearizable.
 *
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import { ChordError } from "../../base/errors.ts";
import {
  isLinearizable,
  type Operation,
  OPERATIONS_MAX,
} from "../linearizable.ts";
import { Violation } from "../violation.ts";

/** What is asked for. */
export interface Recorded {
  /**
   * What it does to the key, and what it then gives. `set`: anything; `get`
   * and `pop`: the value or `undefined`; `setDefault`: the value that is there
   * now; `delete`: whether it was there.
   */
  readonly type: Operation["type"];
  readonly key: string;
  /** What `set` and `setDefault` are given; any text but the empty one. */
  readonly given?: string;
}

/**
 * Records calls while they are made, and judges them together.
 *
 * @example A value that is read and written
 * ```ts
 * import { ChordSocket, text } from "@chord/dict";
 * import { Recorder, simulate } from "@chord/dict/testing";
 *
 * await simulate({
 *   seed: 1,
 *   nodes: 3,
 *   create: (given) => new ChordSocket({ ...given, keys: text, values: text }),
 * }, async (ring) => {
 *   const recorder = new Recorder(ring.clock);
 *   const [a, b] = ring.nodes;
 *   await recorder.record(
 *     { type: "set", key: "colour", given: "red" },
 *     () => a!.set("colour", "red"),
 *   );
 *   await recorder.record(
 *     { type: "get", key: "colour" },
 *     () => b!.get("colour"),
 *   );
 *   recorder.check();
 * });
 * ```
 */
export class Recorder {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #byKey = new Map<string, Operation[]>();

  /** @param clock says when calls begin and end: that of the ring */
  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  /**
   * Makes a call and records it. One that fails may have taken effect, unless
   * its error says that it did not.
   *
   * @returns what the call gave
   * @throws what the call threw
   * @throws {RangeError} If it is the 31st of its key
   */
  async record<T>(
    { type, key, given }: Recorded,
    call: () => T | Promise<T>,
  ): Promise<T> {
    const startMs = this.#clock.nowMs();
    const operations = this.#byKey.get(key) ?? [];
    this.#byKey.set(key, operations);
    if (operations.length >= OPERATIONS_MAX) {
      throw new RangeError(
        `Cannot record more than ${OPERATIONS_MAX} calls for "${key}": use ` +
          `more keys, or another recorder`,
      );
    }
    const open: Operation = {
      ...{ type, given, startMs },
      ...{ result: undefined, endMs: Infinity },
    };
    const at = operations.push(open) - 1;
    try {
      const value = await call();
      const endMs = this.#clock.nowMs();
      operations[at] = { ...open, result: resultOf(type, value), endMs };
      return value;
    } catch (error) {
      // Something that may yet be, and has no effect, says nothing.
      if (error instanceof ChordError && error.applied === "no") {
        operations[at] = { ...open, type: "get" };
      }
      throw error;
    }
  }

  /**
   * Judges all calls: for each key there must be one order in which each takes
   * effect at one moment between its beginning and its end, and gives what it
   * gave. At first no key is there.
   *
   * @throws {Violation} If there is none for some key
   */
  check(): void {
    for (const [key, operations] of this.#byKey) {
      if (isLinearizable(operations)) continue;
      const lines = operations.map(describe).join("\n");
      throw new Violation(
        "linearizable",
        `no order explains what was done to "${key}":\n${lines}`,
      );
    }
  }
}

function resultOf(type: Operation["type"], value: unknown): string | undefined {
  if (type === "set") return undefined;
  if (type === "delete") return value === true ? "there" : "";
  return value === undefined || value === null ? "" : String(value);
}

function describe(operation: Operation): string {
  const { type, given, result, startMs, endMs } = operation;
  const what = given === undefined ? type : `${type} ${given}`;
  const gave = endMs === Infinity
    ? "did not end"
    : type === "set"
    ? "done"
    : `gave ${result === "" ? "nothing" : result}`;
  return `  ${startMs.toFixed(3)} to ${endMs.toFixed(3)} ms: ${what}, ${gave}`;
}
