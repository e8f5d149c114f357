/**
 * To every other node, once, in the order of each origin.
 *
 * A broadcast goes along the range tree: N - 1 messages for N nodes. Whatever
 * breaks on its way leaves a gap in the receiver's sequence, which a later
 * broadcast or a mark in a heartbeat shows; then it is asked for. Acknowledging
 * every hop would double the messages to learn the same.
 *
 * A node's first link tells how far every origin was: the node starts after
 * that, and where the origin is linked itself, after what it says there. An
 * origin that was not named had sent nothing, so its first sequence is meant for
 * this node, too, if what is seen of it is close to its beginning or it has been
 * known for a while; else it comes from another ring or from long ago, and starts
 * at what is seen.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { ProtocolError } from "../base/errors.ts";
import {
  BROADCAST_BYTES_KEPT_TOTAL_MAX,
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
import { isPresent, type Table } from "./table.ts";
import { branches, everyoneBut, type Fitness } from "./tree.ts";

/** How far one origin has come, as a heartbeat tells it. */
export type Mark = MessageOf<"heartbeat">["marks"][number];

/** A first sequence up to this is the beginning, to who has been there. */
const BEGINNING_MAX = 8;
/** So many heartbeats tell of an origin after it has sent. */
const TELLINGS = 10;

