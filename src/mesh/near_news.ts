/**
 * Spreads news where nobody knows all: to those who know the node that they are
 * about without a gap, and to nobody else.
 *
 * Whoever is within reach of that node, in the order of the ids or on the ring,
 * hands on what is news to it, to the next and to the last of its neighbours on
 * both sides in that order. So it comes to everybody within reach by two ways,
 * in few hops, however far the first to know can see; and what a change costs
 * depends on the reach alone, not on the size of the ring.
 *
 * Not taken: a tree over an arc, as where all are known. It needs somebody who
 * knows the whole arc, and a neighbour knows only its own side of it.
 *
 * @module
 */
import { RECORDS_PER_MESSAGE_MAX } from "../base/limits.ts";
import { jittered } from "../base/random.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import { ZERO_ID } from "../id/id.ts";
import { Health, type MemberRecord } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Links } from "./links.ts";
import type { Router } from "./relay.ts";
import type { Table } from "./table.ts";
import { neighbours, relaysFor, ringNeighbours } from "./vicinity.ts";

/** The news of one node's vicinity. */
export class NearNews {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #router: Router;
  /** By who is to be told: the nodes of which there is news. */
  readonly #news = new Map<Id, Set<Id>>();
  #timer: Timer | undefined;

  constructor(context: Context, table: Table, links: Links, router: Router) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#router = router;
  }

  /** Hands on what has changed, wherever that was heard. */
  onChange(before: MemberRecord | undefined, after: MemberRecord): void {
    const isLinked = (id: Id) => this.#links.to(id) !== undefined;
    this.#add(after.id, relaysFor(this.#table, after, isLinked));
    // Who has moved was somewhere before.
    if (before !== undefined && before.position !== after.position) {
      this.#add(after.id, relaysFor(this.#table, before, isLinked));
    }
  }

  /** Tells of this node itself, or of a suspicion of its own, at once. */
  tell(records: readonly MemberRecord[]): void {
    const { self } = this.#table;
    for (const record of records) {
      if (record.id === self.id) {
        for (const peer of this.#links.peers) this.#send(peer, [record]);
      } else if (record.health === Health.suspect) this.#suspect(record);
    }
  }

  /** The suspect hears of it, and those who judge with this node. */
  #suspect(record: MemberRecord): void {
    const table = this.#table;
    const judges = new Set([record.id]);
    if (table.isNearById(record.id)) {
      for (const id of neighbours(table.order, record.id)) judges.add(id);
    }
    if (table.isNearByPlace(record)) {
      for (const id of ringNeighbours(table, record)) judges.add(id);
    }
    judges.delete(table.self.id);
    for (const id of judges) this.#send(id, [record], table.self.id);
  }

  #add(about: Id, to: Iterable<Id>): void {
    for (const id of to) {
      const news = this.#news.get(id);
      if (news !== undefined) news.add(about);
      else this.#news.set(id, new Set([about]));
    }
    if (this.#news.size === 0) return;
    const { timers, nowMs, random, options } = this.#context;
    const afterMs = jittered(random, options.timings.gossipMs, 0.5);
    this.#timer ??= timers.at(nowMs + afterMs, () => {
      this.#timer = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    const news = [...this.#news];
    this.#news.clear();
    for (const [to, about] of news) {
      // What is known now may be newer than what was to be told.
      const records = [...about].map((id) => this.#table.get(id))
        .filter((record) => record !== undefined);
      for (let at = 0; at < records.length; at += RECORDS_PER_MESSAGE_MAX) {
        this.#send(to, records.slice(at, at + RECORDS_PER_MESSAGE_MAX));
      }
    }
  }

  /** @param witness whose own suspicion it is, if it is one */
  #send(to: Id, records: readonly MemberRecord[], witness: Id = ZERO_ID): void {
    this.#router.send(to, {
      type: "gossip",
      from: witness,
      to: witness,
      records,
    });
  }
}
