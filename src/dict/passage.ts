/**
 * One operation on its way through this node: done here if the holders are
 * known here, or else handed on to who is nearer, whose answer goes back.
 *
 * The next one says at once that it has the operation. If it does not in time,
 * or if it cannot find a way, the next best is tried; the first answer counts.
 * Whatever is handed on may therefore be done twice: reads do no harm, a
 * read-modify-write has a name by which its first holder knows it, and a write
 * has the version that its writer gave it.
 *
 * @module
 */
import { ROUTE_HOPS_MAX } from "../base/limits.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { PendingRequest } from "../mesh/peers.ts";
import { ErrandStatus, type MessageOf } from "../wire/messages.ts";
import {
  type CallParts,
  LOST,
  type Routed,
  type RouteOrder,
  startErrand,
} from "./errand.ts";

/** How many may be tried, one after the other. */
const TRIES_MAX = 8;
/** What is left of the time for who comes next: answers take theirs. */
const TIME_SHARE = 0.9;

/** Who is told of a passage. */
interface Ends {
  /** It is handed on to this member. */
  readonly onHop: (to: Id) => void;
  /** It is over; told nothing when no answer came in time. */
  readonly onEnd: (routed: Routed | undefined) => void;
}

/** One operation at one node. */
export class Passage {
  readonly #parts: CallParts;
  readonly #order: RouteOrder;
  readonly #hops: number;
  readonly #deadlineMs: number;
  readonly #ends: Ends;
  readonly #tried = new Set<Id>();
  /** Who has it, and since when without saying so. */
  #asked: { readonly id: Id; readonly atMs: number } | undefined;
  #patience: Timer | undefined;
  /** Answers that may still come. */
  #open = 0;
  #request: PendingRequest | undefined;
  #errand: ReturnType<typeof startErrand>;
  #isHere = false;
  #isOver = false;

  /** @param hops how often it has been handed on */
  constructor(
    parts: CallParts,
    order: RouteOrder,
    hops: number,
    timeoutMs: number,
    ends: Ends,
  ) {
    this.#parts = parts;
    this.#order = order;
    this.#hops = hops;
    this.#deadlineMs = parts.context.nowMs + timeoutMs;
    this.#ends = ends;
  }

  /** The number of the request with which it was handed on, if it was. */
  get number(): number | undefined {
    return this.#request?.number;
  }

  /** Whether somebody else may have begun it. */
  get wasSent(): boolean {
    return this.#tried.size > 0 || this.#isHere;
  }

  start(): void {
    this.#next();
  }

  cancel(): void {
    this.#isOver = true;
    this.#errand?.cancel();
    this.#request?.cancel();
    this.#parts.context.timers.cancel(this.#patience);
  }

  /** The ring has changed: this may be the place for it no longer. */
  replan(): void {
    if (this.#isOver || !this.#isHere) return;
    if (this.#parts.peers.covers(this.#order.target)) {
      this.#errand?.replan();
      return;
    }
    this.#isHere = false;
    this.#errand?.cancel();
    this.#errand = undefined;
    this.#next();
  }

  /** Who was asked has it. */
  onTaken(from: Id): void {
    if (this.#asked?.id !== from) return;
    const { context, peers } = this.#parts;
    peers.heardAfter(from, context.nowMs - this.#asked.atMs);
    context.timers.cancel(this.#patience);
    this.#asked = undefined;
  }

  #next(): void {
    const { peers, context } = this.#parts;
    const { target } = this.#order;
    if (this.#isOver || this.#isHere) return;
    if (peers.covers(target)) return this.#doHere();
    const isLimited = !context.lacks("hopsAreLimited");
    const mayGoOn = (this.#hops < ROUTE_HOPS_MAX || !isLimited) &&
      this.#tried.size < TRIES_MAX;
    const to = mayGoOn ? peers.nextHop(target, this.#tried) : undefined;
    this.#request ??= to === undefined ? undefined : this.#begin();
    const leftMs = Math.floor(
      TIME_SHARE * (this.#deadlineMs - context.nowMs),
    );
    if (to === undefined || this.#request === undefined || leftMs <= 0) {
      if (this.#open === 0) this.#end(LOST);
      return;
    }
    this.#ends.onHop(to);
    this.#tried.add(to);
    this.#open++;
    context.timers.cancel(this.#patience);
    this.#asked = { id: to, atMs: context.nowMs };
    this.#patience = context.timers.at(
      context.nowMs + peers.patienceMs(to),
      () => this.#next(),
    );
    this.#request.send(to, {
      ...this.#order,
      type: "route",
      request: this.#request.number,
      hops: this.#hops + 1,
      leftMs,
    });
  }

  #begin(): PendingRequest | undefined {
    const { peers, context } = this.#parts;
    const timeoutMs = Math.max(1, this.#deadlineMs - context.nowMs);
    return peers.request(timeoutMs, {
      onAnswer: (answer, from) => {
        if (answer.type === "routed") this.#onRouted(answer, from);
      },
      onFailure: (_to, failure) => {
        this.#open--;
        if (failure === "unreachable") this.#next();
        else if (this.#open === 0) this.#end(undefined);
      },
    });
  }

  #onRouted(answer: MessageOf<"routed">, from: Id): void {
    this.onTaken(from);
    this.#open--;
    if (answer.status === ErrandStatus.lost) return this.#next();
    const { type: _type, request: _request, ...routed } = answer;
    this.#end(routed);
  }

  #doHere(): void {
    const { context, peers } = this.#parts;
    this.#isHere = true;
    const { target } = this.#order;
    const { ring } = peers;
    const first = ring.members[ring.indexOf(target)];
    const timeoutMs = Math.max(1, this.#deadlineMs - context.nowMs);
    this.#errand = startErrand(this.#parts, this.#order, timeoutMs, (ended) => {
      if (this.#isOver || !this.#isHere) return;
      const members = ended.members.length > 0 || first === undefined
        ? ended.members
        : [first];
      this.#end({ ...ended, hops: this.#hops, members });
    });
  }

  #end(routed: Routed | undefined): void {
    if (this.#isOver) return;
    this.cancel();
    this.#ends.onEnd(routed);
  }
}
