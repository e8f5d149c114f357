/**
 * How far a node trusts what it does not hear.
 *
 * One that ticks late, or is suspected itself, is probably slow: it gives the
 * others more time (Lifeguard, "Local Health Awareness", section IV-A), and
 * after a sleep it judges nobody at all for a while, because what it has not
 * heard may be waiting in its own queues.
 *
 * @module
 */
import type { Context } from "./context.ts";

/** The multiplier of all patience ends here. */
const MULTIPLIER_MAX = 8;

/** One node's opinion of itself. */
export class LocalHealth {
  readonly #context: Context;
  #multiplier = 1;
  #quietUntilMs = -Infinity;

  constructor(context: Context) {
    this.#context = context;
  }

  /** What patience with others is multiplied by: 1 if all is well. */
  get multiplier(): number {
    return this.#multiplier;
  }

  /** Whether nothing is to be said about others now. */
  get isQuiet(): boolean {
    return this.#context.nowMs < this.#quietUntilMs;
  }

  /** Says nothing about others for a while; gives until when. */
  beQuiet(forMs: number): number {
    this.#quietUntilMs = this.#context.nowMs + forMs;
    return this.#quietUntilMs;
  }

  worsen(): void {
    this.#multiplier = Math.min(MULTIPLIER_MAX, this.#multiplier + 1);
  }

  improve(): void {
    this.#multiplier = Math.max(1, this.#multiplier - 1);
  }
}
