/**
 * One watch, at the node that watches.
 *
 * The ring's arcs are watched one by one, each at its first holder that has
 * caught up. Kept true: of every key that is watched this node knows the newest
 * version that it has told, and each holder compares that with what it holds
 * when it begins and every now and then. So it does not matter how something
 * was missed (a lost link, a crash, a late repair of an old version): the
 * difference shows, and the newer version is told. Where a holder has less than
 * was told, for good, the reader gets a gap and all that there is.
 *
 * Not taken: asking a new holder for what is newer than some version. Repair
 * brings old versions late, and those would be missed in silence.
 *
 * @module
 */
import { type ChordError, OverloadedError } from "../base/errors.ts";
import { WATCHED_KEYS_MAX } from "../base/limits.ts";
import { EVERYWHERE } from "../base/options.ts";
import { jittered } from "../base/random.ts";
import { type Id, keyId, ZERO_ID } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers } from "../mesh/peers.ts";
import {
  type Message,
  type MessageOf,
  type Version,
  WatchStatus,
} from "../wire/messages.ts";
import { type Segment, segmentAt } from "./holders.ts";
import { arcHas } from "./table.ts";
import { compareVersions } from "./version.ts";
import { Feed } from "./watch_feed.ts";
import {
  compareStandings,
  idOf,
  type Match,
  matches,
  type Standing,
} from "./watch_match.ts";
import type { WatchQueue } from "./watch_queue.ts";

/** Where every node holds everything, it is its own holder of all. */
const ALL = { after: ZERO_ID, through: ZERO_ID };
/** How often a holder is told that somebody still watches. */
const RENEW_MS = 5_000;
/** How long a holder may take to answer before the next one is asked. */
const ASK_MS = 1_500;
/** How long to wait when no holder could serve. */
const ASK_AGAIN_MS = 500;
/** How long a holder may lack what was told before it counts as gone. */
const DOUBT_MS = 30_000;

/** From when on changes are told. */
export type Since = "now" | "start" | Version;

/** What a watch needs of the node that it is at. */
export interface WatchHost {
  readonly context: Context;
  readonly peers: Peers;
  send(to: Id, message: Message): void;
  /** A number that no feed of this node had before. */
  openFeed(watch: Watch): number;
  closeFeed(feed: number): void;
  /** Keys that all watches know. */
  readonly known: number;
  onKnown(more: number): void;
  /** Something waits, or nothing will any more. */
  onNews(watch: Watch): void;
  onReady(watch: Watch): void;
  onFailed(watch: Watch, error: ChordError): void;
}

/** What was told of a key, or need not be told. */
interface Known extends Standing {
  /** By the wall clock, when it was heard. */
  readonly heardMs: number;
}

/** One watch. */
export class Watch {
  readonly match: Match;
  readonly queue: WatchQueue;
  readonly #host: WatchHost;
  readonly #id: Id | undefined;
  readonly #known = new Map<Id, Known>();
  /** Keys of which a holder has less than was told, since when. */
  readonly #doubts = new Map<Id, number>();
  #since: Since;
  /** Whether some arc was not compared since the beginning. */
  #isFilling = true;
  /** In the order of the ring, as its members are. */
  #feeds: Feed[] = [];
  #isStopped = false;
  /** The holders as others told of them. */
  #surveyed: readonly Segment[] = [];

  constructor(host: WatchHost, match: Match, since: Since, queue: WatchQueue) {
    this.#host = host;
    this.match = match;
    this.queue = queue;
    this.#id = idOf(match);
    this.#since = since;
  }

