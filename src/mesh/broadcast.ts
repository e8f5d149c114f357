/**
 * To every other node, once, in the order of each origin.
 *
 * A broadcast goes along the range tree: N - 1 messages for N nodes. Whatever
 * breaks on its way leaves a gap in the receiver's sequence, which a later
 * broadcast or a mark in a heartbeat shows; then it is asked for. Acknowledging
 * every hop would double the messages to learn the same.
 *
 * A node's first link tells how far every origin was: the node starts after
 * that. An origin that was not named had sent nothing, so its first sequence is
 * meant for this node, too, if what is seen of it is close to its beginning;
 * else it comes from another ring or long ago, and starts at what is seen.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { ProtocolError } from "../base/errors.ts";
import {
  BROADCAST_ORIGINS_MAX,
  HEARTBEAT_MARKS_MAX,
  LINK_MARKS_MAX,
} from "../base/limits.ts";
import type { Id } from "../id/id.ts";
import { decodeField } from "../wire/codec.ts";
import { CastKind, letter, type MessageOf } from "../wire/messages.ts";
import { CastLog, type KeptCast } from "./cast_log.ts";
import { CastRepair } from "./cast_repair.ts";
import type { Context } from "./context.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import type { Router } from "./relay.ts";
import type { Table } from "./table.ts";
import { branches, everyoneBut, type Fitness } from "./tree.ts";

/** How far one origin has come, as a heartbeat tells it. */
export type Mark = MessageOf<"heartbeat">["marks"][number];

/** A first sequence up to this is the beginning, to who has been there. */
const BEGINNING_MAX = 8;
/** Heartbeats tell of origins that sent within this many of them. */
const ACTIVE_HEARTBEATS = 10;

/** What the rest of the node does with broadcasts. */
export interface BroadcastHandlers {
  onEvents(payload: Bytes, origin: Id): void;
  onLost(origin: Id): void;
}

/** The broadcasts of all origins, as one node sees them. */
export class Broadcast {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #router: Router;
  readonly #fitness: Fitness;
  readonly #handlers: BroadcastHandlers;
  /** By origin; the one that sent last is last. */
  readonly #logs = new Map<Id, CastLog>();
  readonly #repair: CastRepair;
  /** Whether a peer has told how far the origins are. */
  #isInformed = false;
  #sequence = 0;
  #keptBytes = 0;

