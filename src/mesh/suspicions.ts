/**
 * How long each suspect has to refute.
 *
 * The time shrinks with every other node that shares the suspicion: one that is
 * slow itself suspects many and finds nobody to agree (Lifeguard, "Local Health
 * Awareness for More Accurate Failure Detection", section IV). Unlike there the
 * shortest time is the same for meshes of any size: news go along a tree, which
 * takes four hops where gossip by chance takes a period for each power of ten.
 * What the suspect has said may be lost on its way along the tree: before the
 * time is over, others are asked whether they have heard it.
 *
 * @module
 */
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import { Health, type MemberRecord } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Table } from "./table.ts";

/** Confirmations after which the time is as short as it gets. */
const CONFIRMATIONS_MAX = 3;
/** What others know is known here, too, so many gossip times later. */
const NEWS_GOSSIPS = 2;

interface Suspicion {
  readonly id: Id;
  readonly startedMs: number;
  confirmations: number;
  /** When it ends, or until then, when others are asked whether it has to. */
  timer: Timer | undefined;
  isEnding: boolean;
  /** When others who were told more than this node should have ended it. */
  newsTimer: Timer | undefined;
}

/** What comes of suspicions. */
export interface SuspicionHandlers {
  /** The suspect had all the time that it gets. */
  onOver(record: MemberRecord): void;
  /** Others may know more: what they told may have been lost. */
  onDoubt(record: MemberRecord): void;
}

/** The suspicions that are open. */
export class Suspicions {
  readonly #context: Context;
  readonly #table: Table;
  readonly #handlers: SuspicionHandlers;
  readonly #open = new Map<Id, Suspicion>();

  constructor(
    context: Context,
    table: Table,
    handlers: SuspicionHandlers,
  ) {
    this.#context = context;
    this.#table = table;
    this.#handlers = handlers;
  }

  /** Starts anew, as for a new incarnation. */
  begin(record: MemberRecord): void {
    this.end(record.id);
    const suspicion: Suspicion = {
      id: record.id,
      startedMs: this.#context.nowMs,
      confirmations: 0,
      timer: undefined,
      isEnding: false,
      newsTimer: undefined,
    };
    this.#open.set(record.id, suspicion);
    this.#arm(suspicion, -Infinity);
    this.#awaitNews(suspicion);
  }

  /**
   * One more node suspects the same.
   *
   * @returns whether that makes a difference
   */
  confirm(id: Id): boolean {
    const suspicion = this.#open.get(id);
    if (suspicion === undefined) return false;
    if (suspicion.confirmations >= this.#confirmationsMax) return false;
    suspicion.confirmations++;
    if (!suspicion.isEnding) {
      this.#arm(suspicion, -Infinity);
      this.#awaitNews(suspicion);
    }
    return true;
  }

  end(id: Id): void {
    const suspicion = this.#open.get(id);
    this.#context.timers.cancel(suspicion?.timer);
    this.#context.timers.cancel(suspicion?.newsTimer);
    this.#open.delete(id);
  }

  /** None ends before `untilMs`. */
  postpone(untilMs: number): void {
    for (const suspicion of this.#open.values()) this.#arm(suspicion, untilMs);
  }

  /** In a small mesh there are not as many others. */
  get #confirmationsMax(): number {
    return Math.min(CONFIRMATIONS_MAX, this.#table.order.length - 2);
  }

  #arm(suspicion: Suspicion, notBeforeMs: number): void {
    const { suspicionMinMs: minMs, suspicionMaxMs: maxMs } =
      this.#context.options.timings;
    const wanted = this.#confirmationsMax;
    const share = wanted < 1
      ? 1
      : Math.log(suspicion.confirmations + 1) / Math.log(wanted + 1);
    const forMs = maxMs - (maxMs - minMs) * Math.min(1, share);
    const endMs = Math.max(suspicion.startedMs + forMs, notBeforeMs);
    this.#context.timers.cancel(suspicion.timer);
    suspicion.isEnding = false;
    suspicion.timer = this.#context.timers.at(
      endMs - this.#newsMs,
      () => this.#onTime(suspicion),
    );
  }

  /** How long what others know takes to here. */
  get #newsMs(): number {
    return NEWS_GOSSIPS * this.#context.options.timings.gossipMs;
  }

  /** Who has heard of each confirmation ends it as soon as that may be. */
  #awaitNews(suspicion: Suspicion): void {
    const { nowMs, timers, options } = this.#context;
    const { suspicionMinMs } = options.timings;
    const endMs = Math.max(suspicion.startedMs + suspicionMinMs, nowMs);
    timers.cancel(suspicion.newsTimer);
    suspicion.newsTimer = timers.at(
      endMs + this.#newsMs,
      () => this.#doubt(suspicion),
    );
  }

  #doubt({ id }: Suspicion): void {
    const record = this.#table.get(id);
    if (record?.health === Health.suspect) this.#handlers.onDoubt(record);
  }

  /** It is about to end, unless others have heard of the suspect since. */
  #onTime(suspicion: Suspicion): void {
    const { timers, nowMs } = this.#context;
    this.#doubt(suspicion);
    suspicion.isEnding = true;
    suspicion.timer = timers.at(
      nowMs + this.#newsMs,
      () => this.#end(suspicion),
    );
  }

  #end({ id }: Suspicion): void {
    this.end(id);
    const record = this.#table.get(id);
    if (record?.health === Health.suspect) this.#handlers.onOver(record);
  }
}
