/**
 * The watches of one node's application.
 *
 * @module
 */
import { type ChordError, OverloadedError } from "../base/errors.ts";
import { WATCHES_MAX } from "../base/limits.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { CallNumber } from "../mesh/events.ts";
import type { Peers } from "../mesh/peers.ts";
import type { Message } from "../wire/messages.ts";
import type { DictOperation } from "./operations.ts";
import type { Routing } from "./routing.ts";
import { surveyAll, surveyAt } from "./survey.ts";
import { Watch, type WatchHost } from "./watch.ts";

/** How often is looked who is to be asked. */
const TICK_MS = 500;
/** How often others are asked who holds what, in ticks. */
const SURVEY_TICKS = 8;
/** How often forgotten deletions are forgotten here, too, in ticks. */
const EXPIRE_TICKS = 7_200;
/** How much longer than agreed: a holder's list must not bring one back. */
const EXPIRE_MARGIN = 1.25;

/** A watch and what the application knows it by. */
interface Open {
  /** Given by the driver. */
  readonly number: number;
  /** Waits until nothing is missed any more. */
  call: CallNumber | undefined;
}

/** All watches of one node. */
export class Watches implements WatchHost {
  readonly context: Context;
  readonly peers: Peers;
  readonly #routing: Routing;
  readonly #send: (to: Id, message: Message) => void;
  readonly #open = new Map<Watch, Open>();
  readonly #byFeed = new Map<number, Watch>();
  /** The number of the last feed. */
  #feeds = 0;
  #known = 0;
  #ticks = 0;
  #timer: Timer | undefined;

  /** @param send also to this node itself */
  constructor(
    context: Context,
    peers: Peers,
    send: (to: Id, message: Message) => void,
    routing: Routing,
  ) {
    this.#routing = routing;
    this.context = context;
    this.peers = peers;
    this.#send = send;
  }

  /** Calls that wait for their watch to be ready. */
  get waiting(): number {
    return [...this.#open.values()].filter(({ call }) => call !== undefined)
      .length;
  }

  start(
    call: CallNumber,
    { watch: number, match, since, queue }: DictOperation & { type: "watch" },
  ): void {
    if (this.#open.size >= WATCHES_MAX) {
      const error = new OverloadedError(
        `Cannot watch: ${WATCHES_MAX} watches are open already; end some ` +
          `of them`,
      );
      queue.end(error);
      this.context.notice({ type: "watched", watch: number });
      return this.context.failure(call, error);
    }
    const open = { number, call };
    const watch = new Watch(this, match, since, queue);
    this.#open.set(watch, open);
    watch.start();
    this.#survey([watch]);
    this.#tickLater();
  }

  /** The reader is gone. */
  stop(number: number): void {
    for (const [watch, open] of this.#open) {
      if (open.number !== number) continue;
      this.#end(watch);
      if (open.call !== undefined) this.context.result(open.call, undefined);
    }
  }

  /** The reader has taken something. */
  taken(number: number): void {
    for (const [watch, open] of this.#open) {
      if (open.number === number) watch.taken();
    }
  }

  /** The application no longer waits for a watch to be ready. */
  cancel(call: CallNumber): void {
    for (const open of this.#open.values()) {
      if (open.call === call) open.call = undefined;
    }
  }

  onRing(): void {
    for (const watch of [...this.#open.keys()]) watch.plan();
  }

  onMessage(message: Message, from: Id): void {
    switch (message.type) {
      case "watching":
        return this.#byFeed.get(message.feed)
          ?.onWatching(message.feed, from, message);
      case "watchItems":
      case "watchEvents": {
        const { feed } = message;
        const watch = this.#byFeed.get(feed);
        if (watch === undefined) {
          return this.#send(from, { type: "unwatch", feed });
        }
        return message.type === "watchItems"
          ? watch.onItems(feed, from, message)
          : watch.onEvents(feed, from, message);
      }
    }
  }

  /** The socket closes. */
  close(error: ChordError): void {
    for (const [watch, { call, number }] of [...this.#open]) {
      this.#end(watch);
      watch.queue.end();
      this.context.notice({ type: "watched", watch: number });
      if (call !== undefined) this.context.failure(call, error);
    }
  }

  // What the watches want.

  get known(): number {
    return this.#known;
  }

  onKnown(more: number): void {
    this.#known += more;
  }

  send(to: Id, message: Message): void {
    this.#send(to, message);
  }

  openFeed(watch: Watch): number {
    do this.#feeds = (this.#feeds + 1) >>> 0; while (
      this.#byFeed.has(this.#feeds)
    );
    this.#byFeed.set(this.#feeds, watch);
    return this.#feeds;
  }

  closeFeed(feed: number): void {
    this.#byFeed.delete(feed);
  }

  onNews(watch: Watch): void {
    const open = this.#open.get(watch);
    if (open === undefined) return;
    this.context.notice({ type: "watched", watch: open.number });
  }

  onReady(watch: Watch): void {
    const open = this.#open.get(watch);
    if (open?.call === undefined) return;
    this.context.result(open.call, undefined);
    open.call = undefined;
  }

  onFailed(watch: Watch, error: ChordError): void {
    const open = this.#open.get(watch);
    if (open === undefined) return;
    this.#end(watch);
    watch.queue.end(error);
    this.context.notice({ type: "watched", watch: open.number });
    if (open.call !== undefined) this.context.failure(open.call, error);
  }

  #end(watch: Watch): void {
    this.#open.delete(watch);
    watch.stop();
    if (this.#open.size > 0) return;
    this.context.timers.cancel(this.#timer);
    this.#timer = undefined;
  }

  /** Has those told who holds what of them that this node cannot tell. */
  #survey(watches: Iterable<Watch>): void {
    const { replicas } = this.context.options;
    const whole: Watch[] = [];
    for (const watch of watches) {
      const { wanted } = watch;
      if (wanted === "all") whole.push(watch);
      else if (wanted !== undefined) {
        surveyAt(this.#routing, wanted, replicas, (segments) => {
          if (this.#open.has(watch)) watch.onSurveyed(segments);
        });
      }
    }
    if (whole.length === 0) return;
    surveyAll(this.#routing, replicas, (segments) => {
      for (const watch of whole) {
        if (this.#open.has(watch)) watch.onSurveyed(segments);
      }
    });
  }

  #tickLater(): void {
    const { timers, nowMs } = this.context;
    this.#timer ??= timers.at(nowMs + TICK_MS, () => {
      this.#timer = undefined;
      this.#tick();
      this.#tickLater();
    });
  }

  #tick(): void {
    const { wallMs, options: { timings } } = this.context;
    const keptMs = EXPIRE_MARGIN * timings.tombstoneMs;
    const isExpiry = ++this.#ticks % EXPIRE_TICKS === 0;
    if (this.#ticks % SURVEY_TICKS === 0) this.#survey(this.#open.keys());
    for (const watch of this.#open.keys()) {
      watch.tick();
      if (isExpiry) watch.expire(wallMs - keptMs);
    }
  }
}
