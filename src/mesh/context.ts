/**
 * What all parts of one node's machine share: the moment, the deadlines,
 * chance, and the effects of the step that is running.
 *
 * @module
 */
import type { ChordError } from "../base/errors.ts";
import type { Instant } from "../base/machine.ts";
import type { NodeOptions } from "../base/options.ts";
import type { BuggifyPoint, Rule, Sabotage } from "../base/sabotage.ts";
import type { Random } from "../base/random.ts";
import { Timers } from "../base/timers.ts";
import type { CallNumber, NodeEffect, Notice } from "./events.ts";

/** One per node; the machine sets the moment at the start of each step. */
export class Context {
  readonly options: NodeOptions;
  readonly random: Random;
  readonly timers: Timers = new Timers();
  readonly #sabotage: Sabotage | undefined;
  #instant: Instant;
  #effects: NodeEffect[] = [];

  constructor(options: NodeOptions, random: Random, at: Instant) {
    this.options = options;
    this.random = random;
    this.#sabotage = options.sabotage;
    this.#instant = at;
  }

  /** Monotonic milliseconds. */
  get nowMs(): number {
    return this.#instant.nowMs;
  }

  /** Milliseconds since 1970, by a clock that may jump. */
  get wallMs(): number {
    return this.#instant.wallMs;
  }

  /** Whether a simulation wants an unlikely way to be taken this time. */
  isUnlucky(point: BuggifyPoint): boolean {
    return this.#sabotage !== undefined && this.#sabotage.isUnlucky(point);
  }

  /** Whether a simulation has left a rule out. */
  lacks(rule: Rule): boolean {
    return this.#sabotage !== undefined && this.#sabotage.lacks(rule);
  }

  /** Begins a step. */
  begin(at: Instant): void {
    this.#instant = at;
  }

  /** Ends a step: what the driver must do now, in order. */
  takeEffects(): NodeEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  effect(effect: NodeEffect): void {
    this.#effects.push(effect);
  }

  result(call: CallNumber, value: unknown): void {
    this.#effects.push({ type: "result", call, value });
  }

  failure(call: CallNumber, error: ChordError): void {
    this.#effects.push({ type: "failure", call, error });
  }

  notice(notice: Notice): void {
    this.#effects.push({ type: "notice", notice });
  }
}
