/**
 * Probes nodes because others ask for it.
 *
 * @module
 */
import { PROBES_PENDING_MAX } from "../base/limits.ts";
import type { Id } from "../id/id.ts";
import { type MessageOf, Probed } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Dialler } from "./dialler.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import type { Requests } from "./requests.ts";

/**
 * The share of a probe's time that the probing itself may take, so that whoever
 * asked hears of the silence before its own patience ends.
 */
const TIME_SHARE = 0.6;

/** The probes on behalf of others. */
export class SecondHandProbes {
  readonly #context: Context;
  readonly #self: Id;
  readonly #links: Links;
  readonly #requests: Requests;
  readonly #dialler: Dialler;
  #pending = 0;

  constructor(
    context: Context,
    self: Id,
    links: Links,
    requests: Requests,
    dialler: Dialler,
  ) {
    this.#context = context;
    this.#self = self;
    this.#links = links;
    this.#requests = requests;
    this.#dialler = dialler;
  }

  onProbe(message: MessageOf<"probe">, from: Link): void {
    const { request, target } = message;
    const answer = (outcome: number) => {
      this.#links.send(from, { type: "probed", request, outcome });
    };
    if (target === this.#self) return answer(Probed.alive);
    if (this.#pending >= PROBES_PENDING_MAX) return answer(Probed.silent);
    const timeoutMs = TIME_SHARE * this.#context.options.timings.probeMs;
    if (this.#links.to(target) === undefined) {
      return this.#dial(target, timeoutMs, answer);
    }
    this.#pending++;
    this.#requests.ping(target, timeoutMs, (failure) => {
      this.#pending--;
      // The link just broke: that says nothing yet, a dial does.
      if (failure === "unreachable") this.#dial(target, timeoutMs, answer);
      else answer(failure === undefined ? Probed.alive : Probed.silent);
    });
  }

  #dial(
    target: Id,
    timeoutMs: number,
    answer: (outcome: number) => void,
  ): void {
    let isDone = false;
    const done = (outcome: number) => {
      if (isDone) return;
      isDone = true;
      this.#pending--;
      this.#context.timers.cancel(timer);
      answer(outcome);
    };
    this.#pending++;
    const timer = this.#context.timers.at(
      this.#context.nowMs + timeoutMs,
      () => done(Probed.silent),
    );
    const isTried = this.#dialler.attempt(target, (outcome) => {
      if (outcome === "linked") done(Probed.alive);
      else done(outcome === "silent" ? Probed.silent : Probed.refused);
    });
    if (!isTried) done(Probed.silent);
  }
}
