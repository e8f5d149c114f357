/**
 * Gets broadcasts that were lost on their way from nodes that have them.
 *
 * @module
 */
import {
  BROADCAST_BYTES_PER_ASK,
  BROADCASTS_PER_ASK_MAX,
} from "../base/limits.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import { ZERO_ID } from "../id/id.ts";
import type { MessageOf } from "../wire/messages.ts";
import type { CastLog, Gap, KeptCast } from "./cast_log.ts";
import type { Context } from "./context.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";

/** Each question waits this many times the age at which a gap is asked for. */
const PATIENCE = 5;
/** So many times, in the age at which a gap is asked for, gaps are looked at. */
const GRAINS = 4;
/** Questions in a row that brought nothing, after which a gap is given up. */
const ASKS_MAX = 12;
/** Nodes that must say that it is gone, if there are as many. */
const WITHOUT_MIN = 2;

/** What the repair works on. */
export interface RepairHandlers {
  logOf(origin: Id): CastLog | undefined;
  /** Whether a node is known to be dead, or to have left. */
  isGone(origin: Id): boolean;
  /** All through `last` can no longer be had. */
  onLost(origin: Id, log: CastLog, last: number): void;
}

/** The open gaps of all origins. */
export class CastRepair {
  readonly #context: Context;
  readonly #links: Links;
  readonly #handlers: RepairHandlers;
  /** The origins of which something is missing, and some that have no gap now. */
  readonly #open = new Map<Id, CastLog>();
  #timer: Timer | undefined;

  constructor(context: Context, links: Links, handlers: RepairHandlers) {
    this.#context = context;
    this.#links = links;
    this.#handlers = handlers;
  }