  constructor(
    context: Context,
    table: Table,
    links: Links,
    router: Router,
    fitness: Fitness,
    handlers: BroadcastHandlers,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#router = router;
    this.#fitness = fitness;
    this.#handlers = handlers;
    this.#repair = new CastRepair(context, links, {
      logOf: (origin) => this.#logs.get(origin),
      onLost: (origin, log, last) => this.#lose(origin, log, last),
    });
  }

  /** Bytes that are kept for repair. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Sends to everybody else. */
  cast(kind: number, payload: Bytes): void {
    const origin = this.#table.self.id;
    const sequence = ++this.#sequence;
    const log = this.#logOf(origin, 1);
    this.#keep(origin, log, sequence, kind, payload);
    log.next = sequence + 1;
    const { from, to } = everyoneBut(origin);
    this.#spread({ origin, sequence, from, to, kind, payload });
  }

  /** Hands out, keeps and passes on what is new; a repetition does nothing. */
  onCast(message: MessageOf<"cast">, from: Id): void {
    const { origin, sequence, kind } = message;
    const self = this.#table.self.id;
    if (origin === self || sequence === 0) return;
    const log = this.#logs.get(origin) ??
      this.#logOf(origin, this.#startFor(sequence));
    if (sequence < log.next || log.kept.has(sequence)) return;
    // A view into a frame would keep the whole frame in memory.
    const payload = message.payload.slice();
    this.#keep(origin, log, sequence, kind, payload);
    this.#spread({ ...message, payload });
    this.#deliver(origin, log);
    if (log.highest >= log.next) {
      this.#repair.onGap(origin, log, log.highest, from);
    }
  }

  /** A peer tells how far origins have come. */
  onMarks(marks: readonly Mark[], link: Link): void {
    const self = this.#table.self.id;
    for (const { origin, through } of marks) {
      if (origin === self) continue;
      const log = this.#logs.get(origin);
      if (log !== undefined) {
        if (through >= log.next) {
          this.#repair.onGap(origin, log, through, link.peer);
        }
      } else if (origin === link.peer || through > 0) {
        const start = this.#startFor(through + 1);
        const created = this.#logOf(origin, start);
        if (through >= start) {
          this.#repair.onGap(origin, created, through, link.peer);
        }
      }
    }
    this.#isInformed = true;
  }

  onAsk(message: MessageOf<"castAsk">, from: Link): void {
    this.#repair.onAsk(message, from);
  }

  onGone(message: MessageOf<"castGone">, from: Id): void {
    this.#repair.onGone(message, from);
  }

  /** The marks of an ordinary heartbeat: of origins that sent lately. */
  recentMarks(): Mark[] {
    if (this.#logs.size === 0) return [];
    const { heartbeatMs } = this.#context.options.timings;
    const sinceMs = this.#context.nowMs - ACTIVE_HEARTBEATS * heartbeatMs;
    return this.#marks((log) => log.activeMs >= sinceMs)
      .slice(-HEARTBEAT_MARKS_MAX);
  }

  /** The marks for a new link, of all origins; the own one is among them. */
  linkMarks(): Mark[] {
    const self = this.#table.self.id;
    const others = this.#marks((_, origin) => origin !== self);
    return [
      { origin: self, through: this.#sequence },
      ...others.slice(-(LINK_MARKS_MAX - 1)),
    ];
  }

  /** Drops what is too old for repair. */
  expire(): void {
    const beforeMs = this.#context.nowMs -
      this.#context.options.timings.castKeepMs;
    for (const log of this.#logs.values()) {
      this.#keptBytes -= log.expire(beforeMs);
    }
  }

  /** The first sequence that is meant for this node, as far as one can tell. */
  #startFor(sequence: number): number {
    return this.#isInformed && sequence <= BEGINNING_MAX ? 1 : sequence;
  }

  #marks(isWanted: (log: CastLog, origin: Id) => boolean): Mark[] {
    const marks: Mark[] = [];
    for (const [origin, log] of this.#logs) {
      if (log.next === 1 || !isWanted(log, origin)) continue;
      marks.push({ origin, through: log.next - 1 });
    }
    return marks;
  }

  #logOf(origin: Id, next: number): CastLog {
    const known = this.#logs.get(origin);
    if (known !== undefined) return known;
    if (this.#logs.size >= BROADCAST_ORIGINS_MAX) this.#dropQuietest();
    const log = new CastLog(next);
    this.#logs.set(origin, log);
    return log;
  }

  #dropQuietest(): void {
    for (const [origin, log] of this.#logs) {
      if (origin === this.#table.self.id) continue;
      this.#keptBytes -= log.bytes;
      this.#repair.forget(log);
      this.#logs.delete(origin);
      return;
    }
  }

  #keep(
    origin: Id,
    log: CastLog,
    sequence: number,
    kind: number,
    payload: Bytes,
  ): void {
    const { nowMs } = this.#context;
    this.#keptBytes += log.keep({ sequence, kind, payload, atMs: nowMs });
    log.activeMs = nowMs;
    // Last in the map: the most recent origins are at its end.
    this.#logs.delete(origin);
    this.#logs.set(origin, log);
    this.#keptBytes -= log.trim(this.#keptBytes);
  }

  #spread(cast: Omit<MessageOf<"cast">, "type">): void {
    const { order, self } = this.#table;
    const { from, to } = cast;
    for (const branch of branches(order, from, to, self.id, this.#fitness)) {
      this.#router.send(branch.head, {
        ...cast,
        type: "cast",
        from: branch.from,
        to: branch.to,
      });
    }
  }

  /** Hands out what is next, as far as there is no gap. */
  #deliver(origin: Id, log: CastLog): void {
    for (;;) {
      const cast = log.kept.get(log.next);
      if (cast === undefined) {
        // Too much waits behind a gap: what is missing is given up.
        const oldest = log.oldestBeyondRoom();
        if (oldest === undefined) return;
        this.#lose(origin, log, oldest - 1);
        return;
      }
      log.next++;
      this.#handOut(origin, cast);
    }
  }

  #handOut(origin: Id, cast: KeptCast): void {
    if (cast.kind === CastKind.events) {
      this.#handlers.onEvents(cast.payload, origin);
      return;
    }
    try {
      this.#context.notice({
        type: "letter",
        sender: origin,
        letter: decodeField(letter, cast.payload),
      });
    } catch (error) {
      // Whoever handed it on did not write it: no link is to blame.
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  /** Gives up everything through `last`. */
  #lose(origin: Id, log: CastLog, last: number): void {
    if (last < log.next) return;
    const first = log.next;
    log.next = last + 1;
    this.#context.notice({ type: "lagged", origin, first, last });
    this.#handlers.onLost(origin);
    this.#deliver(origin, log);
  }
}
