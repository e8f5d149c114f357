/**
 * Spreads news of nodes, and compares tables where news got lost.
 *
 * News are gathered for a moment and sent along the range tree, so that each
 * node hears of each event about once. Push gossip to random nodes was the
 * other choice: it needs several times the messages for the same certainty.
 * What the tree misses shows when two heartbeats in a row tell of another
 * table; then the tables are compared, and what differs is exchanged. Where
 * nodes come and go all the time two tables are never equal for long, and it is
 * waited for what is on its way: looking costs more than the news themselves.
 *
 * Where nobody knows all, news go to those only who are near the node that they
 * are about, and only what two nodes must know both is compared.
 *
 * @module
 */
import { RECORDS_PER_MESSAGE_MAX, TABLE_PARTS_MAX } from "../base/limits.ts";
import { fraction, shuffled } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import { ZERO_ID } from "../id/id.ts";
import {
  Health,
  type MemberRecord,
  type MessageOf,
  Role,
} from "../wire/messages.ts";
import { Batch } from "./batch.ts";
import type { Context } from "./context.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import { PARTIAL_DIGEST } from "./horizon.ts";
import { NearNews } from "./near_news.ts";
import { OVERLAP_PARTS, overlapDigests, recordsOfOverlap } from "./overlap.ts";
import type { Router } from "./relay.ts";
import { isNewer, type Source, type Table } from "./table.ts";
import { branches, everyoneBut, type Fitness } from "./tree.ts";
import { neighbours, ringNeighbours } from "./vicinity.ts";

/** How much longer than news of its own a node holds back hearsay. */
const HEARSAY_FACTOR = 4;
/** Tables are not asked for again within this many heartbeats. */
const ASK_HEARTBEATS = 2;
/** Members in each part of a table that is compared by parts. */
const PART_MEMBERS = 8;
/** While news come in, so many comparisons may follow each other, … */
const ASKS_IN_A_ROW = 4;
/** … and one more after so many heartbeats. */
const ASK_AGAIN_HEARTBEATS = 30;

/** So many are asked what became of a suspect: one may not know, or be gone. */
const ASKED = 2;

/** Where nobody knows all, who is near is told of for so long once it is gone. */
const GONE_HEARTBEATS = 300;

/** What else there is to know about news. */
export interface GossipHandlers {
  /** What heartbeats tell of the member table. */
  digest(): number;
  /** What a peer's heartbeat told of its own. */
  onDigest(link: Link, digest: number): void;
  /** Others believe that this very node is suspect or dead. */
  onAccused(health: Health): void;
  /** Somebody else has come to suspect a node, too. */
  onSuspicionHeard(record: MemberRecord): void;
  /** Whether a call waits for what a peer knows. */
  isAwaited(peer: Id): boolean;
}

/** The spreading of one node's news. */
export class Gossip {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #router: Router;
  readonly #fitness: Fitness;
  readonly #handlers: GossipHandlers;
  readonly #news: Batch;
  /** Comparisons that may be made before all news have arrived, and since when. */
  #asksLeft = ASKS_IN_A_ROW;
  #asksCountedMs: number;
  /** What somebody else is likely to spread already. */
  readonly #hearsay: Batch;
  readonly #nearNews: NearNews;

  constructor(
    context: Context,
    table: Table,
    links: Links,
    router: Router,
    fitness: Fitness,
    handlers: GossipHandlers,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#router = router;
    this.#fitness = fitness;
    this.#handlers = handlers;
    this.#asksCountedMs = context.nowMs;
    const { gossipMs } = context.options.timings;
    const laterMs = gossipMs * HEARSAY_FACTOR;
    const spread = (ids: readonly Id[]) => this.#spread(ids);
    this.#news = new Batch(context, gossipMs, 0, spread);
    // Who tells first needs that long, and each of these is to wait for it.
    this.#hearsay = new Batch(context, laterMs, laterMs / 2, spread);
    this.#nearNews = new NearNews(context, table, links, router);
  }

