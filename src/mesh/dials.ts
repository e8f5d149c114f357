/**
 * The dials that are under way, from the effect to the end of the handshake.
 *
 * @module
 */
import type { ChordError } from "../base/errors.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "./context.ts";
import type { CallNumber, DialNumber } from "./events.ts";

/**
 * How a dial ended: the node is linked; nobody takes connections there;
 * somebody else answered; or there was no answer in time.
 */
export type DialOutcome = "linked" | "refused" | "replaced" | "silent";

/** One dial under way. */
export interface Dial {
  readonly number: DialNumber;
  readonly url: string;
  /** Whom it is to reach; `undefined` if only the url is known. */
  readonly target: Id | undefined;
  readonly startedMs: number;
  readonly deadlineMs: number;
  /** The application's call that waits for it. */
  call: CallNumber | undefined;
  readonly waiters: ((outcome: DialOutcome) => void)[];
  timer: Timer | undefined;
  /** What the application is told if it fails. */
  error: ChordError | undefined;
}

/** All dials under way; at most `dialsPendingMax`. */
export class Dials {
  readonly #context: Context;
  readonly #onEnd: (dial: Dial, outcome: DialOutcome, peer?: Id) => void;
  readonly #dials = new Map<DialNumber, Dial>();
  readonly #byTarget = new Map<Id, Dial>();
  #number = 0;

  constructor(
    context: Context,
    onEnd: (dial: Dial, outcome: DialOutcome, peer?: Id) => void,
  ) {
    this.#context = context;
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#dials.size;
  }

  get hasRoom(): boolean {
    return this.#dials.size < this.#context.options.limits.dialsPendingMax;
  }

  get(number: DialNumber): Dial | undefined {
    return this.#dials.get(number);
  }

  /** The dial that is to reach a node. */
  to(target: Id): Dial | undefined {
    return this.#byTarget.get(target);
  }

  ofCall(call: CallNumber): Dial | undefined {
    for (const dial of this.#dials.values()) {
      if (dial.call === call) return dial;
    }
    return undefined;
  }

  /** Starts a dial, which ends as `silent` after `timeoutMs`. */
  start(url: string, target: Id | undefined, timeoutMs: number): Dial {
    const number = ++this.#number;
    const { nowMs, timers } = this.#context;
    const deadlineMs = nowMs + timeoutMs;
    const dial: Dial = {
      number,
      url,
      target,
      startedMs: nowMs,
      deadlineMs,
      call: undefined,
      waiters: [],
      timer: timers.at(deadlineMs, () => this.end(number, "silent")),
      error: undefined,
    };
    this.#dials.set(number, dial);
    if (target !== undefined) this.#byTarget.set(target, dial);
    this.#context.effect({ type: "dial", dial: number, url });
    return dial;
  }

  /** A dial has come to its end; what it still brings is too late. */
  end(number: DialNumber, outcome: DialOutcome, peer?: Id): void {
    const dial = this.#dials.get(number);
    if (dial === undefined) return;
    this.#dials.delete(number);
    if (dial.target !== undefined) this.#byTarget.delete(dial.target);
    this.#context.timers.cancel(dial.timer);
    this.#onEnd(dial, outcome, peer);
  }
}
