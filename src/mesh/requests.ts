/**
 * Requests that wait for answers.
 *
 * A request has one number and may be sent to several nodes; an answer is
 * matched by the number and by who sends it, so that no node can answer for
 * another one.
 *
 * @module
 */
import { REQUESTS_IN_FLIGHT_MAX } from "../base/limits.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { Message } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Link } from "./link.ts";
import type {
  PendingRequest,
  RequestFailure,
  RequestHandlers,
} from "./peers.ts";
import type { Router } from "./relay.ts";

/** The round trip of a node that has not answered yet, in ms. */
const GUESS_MS = 1;
/**
 * What goes through others may be lost without a word, if one of them is gone:
 * after this long the request has failed, and can be tried another way.
 */
const RELAYED_MS = 1_500;
/** Weight of a new sample: 1/8, as TCP has it (RFC 6298). */
const SAMPLE_WEIGHT = 0.125;

/** One node that a request was sent to. */
interface Expected {
  readonly to: Id;
  /** The link it left on, to whomever; `undefined` if there was no way. */
  readonly link: Link | undefined;
  readonly sentMs: number;
  readonly timer: Timer;
}

/** One request; listed only while answers are expected. */
class Pending implements PendingRequest {
  readonly number: number;
  readonly timeoutMs: number;
  readonly handlers: RequestHandlers;
  /** A list: few are asked, and mostly one. */
  readonly expected: Expected[] = [];
  isCancelled = false;
  readonly #requests: Requests;

  constructor(
    requests: Requests,
    number: number,
    timeoutMs: number,
    handlers: RequestHandlers,
  ) {
    this.#requests = requests;
    this.number = number;
    this.timeoutMs = timeoutMs;
    this.handlers = handlers;
  }

  send(to: Id, message: Message): void {
    this.#requests.send(this, to, message);
  }

  cancel(): void {
    this.#requests.cancel(this);
  }
}

/** The messages that answer a request by its number. */
const ANSWERS: ReadonlySet<Message["type"]> = new Set([
  "pong",
  "probed",
  "announced",
  "ringState",
  "putAnswer",
  "getAnswer",
  "execAnswer",
  "countAnswer",
  "scanAnswer",
  "digestAnswer",
  "pulled",
  "pushed",
  "confirmed",
]);

/** All requests of one node. */
export class Requests {
  readonly #context: Context;
  readonly #router: Router;
  readonly #pending = new Map<number, Pending>();
  readonly #roundTripMs = new Map<Id, number>();
  #number = 0;

  constructor(context: Context, router: Router) {
    this.#context = context;
    this.#router = router;
  }

  get size(): number {
    return this.#pending.size;
  }

  roundTripMs(id: Id): number {
    return this.#roundTripMs.get(id) ?? GUESS_MS;
  }

  /** Whether a message of this type is an answer. */
  static isAnswer(type: Message["type"]): boolean {
    return ANSWERS.has(type);
  }

  begin(
    timeoutMs: number,
    handlers: RequestHandlers,
  ): PendingRequest | undefined {
    const isFull = this.#pending.size >= REQUESTS_IN_FLIGHT_MAX ||
      this.#context.isUnlucky("requestsFull");
    if (isFull) return undefined;
    return this.beginVital(timeoutMs, handlers);
  }

  /** One that no load may keep from being sent: who is alive must be known. */
  beginVital(timeoutMs: number, handlers: RequestHandlers): PendingRequest {
    do this.#number = (this.#number + 1) >>> 0; while (
      this.#pending.has(this.#number)
    );
    return new Pending(this, this.#number, timeoutMs, handlers);
  }

  /** Asks a node for a sign of life. */
  ping(
    target: Id,
    timeoutMs: number,
    done: (failure: RequestFailure | undefined) => void,
  ): void {
    const request = this.beginVital(timeoutMs, {
      onAnswer: () => done(undefined),
      onFailure: (_to, failure) => done(failure),
    });
    request.send(target, { type: "ping", request: request.number });
  }

  /** An answer nobody waits for, or from who was not asked, is dropped. */
  onAnswer(message: Message, from: Id): void {
    const { request } = message as { readonly request?: number };
    const pending = this.#pending.get(request!);
    const expected = pending && this.#settle(pending, from);
    if (pending === undefined || expected === undefined) return;
    // What is run at a holder takes as long as its work, not as the way there.
    if (message.type !== "execAnswer") {
      this.#sample(from, this.#context.nowMs - expected.sentMs);
    }
    pending.handlers.onAnswer(message, from);
  }

  /** What left on this link, and waits, gets no answer any more. */
  onLinkEnd(link: Link): void {
    for (const pending of [...this.#pending.values()]) {
      for (const { to, link: used } of [...pending.expected]) {
        if (used === link) this.#fail(pending, to, "unreachable");
      }
    }
  }

  /** Forgets what is known of a node that is gone. */
  forget(id: Id): void {
    this.#roundTripMs.delete(id);
  }

  /** Sends what a request asks to one node more. */
  send(pending: Pending, to: Id, message: Message): void {
    if (pending.isCancelled || find(pending, to) >= 0) return;
    const sentMs = this.#context.nowMs;
    const link = this.#router.send(to, message);
    // A deadline that is due already: no handler runs within the caller.
    const failure = link === undefined ? "unreachable" : "timeout";
    const timer = this.#context.timers.at(
      link === undefined
        ? sentMs
        : sentMs + this.#patienceMs(pending, link, to),
      () => this.#fail(pending, to, failure),
    );
    pending.expected.push({ to, link, sentMs, timer });
    this.#pending.set(pending.number, pending);
  }

  #patienceMs({ timeoutMs }: Pending, { peer }: Link, to: Id): number {
    const patienceMs = peer === to
      ? timeoutMs
      : Math.min(timeoutMs, RELAYED_MS);
    return this.#context.isUnlucky("earlyTimeout")
      ? patienceMs / 100
      : patienceMs;
  }

  #fail(pending: Pending, to: Id, failure: RequestFailure): void {
    if (this.#settle(pending, to) === undefined) return;
    pending.handlers.onFailure(to, failure);
  }

  /** Takes a node off the list of those whose answer is expected. */
  #settle(pending: Pending, to: Id): Expected | undefined {
    const at = find(pending, to);
    if (at < 0) return undefined;
    const [expected] = pending.expected.splice(at, 1);
    if (!this.#context.lacks("deadlinesEnd")) {
      this.#context.timers.cancel(expected!.timer);
    }
    if (pending.expected.length === 0) this.#pending.delete(pending.number);
    return expected;
  }

  /** Forgets a request. */
  cancel(pending: Pending): void {
    pending.isCancelled = true;
    for (const { timer } of pending.expected) {
      this.#context.timers.cancel(timer);
    }
    pending.expected.length = 0;
    this.#pending.delete(pending.number);
  }

  #sample(id: Id, elapsedMs: number): void {
    const known = this.#roundTripMs.get(id);
    this.#roundTripMs.set(
      id,
      known === undefined
        ? elapsedMs
        : known + SAMPLE_WEIGHT * (elapsedMs - known),
    );
  }
}

function find({ expected }: Pending, to: Id): number {
  for (let i = 0; i < expected.length; i++) {
    if (expected[i]!.to === to) return i;
  }
  return -1;
}
