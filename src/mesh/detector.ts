/**
 * Who is alive.
 *
 * Each node watches the four neighbours on both sides in the order of the ids
 * (those on the ring as well where nobody knows all), and one random node a
 * second besides. A link that breaks is news within a round trip, but no proof:
 * the node is dialled again, by others as well, and only when nobody is let in
 * is it dead at once. Silence is weaker: it leads to a suspicion, which the
 * suspect can refute, and which becomes death the sooner the more nodes share it
 * (SWIM, Das and others, 2002; Lifeguard, 2017).
 *
 * A node whose own clock ticks late does not judge others: what it has not
 * heard may be waiting in its own queues.
 *
 * @module
 */
import type { Parts } from "../base/bytes.ts";
import { MEMBERS_MAX } from "../base/limits.ts";
import { jittered, shuffled } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import { encodeParts, laneOf } from "../wire/codec.ts";
import { Health, type MemberRecord, type MessageOf } from "../wire/messages.ts";
import type { Mark } from "./broadcast.ts";
import { Checks } from "./checks.ts";
import { CloseCode } from "./close_codes.ts";
import type { Context } from "./context.ts";
import type { Dialler } from "./dialler.ts";
import type { DialOutcome } from "./dials.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import { LocalHealth } from "./local_health.ts";
import type { Requests } from "./requests.ts";
import { SecondHandProbes } from "./second_hand.ts";
import { Suspicions } from "./suspicions.ts";
import { isPresent, type Table } from "./table.ts";
import type { RingView } from "./peers.ts";
import {
  doorsOf,
  guestsOf,
  isDialable,
  neighbours,
  ringNeighbours,
} from "./vicinity.ts";

/** Nodes that are asked to probe a silent one. */
const PROBERS_SILENT = 3;
/** A busy link carries a heartbeat at least once in so many. */
const UNTOLD_HEARTBEATS = 3;
/** Nodes that are asked to dial one whose link broke. */
const PROBERS_CLOSED = 2;
/** A wake-up later than this, in ms, is a sign of the node's own trouble. */
const LATE_MS = 500;
/** Ticks for each heartbeat: silence is looked for more often than told. */
const TICKS_PER_HEARTBEAT = 2;
/** Who is probed through others costs four messages, and has its turn less often. */
const UNLINKED_HEARTBEATS = 4;
/** Ticks after which a node trusts itself a little more. */
const TICKS_PER_PARDON = 20;

/** What the detector does with what it finds. */
export interface DetectorHandlers {
  /** @param isFirst whether it is for this node to tell before others do */
  announce(record: MemberRecord, isFirst: boolean): void;
  /** What others know better is to be asked for. */
  ask(record: MemberRecord): void;
  /** The node of a record is to be told it, if it is linked. */
  accuse(record: MemberRecord): void;
  marks(): readonly Mark[];
  /** What heartbeats tell of the member table. */
  digest(): number;
  onBeat(): void;
  /** This node slept so long that others may have given it up. */
  onSlept(): void;
}

/** One node's failure detector. */
export class Detector {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #requests: Requests;
  readonly #handlers: DetectorHandlers;
  readonly #suspicions: Suspicions;
  readonly #health: LocalHealth;
  readonly #checks: Checks;
  readonly #secondHand: SecondHandProbes;
  /** What the next two were made from. */
  #watchedOf: readonly Id[] | undefined;
  #watchedRing: RingView | undefined;
  #neighbours: readonly Id[] = [];
  /** The neighbours, and who cannot be dialled and so lives by its links. */
  #watched: ReadonlySet<Id> = new Set();
  /** Who is told of broadcasts: enough that each hears of them from several. */
  #told: ReadonlySet<Id> = new Set();
  /** Who was taken for dead and was not. */
  readonly #returned = new Set<Id>();
  /** Whom to probe at random next, last first. */
  #round: Id[] = [];
  #ticks = 0;