  /** `source` has shown that `origin` has come as far as `last`. */
  onGap(origin: Id, log: CastLog, last: number, source: Id): void {
    if (this.#context.lacks("gapsAreAsked")) return;
    const gap = log.gap;
    if (gap === undefined) {
      const created: Gap = {
        last,
        source,
        asks: 0,
        askedFor: log.next,
        without: new Map(),
        asked: new Set(),
        dueMs: Infinity,
      };
      log.gap = created;
      const { castGapMs } = this.#context.options.timings;
      this.#open.set(origin, log);
      this.#wait(created, castGapMs);
      return;
    }
    gap.last = Math.max(gap.last, last);
    gap.source = source;
  }

  /** Answers with what is here, and says of what is gone that it is. */
  onAsk(message: MessageOf<"castAsk">, from: Link): void {
    const { origin, first } = message;
    const log = this.#handlers.logOf(origin);
    if (log === undefined) {
      // It was never heard here, and of who is gone it never will be.
      if (this.#handlers.isGone(origin)) {
        this.#sayGone(from, origin, first, message.last);
      }
      return;
    }
    const last = Math.min(message.last, knownThrough(origin, log));
    const found: KeptCast[] = [];
    for (const cast of log.kept.values()) {
      if (cast.sequence >= first && cast.sequence <= last) found.push(cast);
    }
    found.sort((a, b) => a.sequence - b.sequence);
    let wanted = first;
    const sent = firstOf(found);
    for (const cast of sent) {
      if (cast.sequence > wanted) {
        this.#sayGone(from, origin, wanted, cast.sequence - 1);
      }
      const { sequence, kind, payload } = cast;
      this.#links.send(from, {
        type: "cast",
        origin,
        sequence,
        from: ZERO_ID,
        to: ZERO_ID,
        kind,
        payload,
      });
      wanted = sequence + 1;
    }
    if (sent.length === found.length && wanted <= last) {
      this.#sayGone(from, origin, wanted, last);
    }
  }

  /** One node does not have it; another one may. */
  onGone(message: MessageOf<"castGone">, from: Id): void {
    const { origin, first, last } = message;
    const log = this.#handlers.logOf(origin);
    const gap = log?.gap;
    if (log === undefined || gap === undefined) return;
    if (first > log.next || last < log.next || last > gap.last) return;
    gap.without.set(from, last);
    // Who lacked only what was given up since then may have the rest.
    const ends = [...gap.without.values()].filter((end) => end >= log.next);
    const other = this.#another(origin, log, gap);
    if (other !== undefined && ends.length < WITHOUT_MIN) {
      this.#ask(origin, log, gap);
    } else {
      this.#handlers.onLost(origin, log, Math.min(...ends));
      // What others lack besides that is asked for at once.
      if (log.gap === gap) this.#onTime(origin, log, gap);
    }
  }

  /** An origin has come further: perhaps nothing is missing any more. */
  onAdvance(log: CastLog): void {
    if (log.gap !== undefined && log.next > log.gap.last) log.gap = undefined;
  }

  #sayGone(to: Link, origin: Id, first: number, last: number): void {
    this.#links.send(to, { type: "castGone", origin, first, last });
  }

  /** One deadline serves all gaps: whoever is new may have very many. */
  #wait(gap: Gap, forMs: number): void {
    const { timers, nowMs, options } = this.#context;
    const grainMs = options.timings.castGapMs / GRAINS;
    gap.dueMs = Math.ceil((nowMs + forMs) / grainMs) * grainMs;
    if (this.#timer?.run !== undefined && this.#timer.atMs <= gap.dueMs) return;
    timers.cancel(this.#timer);
    this.#timer = timers.at(gap.dueMs, () => this.#onTimer());
  }

  #onTimer(): void {
    const { timers, nowMs } = this.#context;
    let nextMs = Infinity;
    for (const [origin, log] of [...this.#open]) {
      const { gap } = log;
      if (gap !== undefined && gap.dueMs <= nowMs) {
        this.#onTime(origin, log, gap);
      }
      if (log.gap === undefined) this.#open.delete(origin);
      else nextMs = Math.min(nextMs, log.gap.dueMs);
    }
    timers.cancel(this.#timer);
    if (nextMs === Infinity) return;
    this.#timer = timers.at(nextMs, () => this.#onTimer());
  }

  /** Asks again, or gives up: nobody waits for ever behind a gap. */
  #onTime(origin: Id, log: CastLog, gap: Gap): void {
    if (log.next > gap.askedFor) {
      gap.asks = 0;
      gap.asked.clear();
    }
    if (gap.asks >= ASKS_MAX) {
      log.gap = undefined;
      const oldest = log.oldestWaiting();
      const last = oldest === undefined ? gap.last : oldest - 1;
      this.#handlers.onLost(origin, log, last);
      return;
    }
    this.#ask(origin, log, gap);
  }

  #ask(origin: Id, log: CastLog, gap: Gap): void {
    gap.asks++;
    gap.askedFor = log.next;
    const { castGapMs } = this.#context.options.timings;
    this.#wait(gap, PATIENCE * castGapMs);
    const to = this.#another(origin, log, gap);
    const link = to === undefined ? undefined : this.#links.to(to);
    if (to === undefined || link === undefined) return;
    gap.asked.add(to);
    // Up to the first that is here already.
    const waiting = log.oldestWaiting();
    const last = waiting === undefined ? gap.last : waiting - 1;
    this.#links.send(link, { type: "castAsk", origin, first: log.next, last });
  }

  /**
   * Who is to be asked: who showed it, its origin, or anybody who has not said
   * yet that it is gone; the same one again after all others only, for who
   * waits for it as well does not answer.
   */
  #another(origin: Id, log: CastLog, gap: Gap): Id | undefined {
    let again: Id | undefined;
    for (const id of [gap.source, origin, ...this.#links.peers]) {
      const isWithout = (gap.without.get(id) ?? 0) >= log.next;
      if (isWithout || this.#links.to(id) === undefined) continue;
      if (!gap.asked.has(id)) return id;
      again ??= id;
    }
    gap.asked.clear();
    return again;
  }
}

/**
 * How far it is known what is kept of an origin: as far as all was handed out,
 * and of what is missing here as far as the origin itself has forgotten it. Of
 * two that wait for the same each would else wait for the other.
 */
function knownThrough(origin: Id, log: CastLog): number {
  const forgotten = log.gap?.without.get(origin) ?? 0;
  return Math.max(log.next - 1, forgotten);
}

/** As many, from the first on, as one answer may have. */
function firstOf(found: readonly KeptCast[]): readonly KeptCast[] {
  let bytes = 0;
  const end = found.findIndex(({ payload }, i) => {
    bytes += payload.length;
    return i > 0 && bytes > BROADCAST_BYTES_PER_ASK;
  });
  const most = end === -1 ? found.length : end;
  return found.slice(0, Math.min(most, BROADCASTS_PER_ASK_MAX));
}