  /** Whether this node is not to know all, and neither is anybody else. */
  get #isNarrow(): boolean {
    return this.#handlers.digest() === PARTIAL_DIGEST &&
      !this.#context.lacks("newsStayNear");
  }

  /** What is known of another node has changed. */
  onChange(
    before: MemberRecord | undefined,
    after: MemberRecord,
    source: Source,
  ): void {
    // Who is in another node's table is news to this one, not to all near it.
    if (before === undefined && source === "table") return;
    if (this.#isNarrow) this.#nearNews.onChange(before, after);
  }

  /** Tells every node, together with what else comes up in a moment. */
  announce(record: MemberRecord): void {
    this.#news.add(record);
  }

  /** Tells what is to be told without waiting for more. */
  hurry(): void {
    this.#news.flush();
  }

  /** Tells every node, unless somebody else turns out to do it. */
  announceLater(record: MemberRecord): void {
    this.#hearsay.add(record);
  }

  /** Tells a few others of a suspicion, who tell what they know better. */
  ask(record: MemberRecord): void {
    // Where nobody knows all, few of them would have heard of it.
    if (this.#isNarrow) return;
    const fit = [...this.#links.peers].filter((peer) =>
      peer !== record.id && this.#fitness(peer) === "good"
    );
    const asked = shuffled(this.#context.random, fit).slice(0, ASKED);
    for (const peer of asked) this.tell(peer, [record]);
  }

  /** Tells one node. */
  tell(to: Id, records: readonly MemberRecord[]): void {
    if (this.#links.to(to) === undefined) return;
    this.#router.send(to, {
      type: "gossip",
      from: ZERO_ID,
      to: ZERO_ID,
      records,
    });
  }

  /** @param link where it came from; `undefined`: through others */
  onGossip(message: MessageOf<"gossip">, link: Link | undefined): void {
    const { from, to, records } = message;
    // News of the vicinity come several times; who suspects says so itself.
    const isHandedOn = from === to && from === ZERO_ID;
    for (const record of records) {
      this.#learn(record, link, "gossip", isHandedOn);
      if (!isHandedOn) this.#hearsay.drop(record.id);
      // Suspicions are counted, so each of them has to arrive.
      if (record.health === Health.dead) this.#news.dropSame(record);
    }
    if (from === to) return;
    // All of it, news or not: those in the range have nobody else who tells.
    this.#tellRange(from, to, records);
  }

  /** A node tells of itself, to everybody that it has a link to. */
  onAnnounce(record: MemberRecord, link: Link): void {
    this.#learn(record, link, "gossip");
    this.#hearsay.drop(record.id);
  }

  /** Takes what a node knows of others. */
  learn(records: readonly MemberRecord[]): void {
    for (const record of records) this.#learn(record, undefined, "table");
  }

  /** Tells all that is known, or what the asker may not know, in pages. */
  onTableAsk(
    message: MessageOf<"tableAsk"> | MessageOf<"tableParts">,
    link: Link,
  ): void {
    if (this.#isNarrow) {
      return this.#tellAll(link, this.#recordsFor(message, link));
    }
    const records = message.type === "tableAsk"
      ? this.#table.records
      : this.#table.recordsBeyond(message.parts);
    this.#tellAll(link, records);
  }

  /** Tells at least that there is nothing to tell. */
  #tellAll(link: Link, all: Iterable<MemberRecord>): void {
    let records: MemberRecord[] = [];
    let isTold = false;
    for (const record of all) {
      records.push(record);
      if (records.length < RECORDS_PER_MESSAGE_MAX) continue;
      this.#links.send(link, { type: "table", records });
      isTold = true;
      records = [];
    }
    if (records.length === 0 && isTold) return;
    this.#links.send(link, { type: "table", records });
  }

  /** Takes one page of another node's table. */
  onTable(message: MessageOf<"table">, link: Link): void {
    for (const record of message.records) {
      const isNews = this.#learn(record, link, "table");
      // Whoever has no other link has just come, and all others know this.
      const isTold = !this.#isNarrow && this.#links.peerCount > 1;
      if (isNews && isTold) this.announceLater(record);
    }
  }

  /**
   * Compares digests; on a new link one difference is enough to ask.
   *
   * @returns whether the two tables are the same
   */
  onDigest(link: Link, digest: number): boolean {
    const isFirst = !link.didHeartbeat;
    link.didHeartbeat = true;
    this.#handlers.onDigest(link, digest);
    const mine = this.#handlers.digest();
    // Tables that are not whole differ; what is in them is asked for once.
    if (digest === PARTIAL_DIGEST || mine === PARTIAL_DIGEST) {
      const what = this.#links.peerCount === 1 ? "all" : "near";
      return !isFirst || !this.compare(link.peer, what);
    }
    if (digest === mine) {
      link.tablesDiffer = 0;
      return true;
    }
    link.tablesDiffer++;
    const isOften = isFirst || link.tablesDiffer > 1;
    const isAwaited = this.#handlers.isAwaited(link.peer);
    if (isAwaited || (isOften && this.#isTimeToAsk())) this.compare(link.peer);
    return false;
  }

  /**
   * Whether a difference is likely to last. If this table changes anyway, it is
   * looked at now and then all the same, as news may be lost among others.
   */
  #isTimeToAsk(): boolean {
    const { nowMs, options } = this.#context;
    const { heartbeatMs } = options.timings;
    if (nowMs - this.#table.changedMs >= heartbeatMs) return true;
    const periodMs = ASK_AGAIN_HEARTBEATS * heartbeatMs;
    const regained = Math.floor((nowMs - this.#asksCountedMs) / periodMs);
    this.#asksLeft = Math.min(ASKS_IN_A_ROW, this.#asksLeft + regained);
    this.#asksCountedMs += regained * periodMs;
    if (this.#asksLeft === 0) return false;
    this.#asksLeft--;
    return true;
  }

  /**
   * Asks what a node knows, and shows it that this one knows other things.
   *
   * @param what where nobody knows all: what both should know, or as much as
   * fits a message
   * @returns whether an answer is to come
   */
  compare(with_: Id, what: "near" | "all" = "near"): boolean {
    const link = this.#links.to(with_);
    if (link === undefined) return false;
    if (this.#context.lacks("tablesAreCompared")) return false;
    const { nowMs } = this.#context;
    const waitMs = ASK_HEARTBEATS * this.#context.options.timings.heartbeatMs;
    if (nowMs - link.tableAskedMs < waitMs) return true;
    link.tableAskedMs = nowMs;
    link.tablesDiffer = 0;
    if (this.#isNarrow) return this.#compareNear(link, what);
    const { size } = this.#table;
    const count = Math.min(Math.floor(size / PART_MEMBERS), TABLE_PARTS_MAX);
    this.#links.send(
      link,
      count <= 1
        ? { type: "tableAsk" }
        : { type: "tableParts", parts: this.#table.parts(count) },
    );
    this.#links.send(link, {
      type: "heartbeat",
      table: this.#handlers.digest(),
      marks: [],
    });
    return true;
  }

  #compareNear(link: Link, what: "near" | "all"): boolean {
    const other = this.#table.get(link.peer);
    const parts = what === "all" || other === undefined
      ? undefined
      : overlapDigests(this.#table, other);
    // Who is far in both orders need not know what this node knows.
    if (parts?.every((digest) => digest === 0)) return false;
    // Who does not know yet that not all are to be known, is not asked for all.
    const table = this.#handlers.digest();
    this.#links.send(link, { type: "heartbeat", table, marks: [] });
    this.#links.send(
      link,
      parts === undefined
        ? { type: "tableAsk" }
        : { type: "tableParts", parts },
    );
    return true;
  }

  /**
   * What a node is told where nobody knows all: of those whom both should know
   * if that differs; or who is near it, and others, as many as fit a message.
   */
  #recordsFor(
    message: MessageOf<"tableAsk"> | MessageOf<"tableParts">,
    { peer }: Link,
  ): MemberRecord[] {
    const other = this.#table.get(peer);
    if (other === undefined) return [];
    if (message.type === "tableParts") {
      const { nowMs, options } = this.#context;
      const told = this.#context.lacks("idsAreCompared")
        ? overlapDigests(this.#table, other).map((own, part) =>
          part < OVERLAP_PARTS ? message.parts[part] ?? 0 : own
        )
        : message.parts;
      const sinceMs = nowMs - GONE_HEARTBEATS * options.timings.heartbeatMs;
      return recordsOfOverlap(this.#table, other, told, sinceMs);
    }
    const { order, reach } = this.#table;
    const ids = new Set([
      ...neighbours(order, peer, reach),
      ...ringNeighbours(this.#table, other, reach),
      ...shuffled(this.#context.random, order),
    ]);
    return [...ids].slice(0, RECORDS_PER_MESSAGE_MAX)
      .map((id) => this.#table.get(id)!);
  }

  /**
   * Takes one record from a peer; gives whether it was news.
   *
   * @param isHandedOn whether who tells it may not have seen it itself
   */
  #learn(
    record: MemberRecord,
    link: Link | undefined,
    source: Source,
    isHandedOn = false,
  ): boolean {
    const { self } = this.#table;
    if (record.id === self.id) {
      this.#refute(record);
      return false;
    }
    const known = this.#table.get(record.id);
    if (
      record.health === Health.suspect && known?.health === Health.suspect &&
      known.incarnation === record.incarnation && source === "gossip" &&
      !isHandedOn
    ) this.#handlers.onSuspicionHeard(record);
    const isAsked = isHandedOn && record.health === Health.suspect &&
      !this.#isNarrow;
    if (isAsked && link && known && isNewer(known, record)) {
      this.tell(link.peer, [known]);
    }
    if (record.health === Health.dead && this.#isHeard(record.id, link)) {
      // It speaks for itself: it is told, and comes back with a refutation.
      this.tell(record.id, [record]);
      return false;
    }
    return this.#table.apply(record, source, this.#context.nowMs);
  }

  /** Nobody but this node says what it is. */
  #refute(record: MemberRecord): void {
    const { self } = this.#table;
    if (self.health === Health.left) return;
    const isOld = record.incarnation < self.incarnation ||
      (record.incarnation === self.incarnation &&
        record.health === Health.alive);
    if (isOld || this.#context.lacks("deathsAreRefuted")) return;
    const incarnation = Math.min(record.incarnation + 1, 0xffff_ffff);
    this.#table.setSelf({ incarnation }, this.#context.nowMs);
    this.#handlers.onAccused(record.health);
    // Who was thought to be gone may stop again at any moment.
    this.hurry();
  }

  /** Whether a node that is said to be dead was heard a moment ago. */
  #isHeard(id: Id, teller: Link | undefined): boolean {
    const link = this.#links.to(id);
    if (link === undefined || link === teller) return false;
    const { heartbeatMs } = this.#context.options.timings;
    return this.#context.nowMs - link.lastHeardMs < 2 * heartbeatMs;
  }

  #spread(ids: readonly Id[]): void {
    // What is known now may be newer than what was to be told.
    const records = ids.map((id) => this.#table.get(id))
      .filter((record) => record !== undefined);
    if (this.#context.isUnlucky("newsSkipped")) return;
    if (this.#isNarrow) return this.#nearNews.tell(records);
    const { from, to } = everyoneBut(this.#table.self.id);
    for (let at = 0; at < records.length; at += RECORDS_PER_MESSAGE_MAX) {
      const page = records.slice(at, at + RECORDS_PER_MESSAGE_MAX);
      this.#tellRange(from, to, page);
    }
  }

  /**
   * Tells all in a range. By other ways each time: who comes after a node that
   * is gone, and not known to be, would miss all that is told of it.
   */
  #tellRange(from: Id, to: Id, records: readonly MemberRecord[]): void {
    const { order, self } = this.#table;
    const by = () => fraction(this.#context.random);
    const fitness = this.#fitness;
    for (const branch of branches(order, from, to, self.id, fitness, by)) {
      this.#router.send(branch.head, {
        type: "gossip",
        from: branch.from,
        to: branch.to,
        records,
      });
    }
  }
}

/** Whether a node may hold entries. */
export function mayHold(record: MemberRecord): boolean {
  return record.role === Role.active || record.role === Role.leaving;
}