  constructor(
    context: Context,
    table: Table,
    links: Links,
    requests: Requests,
    dialler: Dialler,
    handlers: DetectorHandlers,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#requests = requests;
    this.#handlers = handlers;
    this.#health = new LocalHealth(context);
    this.#checks = new Checks(
      context,
      table,
      links,
      requests,
      dialler,
      this.#health,
      {
        onRefused: (target) => this.#declare(target, Health.dead),
        onSilence: (target) => this.#onSilence(target),
      },
    );
    this.#secondHand = new SecondHandProbes(
      context,
      table.self.id,
      links,
      requests,
      dialler,
    );
    this.#suspicions = new Suspicions(context, table, {
      onOver: (record) => this.#onSuspicionOver(record),
      onDoubt: (record) => handlers.ask(record),
    });
    this.#planTick(context.random.uint32() / 0x1_0000_0000);
  }

  /**
   * The step comes later than it was asked for: if by much, this node slept,
   * and judges nobody for a while.
   *
   * @returns whether it slept
   */
  onWake(lateMs: number): boolean {
    if (lateMs <= LATE_MS) return false;
    const { heartbeatMs } = this.#context.options.timings;
    this.#health.worsen();
    const quietUntilMs = this.#health.beQuiet(heartbeatMs);
    this.#checks.dropAll();
    for (const link of this.#links.primaries) {
      link.lastHeardMs = this.#context.nowMs;
    }
    this.#suspicions.postpone(quietUntilMs);
    this.#handlers.onSlept();
    return true;
  }

  /**
   * The last link to a node broke without a word.
   *
   * @param mayDial not if links to it break again and again: others reach it
   */
  onLinkLost(id: Id, mayDial: boolean): void {
    const record = this.#table.get(id);
    if (record === undefined || !isPresent(record)) return;
    this.#checks.begin(id, PROBERS_CLOSED, mayDial ? "dial" : "ping");
  }

  onDialled(target: Id, outcome: DialOutcome): void {
    const record = this.#table.get(target);
    if (record === undefined || !isPresent(record)) return;
    if (outcome === "linked" || this.#links.to(target) !== undefined) return;
    // The new node would not be there if the old one were; but for those who
    // were told a url that leads to others, too, and have said that they live.
    const isGone = outcome === "replaced" && !this.#returned.has(target);
    if (isGone) return this.#declare(target, Health.dead);
    if (this.#checks.has(target)) return;
    // A refusal is known already; silence may still be broken by a ping.
    const way = outcome === "refused" ? "refused" : "ping";
    this.#checks.begin(target, PROBERS_CLOSED, way);
  }

  onRecord(before: MemberRecord | undefined, after: MemberRecord): void {
    if (before?.url !== after.url) this.#watchedOf = undefined;
    if (before?.health === Health.dead && isPresent(after)) {
      if (this.#returned.size >= MEMBERS_MAX) this.#returned.clear();
      this.#returned.add(after.id);
    }
    if (after.health === Health.suspect) {
      this.#suspicions.begin(after);
      // What it has to refute waits for it where it stopped.
      this.#handlers.accuse(after);
      return;
    }
    if (before?.health === Health.suspect) this.#suspicions.end(after.id);
    if (isPresent(after)) return;
    this.#checks.drop(after.id);
    const link = this.#links.to(after.id);
    if (link !== undefined && after.health === Health.dead) {
      this.#links.close(link, CloseCode.silent, "the peer is taken for dead");
    }
  }

  /** Another node suspects `record`'s node, too. */
  onSuspicionHeard(record: MemberRecord): void {
    this.#suspicions.confirm(record.id);
  }

  /** This node was suspected itself: its own answers may be what is slow. */
  onRefuted(): void {
    this.#health.worsen();
  }

  /** Another node asks for a probe. */
  onProbe(message: MessageOf<"probe">, from: Link): void {
    this.#secondHand.onProbe(message, from);
  }

  #planTick(share: number): void {
    const { heartbeatMs } = this.#context.options.timings;
    const periodMs = heartbeatMs / TICKS_PER_HEARTBEAT;
    this.#context.timers.at(this.#context.nowMs + periodMs * share, () => {
      this.#tick();
      this.#planTick(jittered(this.#context.random, 1, 0.1));
    });
  }

  #tick(): void {
    const { order, ring, isPartial } = this.#table;
    const isOther = order !== this.#watchedOf ||
      (isPartial && ring !== this.#watchedRing);
    if (isOther) this.#watch();
    this.#ticks++;
    if (this.#ticks % TICKS_PER_PARDON === 0) this.#health.improve();
    if (this.#ticks % TICKS_PER_HEARTBEAT === 0) {
      this.#beat();
      this.#probeOne();
      this.#handlers.onBeat();
    }
    const { silenceMs } = this.#context.options.timings;
    const sinceMs = this.#context.nowMs - silenceMs * this.#health.multiplier;
    for (const id of this.#neighbours) {
      const link = this.#links.to(id);
      if (link === undefined || link.lastHeardMs > sinceMs) continue;
      this.#checks.begin(id, PROBERS_SILENT, "ping");
    }
  }

  /**
   * One heartbeat to each watched peer that has not heard anything lately. One
   * that hears other things all the time still has to learn of broadcasts.
   */
  #beat(): void {
    const { nowMs, options } = this.#context;
    const { heartbeatMs } = options.timings;
    const quietMs = nowMs - heartbeatMs / 2;
    const untoldMs = nowMs - UNTOLD_HEARTBEATS * heartbeatMs;
    let plain: Parts | undefined;
    let telling: Parts | undefined;
    let hasMarks = false;
    for (const link of this.#watchedLinks()) {
      const isQuiet = link.lastSentMs <= quietMs;
      if (!isQuiet && link.lastBeatMs > untoldMs) continue;
      const isTold = this.#told.has(link.peer);
      if (isTold && telling === undefined) {
        const marks = this.#handlers.marks();
        hasMarks = marks.length > 0;
        telling = this.#heartbeat(marks);
      }
      if (!isQuiet && !(isTold && hasMarks)) continue;
      link.lastBeatMs = nowMs;
      const bytes = isTold ? telling! : plain ??= this.#heartbeat([]);
      this.#links.sendParts(link, laneOf("heartbeat"), bytes);
    }
  }

  #heartbeat(marks: readonly Mark[]): Parts {
    const table = this.#handlers.digest();
    return encodeParts({ type: "heartbeat", table, marks });
  }

  #watch(): void {
    const { order, ring, self, isPartial } = this.#table;
    this.#watchedOf = order;
    this.#watchedRing = ring;
    const near = new Set(neighbours(order, self.id));
    // Those near it on the ring hear of its end from nobody else.
    if (isPartial) {
      for (const id of ringNeighbours(this.#table, self)) near.add(id);
    }
    this.#neighbours = [...near];
    // Who cannot be dialled may have nobody but such next to it.
    this.#told = new Set([
      ...near,
      ...(isDialable(self.url) ? guestsOf : doorsOf)(this.#table, self.id),
    ]);
    const watched = new Set(this.#neighbours);
    for (const record of this.#table.records) {
      if (record.url === "" && isPresent(record)) watched.add(record.id);
    }
    this.#watched = watched;
  }

  #watchedLinks(): Iterable<Link> {
    // Who cannot be dialled is itself one of those who live by their links.
    if (this.#table.self.url === "") return this.#links.primaries;
    const links: Link[] = [];
    for (const id of this.#watched) {
      const link = this.#links.to(id);
      if (link !== undefined) links.push(link);
    }
    return links;
  }

  /** SWIM's probe: every node in turn, in an order that changes. */
  #probeOne(): void {
    if (this.#round.length === 0) this.#round = this.#nextRound();
    const target = this.#round.pop();
    if (target === undefined || target === this.#table.self.id) return;
    const record = this.#table.get(target);
    if (record === undefined || !isPresent(record)) return;
    const { heartbeatMs, probeMs } = this.#context.options.timings;
    const link = this.#links.to(target);
    const sinceMs = this.#context.nowMs - 2 * heartbeatMs;
    if (link !== undefined && link.lastHeardMs > sinceMs) return;
    const turn = this.#ticks / TICKS_PER_HEARTBEAT;
    if (link === undefined && turn % UNLINKED_HEARTBEATS !== 0) return;
    const timeoutMs = probeMs * this.#health.multiplier;
    this.#requests.ping(target, timeoutMs, (failure) => {
      if (failure === undefined) this.#health.improve();
      else this.#checks.begin(target, PROBERS_SILENT, "ping");
    });
  }

  /**
   * Where nobody knows all, those near have their turn as often as all others
   * together: of whose end it was not told in time this node finds out itself.
   */
  #nextRound(): Id[] {
    const { order, isPartial, reach, self } = this.#table;
    const all = shuffled(this.#context.random, order);
    if (!isPartial) return all;
    const near = new Set([
      ...neighbours(order, self.id, reach),
      ...ringNeighbours(this.#table, self, reach),
    ]);
    const far = all.filter((id) => !near.has(id)).slice(0, near.size);
    return shuffled(this.#context.random, [...near, ...far]);
  }

  /** Nobody heard from a node. */
  #onSilence(target: Id): void {
    const record = this.#table.get(target);
    if (this.#health.isQuiet || record === undefined) return;
    if (record.health === Health.alive) {
      this.#declare(target, Health.suspect);
    } else if (this.#suspicions.confirm(target)) {
      this.#handlers.announce(record, true);
    }
  }

  #onSuspicionOver(record: MemberRecord): void {
    const { id } = record;
    const link = this.#links.to(id);
    const { heartbeatMs } = this.#context.options.timings;
    const sinceMs = this.#context.nowMs - 2 * heartbeatMs;
    if (
      this.#health.isQuiet || (link !== undefined && link.lastHeardMs > sinceMs)
    ) {
      // Alive as far as can be heard here; it will refute once it is told.
      this.#handlers.announce(record, true);
      this.#suspicions.begin(record);
      return;
    }
    this.#declare(id, Health.dead);
  }

  #declare(id: Id, health: Health): void {
    const record = this.#table.get(id);
    if (record === undefined || this.#health.isQuiet) return;
    const declared = { ...record, health };
    if (this.#table.apply(declared, "detector", this.#context.nowMs)) {
      // All who have a link see it break; those who watch it tell the others.
      const isOwn = health === Health.suspect || this.#neighbours.includes(id);
      this.#handlers.announce(declared, isOwn);
    }
  }
}