/** What the rest of the node does with broadcasts. */
export interface BroadcastHandlers {
  onEvents(payload: Bytes, origin: Id): void;
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
  /** Of whom it told, who are linked and have not said so themselves yet. */
  readonly #awaited = new Set<Id>();
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
      isGone: (origin) => {
        const record = table.get(origin);
        return record !== undefined && !isPresent(record);
      },
      onLost: (origin, log, last) => this.#lose(origin, log, last),
    });
  }

  /** Bytes that are kept for repair. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Nodes of which something is missing, or others are still told. */
  get open(): number {
    let open = 0;
    for (const { gap, tellings } of this.#logs.values()) {
      if (gap !== undefined || tellings > 0) open++;
    }
    return open;
  }

  /** Sends to everybody else. */
  cast(kind: number, payload: Bytes): void {
    const origin = this.#table.self.id;
    const sequence = ++this.#sequence;
    const log = this.#logOf(origin, 1);
    this.#keep(origin, log, sequence, kind, payload);
    this.#advance(log, sequence + 1);
    const { from, to } = everyoneBut(origin);
    this.#spread({ origin, sequence, from, to, kind, payload });
  }

  /** Hands out, keeps and passes on what is new; a repetition does nothing. */
  onCast(message: MessageOf<"cast">, from: Id): void {
    const { origin, sequence, kind } = message;
    const self = this.#table.self.id;
    if (origin === self || sequence === 0) return;
    const known = this.#logs.get(origin);
    if (known === undefined && this.#isAwaited(origin)) {
      return this.#spread(message);
    }
    const log = known ??
      this.#logOf(origin, this.#startFor(origin, sequence));
    // A third node told of it before it came: others know it sooner.
    const isBeginning = log.isUnbegun && sequence < log.next &&
      sequence + BEGINNING_MAX >= log.next;
    if (isBeginning) log.next = sequence;
    if (log.has(sequence)) {
      const { nowMs: atMs } = this.#context;
      if (!this.#context.lacks("castsOnce")) return;
      return this.#handOut(origin, { ...message, atMs });
    }
    // A view into a frame would keep the whole frame in memory.
    const payload = message.payload.slice();
    this.#spread({ ...message, payload });
    // What would wait behind a gap can be asked for again, with the gap.
    if (sequence > log.next && !this.#hasRoomFor(payload)) {
      return this.#repair.onGap(origin, log, sequence, from);
    }
    this.#keep(origin, log, sequence, kind, payload);
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
      } else if (origin !== link.peer && this.#isAwaited(origin)) {
        this.#awaited.add(origin);
      } else if (origin === link.peer || through > 0) {
        const start = this.#startFor(origin, through + 1);
        const created = this.#logOf(origin, start);
        if (through >= start) {
          this.#repair.onGap(origin, created, through, link.peer);
        }
      }
    }
    if (marks.length === LINK_MARKS_MAX) return;
    link.areMarksTold = true;
    this.#isInformed = true;
  }

  onAsk(message: MessageOf<"castAsk">, from: Link): void {
    this.#repair.onAsk(message, from);
  }

  onGone(message: MessageOf<"castGone">, from: Id): void {
    this.#repair.onGone(message, from);
  }

  /**
   * The marks of an ordinary heartbeat: of origins that sent lately, in turn,
   * so that each is told several times however many there are.
   */
  recentMarks(): Mark[] {
    const marks: Mark[] = [];
    const waiting: [Id, CastLog][] = [];
    for (const [origin, log] of this.#logs) {
      if (log.tellings > 0) waiting.push([origin, log]);
    }
    waiting.sort(([, a], [, b]) => a.toldMs - b.toldMs);
    for (const [origin, log] of waiting.slice(0, HEARTBEAT_MARKS_MAX)) {
      log.tellings--;
      log.toldMs = this.#context.nowMs;
      if (log.next > 1) marks.push({ origin, through: log.next - 1 });
    }
    return marks;
  }

  /**
   * The marks for a new link, of all origins, in lists that fit a heartbeat;
   * the own one comes first, even if nothing was sent yet. The last list is not
   * full: the receiver knows by that that it has all.
   */
  linkMarks(): Mark[][] {
    const self = this.#table.self.id;
    const marks: Mark[] = [{ origin: self, through: this.#sequence }];
    for (const [origin, log] of this.#logs) {
      if (origin === self || log.next === 1) continue;
      marks.push({ origin, through: log.next - 1 });
    }
    const lists: Mark[][] = [];
    for (let at = 0; at <= marks.length; at += LINK_MARKS_MAX) {
      lists.push(marks.slice(at, at + LINK_MARKS_MAX));
    }
    return lists;
  }

  /** Drops what is too old for repair. */
  expire(): void {
    const beforeMs = this.#context.nowMs -
      this.#context.options.timings.castKeepMs;
    for (const log of this.#logs.values()) {
      this.#keptBytes -= log.expire(beforeMs);
    }
  }

  /**
   * Whether an origin that a new node hears of will say itself, on a link that
   * stands, what it had sent by then. Others may have heard more by now, which
   * was for this node, too.
   */
  #isAwaited(origin: Id): boolean {
    if (this.#isInformed && !this.#awaited.has(origin)) return false;
    return this.#links.to(origin)?.areMarksTold === false;
  }

  /** The first sequence that is meant for this node, as far as one can tell. */
  #startFor(origin: Id, sequence: number): number {
    const isNew = !this.#isInformed || this.#awaited.delete(origin);
    if (isNew || sequence === 1) return sequence;
    if (sequence <= BEGINNING_MAX) return 1;
    const knownMs = this.#table.knownSinceMs(origin);
    if (knownMs === undefined) return sequence;
    const { heartbeatMs } = this.#context.options.timings;
    // It was silent, or what it sent was lost on its way to here.
    if (this.#context.nowMs - knownMs >= heartbeatMs) return 1;
    const last = sequence - 1;
    this.#context.notice({ type: "lagged", origin, first: 1, last });
    return sequence;
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
      log.gap = undefined;
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
    // Last in the map: the most recent origins are at its end.
    this.#logs.delete(origin);
    this.#logs.set(origin, log);
    this.#keptBytes -= log.trim(0);
    this.#trim(BROADCAST_BYTES_KEPT_TOTAL_MAX);
  }

  /** Drops what was handed out, of the quietest origins first. */
  #trim(bytesMax: number): void {
    for (const log of this.#logs.values()) {
      if (this.#keptBytes <= bytesMax) return;
      this.#keptBytes -= log.trim(this.#keptBytes - bytesMax);
    }
  }

  #hasRoomFor({ length }: Bytes): boolean {
    this.#trim(BROADCAST_BYTES_KEPT_TOTAL_MAX - length);
    return this.#keptBytes + length <= BROADCAST_BYTES_KEPT_TOTAL_MAX;
  }

  #spread(cast: Omit<MessageOf<"cast">, "type">): void {
    const { order, self } = this.#table;
    const { from, to } = cast;
    for (const branch of branches(order, from, to, self.id, this.#fitness)) {
      // Whoever takes too little asks for it later, or is told that it lagged.
      const isSkipped = this.#links.to(branch.head)?.isCrowded === true ||
        this.#context.isUnlucky("castSkipped");
      if (isSkipped) continue;
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
      this.#advance(log, log.next + 1);
      this.#handOut(origin, cast);
    }
  }

  /** Marks tell how far this node is, so whatever gets it further is news. */
  #advance(log: CastLog, next: number): void {
    log.next = next;
    log.tellings = TELLINGS;
    this.#repair.onAdvance(log);
  }

  #handOut(origin: Id, { kind, payload }: KeptCast): void {
    try {
      if (kind === CastKind.events) this.#handlers.onEvents(payload, origin);
      else {
        this.#context.notice({
          type: "letter",
          sender: origin,
          letter: decodeField(letter, payload),
        });
      }
    } catch (error) {
      // Whoever handed it on did not write it: no link is to blame.
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  /** Gives up everything through `last`. */
  #lose(origin: Id, log: CastLog, last: number): void {
    if (last < log.next) return;
    const first = log.next;
    this.#advance(log, last + 1);
    this.#context.notice({ type: "lagged", origin, first, last });
    this.#deliver(origin, log);
  }
}