  start(): void {
    if (this.#isForgotten(this.#since)) this.#restart();
    else this.plan();
  }

  /** What of the ring it must be told of by others: the holders of an id. */
  get wanted(): Id | "all" | undefined {
    const { context: { options: { replicas } }, peers } = this.#host;
    if (replicas === EVERYWHERE || !peers.isPartial) return undefined;
    if (this.#id === undefined) return "all";
    return peers.covers(this.#id) ? undefined : this.#id;
  }

  /** Others have told who holds what of it. */
  onSurveyed(segments: readonly Segment[]): void {
    if (this.#isStopped || segments.length === 0) return;
    this.#surveyed = segments;
    this.plan();
  }

  /** Takes in the ring: each arc is told of by whoever holds it now. */
  plan(): void {
    const old = new Map(this.#feeds.map((feed) => [nameOf(feed), feed]));
    const added = new Set<Feed>();
    this.#feeds = this.#segments.map((segment) => {
      const name = nameOf({ arc: segment, holders: segment.holders });
      const same = old.get(name);
      old.delete(name);
      if (same !== undefined) {
        same.holders = segment.holders;
        return same;
      }
      const feed = new Feed(this.#host.openFeed(this), segment);
      added.add(feed);
      return feed;
    });
    for (const feed of old.values()) this.#close(feed);
    if (added.size > 0) {
      for (const [id, standing] of this.#known) {
        const feed = this.#feedOf(id);
        if (feed && added.has(feed)) feed.note(id, undefined, standing);
      }
    }
    for (const feed of this.#feeds) {
      const { holder, holders } = feed;
      const isLost = holder !== undefined && !holders.includes(holder);
      if (added.has(feed) || isLost) this.#ask(feed, 0);
    }
    this.#progress();
  }

  /** Asks whoever is due to be asked. */
  tick(): void {
    const { nowMs } = this.#host.context;
    for (const feed of this.#feeds) {
      if (feed.dueMs > nowMs) continue;
      this.#ask(feed, feed.asked === undefined ? 0 : feed.at + 1);
    }
  }

  /** The reader has taken something: there may be room again. */
  taken(): void {
    for (const feed of this.#feeds) {
      if (this.queue.isFull) return;
      if (!feed.isHeld) continue;
      feed.isHeld = false;
      this.#acknowledge(feed);
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const feed of this.#feeds) this.#close(feed);
    this.#feeds = [];
    this.#host.onKnown(-this.#known.size);
    this.#known.clear();
  }

  /** Forgets deletions that were heard so long ago that no holder has them. */
  expire(beforeMs: number): void {
    for (const [id, { live, heardMs }] of this.#known) {
      if (live || heardMs >= beforeMs) continue;
      this.#known.delete(id);
      this.#host.onKnown(-1);
    }
  }

  onWatching(number: number, from: Id, answer: MessageOf<"watching">): void {
    const feed = this.#feed(number);
    if (answer.round !== feed.round || from !== feed.asked) return;
    const { status } = answer;
    if (status !== WatchStatus.same && status !== WatchStatus.differs) {
      return this.#ask(feed, feed.at + 1);
    }
    const { context: { nowMs, random } } = this.#host;
    if (feed.holder !== undefined && feed.holder !== from) {
      this.#host.send(feed.holder, { type: "unwatch", feed: number });
    }
    feed.holder = from;
    feed.asked = undefined;
    feed.dueMs = nowMs + jittered(random, RENEW_MS, 0.25);
    if (status === WatchStatus.same) this.#onSame(feed);
  }

  onItems(number: number, from: Id, page: MessageOf<"watchItems">): void {
    const feed = this.#feed(number);
    if (!this.#isFrom(feed, from)) return;
    feed.listed ??= new Set();
    const want: Id[] = [];
    for (const item of page.items) {
      const { id } = item;
      if (!arcHas(feed.arc, id)) continue;
      const known = this.#known.get(id);
      const order = known === undefined ? 1 : compareStandings(item, known);
      if (order < 0) {
        this.#doubt(id);
        continue;
      }
      feed.listed.add(id);
      this.#doubts.delete(id);
      if (order === 0) continue;
      if (this.#isSilent(item, known)) this.#know(id, item);
      else want.push(id);
      if (this.#isStopped) return;
    }
    this.#onBatch(feed, from, page.batch, want);
    if (page.last) this.#onListed(feed, from);
  }

  onEvents(number: number, from: Id, batch: MessageOf<"watchEvents">): void {
    const feed = this.#feed(number);
    if (!this.#isFrom(feed, from)) return;
    const wasEmpty = this.queue.length === 0;
    for (const entry of batch.entries) {
      if (!matches(this.match, entry.key)) continue;
      const id = keyId(entry.key);
      const { version } = entry;
      const standing = { version, live: entry.value !== undefined };
      const known = this.#known.get(id);
      if (known && compareStandings(standing, known) <= 0) continue;
      const isSilent = this.#isSilent(standing, known);
      this.#know(id, standing);
      if (this.#isStopped) return;
      if (!isSilent) this.queue.put(id, entry);
    }
    if (wasEmpty && this.queue.length > 0) this.#host.onNews(this);
    this.#onBatch(feed, from, batch.batch, []);
  }

  get #segments(): readonly Segment[] {
    if (this.wanted !== undefined) return this.#surveyed;
    const { context: { options: { replicas } }, peers } = this.#host;
    const { ring, self } = peers;
    const { members } = ring;
    if (replicas === EVERYWHERE) return [{ ...ALL, holders: [self.id] }];
    if (members.length === 0) return [];
    if (this.#id !== undefined) {
      return [segmentAt(members, ring.indexOf(this.#id), replicas)];
    }
    return members.map((_, i) => segmentAt(members, i, replicas));
  }

  #feed(number: number): Feed {
    return this.#feeds.find((feed) => feed.number === number)!;
  }

  /** The feed that has an id: the first one that ends at or after it. */
  #feedOf(id: Id): Feed | undefined {
    let low = 0;
    let high = this.#feeds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#feeds[middle]!.arc.through < id) low = middle + 1;
      else high = middle;
    }
    return this.#feeds[low] ?? this.#feeds[0];
  }

  #ask(feed: Feed, at: number): void {
    const { nowMs } = this.#host.context;
    const holder = feed.holders[at];
    feed.asked = holder;
    feed.at = at;
    if (holder === undefined) {
      feed.dueMs = nowMs + ASK_AGAIN_MS;
      return;
    }
    feed.round++;
    feed.dueMs = nowMs + ASK_MS;
    // The answer to the last batch may have been lost.
    const isTeller = feed.received?.from === holder;
    if (isTeller && !feed.isHeld) this.#acknowledge(feed);
    this.#host.send(holder, {
      type: "watch",
      feed: feed.number,
      round: feed.round,
      exact: this.match.exact,
      match: this.match.bytes,
      ...feed.arc,
      // Deletions do not show in what two nodes compare: who has them lists
      // them, and tells of those to come. To a reader that is told all that
      // there is, what it was not told of need not be told as deleted.
      known: this.#since === "start" || feed.listedBy === holder
        ? feed.known
        : undefined,
      batch: isTeller ? feed.received!.ack.batch : 0,
    });
  }

  #close(feed: Feed): void {
    const { number, holder, asked } = feed;
    this.#host.closeFeed(number);
    for (const id of new Set([holder, asked])) {
      if (id) this.#host.send(id, { type: "unwatch", feed: number });
    }
  }

  /** Whoever was replaced, and does not know it yet, is told so. */
  #isFrom(feed: Feed, from: Id): boolean {
    if (from === feed.holder || from === feed.asked) return true;
    this.#host.send(from, { type: "unwatch", feed: feed.number });
    return false;
  }

  #onBatch(feed: Feed, from: Id, batch: number, want: readonly Id[]): void {
    const { number } = feed;
    if (feed.received?.from !== from) feed.listedBy = undefined;
    feed.received = {
      from,
      ack: { type: "watchAck", feed: number, batch, want },
    };
    feed.isHeld = this.queue.isFull;
    this.queue.isAwaited ||= feed.isHeld;
    if (!feed.isHeld) this.#acknowledge(feed);
  }

  #acknowledge(feed: Feed): void {
    const { from, ack } = feed.received!;
    this.#host.send(from, ack);
  }

  /** Whether a change is only remembered: the reader did not ask for it. */
  #isSilent(
    standing: Standing,
    known: Standing | undefined,
  ): boolean {
    if (!this.#isFilling) return false;
    const since = this.#since;
    if (since === "now") return true;
    if (since === "start") return !standing.live && known === undefined;
    return compareVersions(standing.version, since) <= 0;
  }

  #know(id: Id, { version, live }: Standing): void {
    const before = this.#known.get(id);
    const heardMs = this.#host.context.wallMs;
    const after = { version, live, heardMs };
    this.#feedOf(id)?.note(id, before, after);
    this.#known.set(id, after);
    this.#doubts.delete(id);
    if (before !== undefined) return;
    this.#host.onKnown(1);
    if (this.#host.known <= WATCHED_KEYS_MAX) return;
    this.#host.onFailed(
      this,
      new OverloadedError(
        `Cannot go on watching: the watches of this node cover more than ` +
          `${WATCHED_KEYS_MAX} keys; watch longer prefixes, or on more nodes`,
      ),
    );
  }

  #doubt(id: Id): void {
    if (!this.#doubts.has(id)) {
      this.#doubts.set(id, this.#host.context.nowMs);
    }
  }

