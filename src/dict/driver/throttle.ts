/**
 * Large values wait here and not in the links: a link whose queue is full is
 * closed, and a hundred values of a megabyte asked for in one turn fill one.
 *
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import { OverloadedError, TimeoutError } from "../../base/errors.ts";
import { CALLS_WAITING_MAX } from "../../base/limits.ts";
import { type CallOptions, checkTimeout } from "../../mesh/driver/options.ts";
import { Gate } from "./gate.ts";

/** Values that are under way at once. */
const VALUES_BYTES_MAX = 16 * 1024 * 1024;

/** Lets only so many bytes of values be under way. */
export class Throttle {
  readonly #clock: Clock;
  readonly #gate = new Gate(Infinity, VALUES_BYTES_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Asks for room for one value. Must be followed by `leave`, unless it throws.
   *
   * @param bytes how large the value is, or may be
   * @returns what is left of the time, once there is room; `undefined` if
   * there is room now
   */
  enter(
    bytes: number,
    action: string,
    options: CallOptions,
  ): Promise<CallOptions> | undefined {
    if (this.#gate.waiting >= CALLS_WAITING_MAX) {
      throw new OverloadedError(
        `Cannot ${action}: ${CALLS_WAITING_MAX} calls with large values wait ` +
          `already; wait for some of them to end`,
      );
    }
    const turn = this.#gate.enter(bytes);
    return turn && this.#wait(turn, action, options);
  }

  /** Must follow each `enter`, with the same number, however it ended. */
  leave(bytes: number): void {
    this.#gate.leave(bytes);
  }

  async #wait(
    turn: Promise<void>,
    action: string,
    options: CallOptions,
  ): Promise<CallOptions> {
    const startMs = this.#clock.nowMs();
    await turn;
    const timeoutMs = checkTimeout(options.timeoutMs) -
      (this.#clock.nowMs() - startMs);
    if (timeoutMs >= 0) return { ...options, timeoutMs };
    throw new TimeoutError(
      `Cannot ${action}: other calls with large values took all of its time; ` +
        `have fewer under way at once, or raise "timeoutMs"`,
      "no",
    );
  }
}
