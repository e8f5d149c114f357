/**
 * What every operation of the dict has: a deadline, an end, a way to stop it.
 *
 * @module
 */
import type { ChordError } from "../base/errors.ts";
import type { Timer } from "../base/timers.ts";
import type { Context } from "../mesh/context.ts";

/** How an operation ends: exactly one of the two is called, once. */
export interface Ending<Result> {
  done(result: Result): void;
  failed(error: ChordError): void;
}

/** One operation that is under way. */
export abstract class Call<Result> {
  protected readonly context: Context;
  protected readonly timeoutMs: number;
  /** When it fails, if it is not over by then. */
  readonly deadlineMs: number;
  readonly #ending: Ending<Result>;
  readonly #deadline: Timer;
  #timers: Timer[] | undefined;
  #isOver = false;

  constructor(context: Context, timeoutMs: number, ending: Ending<Result>) {
    this.context = context;
    this.timeoutMs = timeoutMs;
    this.deadlineMs = context.nowMs + timeoutMs;
    this.#ending = ending;
    this.#deadline = context.timers.at(
      this.deadlineMs,
      () => this.fail(this.timedOut()),
    );
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What is left of its time, for a part of it; never nothing. */
  protected get leftMs(): number {
    return Math.max(1, this.deadlineMs - this.context.nowMs);
  }

  /** The ring has changed: ask whoever must be asked now. */
  abstract replan(): void;

  /** What to fail with when the time is over. */
  protected abstract timedOut(): ChordError;

  /** Lets go of what the call holds: requests, mostly. */
  protected abstract release(): void;

  /** Ends the call without telling anybody: the caller no longer waits. */
  cancel(): void {
    this.#end();
  }

  fail(error: ChordError): void {
    if (this.#end()) this.#ending.failed(error);
  }

  protected succeed(result: Result): void {
    if (this.#end()) this.#ending.done(result);
  }

  /** Runs something later, unless the call is over by then. */
  protected after(ms: number, run: () => void): Timer | undefined {
    // What runs may have ended the call, and must not plan itself for ever.
    if (this.#isOver) return undefined;
    const { timers, nowMs } = this.context;
    const timer = timers.at(nowMs + ms, () => {
      this.#timers = this.#timers?.filter((other) => other !== timer);
      run();
    });
    (this.#timers ??= []).push(timer);
    return timer;
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    const { timers } = this.context;
    timers.cancel(this.#deadline);
    for (const timer of this.#timers ?? []) timers.cancel(timer);
    this.#timers = undefined;
    this.release();
    return true;
  }
}
