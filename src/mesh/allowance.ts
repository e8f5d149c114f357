/**
 * How much each admitted peer may send, and ask for.
 *
 * Who sends faster than allowed is read more slowly: its links are not read
 * until what came has been earned, so that a busy peer loses time and nothing
 * else. One second's worth may come at once. What waits for an answer cannot be
 * slowed down so, since the answer may depend on what is read next; who has too
 * much of that loses its link.
 *
 * Not taken: counting before the handshake is done. Until then a peer may say
 * one short message at a time, and there are so many handshakes and no more.
 *
 * @module
 */
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { Message } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Link } from "./link.ts";
import { Requests } from "./requests.ts";

/** A request that was not answered for this long never will be. */
const UNANSWERED_MS = 60_000;
/** From here on it is worth looking for such. */
const IN_FLIGHT_LOOK = 1024;

/** A number of things that may come, and come back at a steady rate. */
class Bucket {
  readonly #perSecond: number;
  #left: number;
  #filledMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#filledMs = nowMs;
  }

  /** Takes `count` out; gives in how many ms what is missing is back. */
  take(count: number, nowMs: number): number {
    const filled = (nowMs - this.#filledMs) / 1000 * this.#perSecond;
    this.#filledMs = nowMs;
    this.#left = Math.min(this.#perSecond, this.#left + filled) - count;
    if (this.#left >= 0) return 0;
    // Whole ones: less than that may be too little for the clock to move.
    return Math.ceil(-this.#left / this.#perSecond * 1000);
  }
}

/** Requests of one number that wait for their answers. */
interface Asked {
  count: number;
  readonly sinceMs: number;
}

/** What one peer has taken of what it may. */
export interface Allowance {
  readonly messages: Bucket;
  readonly bytes: Bucket;
  /** The oldest first. */
  readonly asked: Map<number, Asked>;
  inFlight: number;
}

/** What all peers have taken of what they may. */
export class Allowances {
  readonly #context: Context;
  readonly #peers = new Map<Id, Allowance>();
  readonly #pauses = new Map<Link, Timer>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Takes note of a frame of an open link, which is paused if it was too much. */
  take(link: Link, messages: number, bytes: number): void {
    const { nowMs } = this.#context;
    const allowance = link.allowance ??= this.#of(link.peer);
    const waitMs = Math.max(
      allowance.messages.take(messages, nowMs),
      allowance.bytes.take(bytes, nowMs),
    );
    if (waitMs === 0 || this.#pauses.has(link)) return;
    this.#context.effect({ type: "pause", link: link.number });
    this.#resumeIn(link, waitMs);
  }

  /** Takes note of a request; gives whether the peer may have so many. */
  ask(link: Link, message: Message): boolean {
    if (!("request" in message) || Requests.isAnswer(message.type)) return true;
    const allowance = this.#of(link.peer);
    const { nowMs, options } = this.#context;
    const known = allowance.asked.get(message.request);
    if (known !== undefined) known.count++;
    else allowance.asked.set(message.request, { count: 1, sinceMs: nowMs });
    allowance.inFlight++;
    const { requestsInFlightMax } = options.limits;
    if (allowance.inFlight > Math.min(IN_FLIGHT_LOOK, requestsInFlightMax)) {
      this.#forgetOld(allowance);
    }
    return allowance.inFlight <= requestsInFlightMax;
  }

  /** Takes note of what is sent to a peer: an answer is one request less. */
  answer(peer: Id, message: Message): void {
    if (!Requests.isAnswer(message.type) || !("request" in message)) return;
    const allowance = this.#peers.get(peer);
    const asked = allowance?.asked.get(message.request);
    if (allowance === undefined || asked === undefined) return;
    allowance.inFlight--;
    if (--asked.count === 0) allowance.asked.delete(message.request);
  }

  /** A link has ended; `isLast`: its peer has no other. */
  end(link: Link, isLast: boolean): void {
    this.#context.timers.cancel(this.#pauses.get(link));
    this.#pauses.delete(link);
    if (isLast) this.#peers.delete(link.peer);
  }

  #of(peer: Id): Allowance {
    let allowance = this.#peers.get(peer);
    if (allowance === undefined) {
      const { nowMs, options } = this.#context;
      const { limits } = options;
      allowance = {
        messages: new Bucket(limits.messagesPerSecondMax, nowMs),
        bytes: new Bucket(limits.bytesPerSecondMax, nowMs),
        asked: new Map(),
        inFlight: 0,
      };
      this.#peers.set(peer, allowance);
    }
    return allowance;
  }

  /** Frames that were on their way meanwhile make it later. */
  #resumeIn(link: Link, waitMs: number): void {
    const { nowMs, timers } = this.#context;
    // Who is not read is not silent.
    link.lastHeardMs = nowMs + waitMs;
    const timer = timers.at(nowMs + waitMs, () => {
      const { messages, bytes } = this.#of(link.peer);
      const now = this.#context.nowMs;
      const leftMs = Math.max(messages.take(0, now), bytes.take(0, now));
      if (leftMs > 0) return this.#resumeIn(link, leftMs);
      this.#pauses.delete(link);
      this.#context.effect({ type: "resume", link: link.number });
    });
    this.#pauses.set(link, timer);
  }

  #forgetOld(allowance: Allowance): void {
    const beforeMs = this.#context.nowMs - UNANSWERED_MS;
    for (const [number, { count, sinceMs }] of allowance.asked) {
      if (sinceMs > beforeMs) return;
      allowance.asked.delete(number);
      allowance.inFlight -= count;
    }
  }
}
