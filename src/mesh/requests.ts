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
/** Weight of a new deviation from it: 1/4, likewise. */
const DEVIATION_WEIGHT = 0.25;
/** Deviations beyond the usual round trip that count as late. */
const DEVIATIONS_LATE = 4;
/** The least and the most that an acknowledgement is waited for. */
const PATIENCE_MIN_MS = 50;
const PATIENCE_MAX_MS = 1_000;

/** How long the round trips to one node take. */
interface RoundTrip {
  ms: number;
  /** By how much they differ from that, on average. */
  deviationMs: number;
}

/** One node that a request was sent to. */
interface Expected {
  readonly to: Id;
  /** The link it left on, to whomever; `undefined` if there was no way. */
  readonly link: Link | undefined;
  readonly sentMs: number;
  /** None where whoever asks will have ended it by then. */
  timer: Timer | undefined;
}

/** One request; listed only while answers are expected. */
class Pending implements PendingRequest {
  readonly number: number;
  readonly timeoutMs: number;
  readonly handlers: RequestHandlers;
  readonly endMs: number;
  /** A list: few are asked, and mostly one. */
  readonly expected: Expected[] = [];
  isCancelled = false;
  readonly #requests: Requests;

  constructor(
    requests: Requests,
    number: number,
    timeoutMs: number,
    handlers: RequestHandlers,
    endMs: number,
  ) {
    this.#requests = requests;
    this.number = number;
    this.timeoutMs = timeoutMs;
    this.handlers = handlers;
    this.endMs = endMs;
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
  "routed",
]);

/** All requests of one node. */
export class Requests {
  readonly #context: Context;
  readonly #router: Router;
  readonly #pending = new Map<number, Pending>();
  readonly #roundTrips = new Map<Id, RoundTrip>();
  #number = 0;

  constructor(context: Context, router: Router) {
    this.#context = context;
    this.#router = router;
  }

  get size(): number {
    return this.#pending.size;
  }

  roundTripMs(id: Id): number {
    return this.#roundTrips.get(id)?.ms ?? GUESS_MS;
  }

  /** After how long something that was not acknowledged counts as lost. */
  patienceMs(id: Id): number {
    const known = this.#roundTrips.get(id);
    if (known === undefined) return PATIENCE_MAX_MS;
    const lateMs = known.ms + DEVIATIONS_LATE * known.deviationMs;
    return Math.min(Math.max(lateMs, PATIENCE_MIN_MS), PATIENCE_MAX_MS);
  }

  /** Whether a message of this type is an answer. */
  static isAnswer(type: Message["type"]): boolean {
    return ANSWERS.has(type);
  }

  begin(
    timeoutMs: number,
    handlers: RequestHandlers,
    endMs?: number,
  ): PendingRequest | undefined {
    const isFull = this.#pending.size >= REQUESTS_IN_FLIGHT_MAX ||
      this.#context.isUnlucky("requestsFull");
    if (isFull) return undefined;
    return this.beginVital(timeoutMs, handlers, endMs);
  }

  /** One that no load may keep from being sent: who is alive must be known. */
  beginVital(
    timeoutMs: number,
    handlers: RequestHandlers,
    endMs = Infinity,
  ): PendingRequest {
    do this.#number = (this.#number + 1) >>> 0; while (
      this.#pending.has(this.#number)
    );
    return new Pending(this, this.#number, timeoutMs, handlers, endMs);
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
    if (message.type !== "execAnswer" && message.type !== "routed") {
      this.sample(from, this.#context.nowMs - expected.sentMs);
    }
    pending.handlers.onAnswer(message, from);
  }

  /**
   * What left on this link, and waits, gets no answer any more. The handlers
   * hear of it once the news that ended the link are known to their end: who is
   * dead may stand in one list with who is alive after all.
   */
  onLinkEnd(link: Link): void {
    const { nowMs, timers } = this.#context;
    for (const pending of this.#pending.values()) {
      for (const expected of pending.expected) {
        if (expected.link !== link) continue;
        timers.cancel(expected.timer);
        const { to } = expected;
        const fail = () => this.#fail(pending, to, "unreachable");
        expected.timer = timers.at(nowMs, fail);
      }
    }
  }

  /** Forgets what is known of a node that is gone. */
  forget(id: Id): void {
    this.#roundTrips.delete(id);
  }

  /** Sends what a request asks to one node more. */
  send(pending: Pending, to: Id, message: Message): void {
    if (pending.isCancelled || find(pending, to) >= 0) return;
    const sentMs = this.#context.nowMs;
    const link = this.#router.send(to, message);
    // A deadline that is due already: no handler runs within the caller.
    const failure = link === undefined ? "unreachable" : "timeout";
    const untilMs = link === undefined
      ? sentMs
      : sentMs + this.#patienceMs(pending, link, to);
    const timer = untilMs < pending.endMs
      ? this.#context.timers.at(
        untilMs,
        () => this.#fail(pending, to, failure),
      )
      : undefined;
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
    const expected = pending.expected[at]!;
    // The last one goes where it was: their order means nothing.
    const last = pending.expected.pop()!;
    if (last !== expected) pending.expected[at] = last;
    if (!this.#context.lacks("deadlinesEnd")) {
      this.#context.timers.cancel(expected.timer);
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

  /** A node has answered after so long. */
  sample(id: Id, elapsedMs: number): void {
    const known = this.#roundTrips.get(id);
    if (known === undefined) {
      const deviationMs = elapsedMs / 2;
      this.#roundTrips.set(id, { ms: elapsedMs, deviationMs });
      return;
    }
    const off = elapsedMs - known.ms;
    known.ms += SAMPLE_WEIGHT * off;
    known.deviationMs += DEVIATION_WEIGHT *
      (Math.abs(off) - known.deviationMs);
  }
}

function find({ expected }: Pending, to: Id): number {
  for (let i = 0; i < expected.length; i++) {
    if (expected[i]!.to === to) return i;
  }
  return -1;
}