  /** What the holder holds is what was told. */
  #onSame(feed: Feed): void {
    feed.listed = undefined;
    feed.isSynced = true;
    for (const id of this.#doubts.keys()) {
      if (this.#feedOf(id) === feed) this.#doubts.delete(id);
    }
    this.#progress();
  }

  /** The holder has listed all that it holds. */
  #onListed(feed: Feed, from: Id): void {
    const listed = feed.listed!;
    feed.listed = undefined;
    feed.listedBy = from;
    feed.isSynced = true;
    const { nowMs } = this.#host.context;
    for (const [id, { live }] of this.#known) {
      if (live && !listed.has(id) && this.#feedOf(id) === feed) this.#doubt(id);
    }
    for (const [id, sinceMs] of this.#doubts) {
      if (sinceMs > nowMs - DOUBT_MS || this.#feedOf(id) !== feed) continue;
      return this.#restart();
    }
    this.#progress();
  }

  #progress(): void {
    if (!this.#isFilling || this.#feeds.length === 0) return;
    if (!this.#feeds.every((feed) => feed.isSynced)) return;
    this.#isFilling = false;
    this.#host.onReady(this);
  }

  /** Whether deletions since then may be forgotten. */
  #isForgotten(since: Since): boolean {
    if (typeof since === "string") return false;
    const { wallMs, options } = this.#host.context;
    return since.ms < wallMs - options.timings.tombstoneMs;
  }

  /** A gap, and everything from the beginning. */
  #restart(): void {
    for (const feed of this.#feeds) this.#close(feed);
    this.#feeds = [];
    this.#host.onKnown(-this.#known.size);
    this.#known.clear();
    this.#doubts.clear();
    this.#since = "start";
    this.#isFilling = true;
    const wasEmpty = this.queue.length === 0;
    this.queue.gap();
    if (wasEmpty) this.#host.onNews(this);
    this.plan();
  }
}

/** The same arc with the same first holder is the same feed. */
function nameOf({ arc, holders }: Pick<Feed, "arc" | "holders">): string {
  return `${arc.after}/${arc.through}/${holders[0]}`;
}
