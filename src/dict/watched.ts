/**
 * Who watches keys that this node holds, and what each is still to be told.
 *
 * A watcher is a soft state: it says every few seconds that it is there, and is
 * forgotten when it no longer does. Of each only the hashes of what has changed
 * are remembered, never the changes: what is told is what the table has at the
 * moment of telling. One batch is under way at a time, so a slow watcher costs
 * as much as a quick one; where more has changed than is remembered, the whole
 * range is listed, and the watcher asks for what it lacks.
 *
 * @module
 */
import { equalBytes } from "../base/bytes.ts";
import {
  PAGE_BYTES,
  PAGE_ENTRIES_MAX,
  WATCH_CHANGED_MAX,
  WATCH_PAGE_MAX,
  WATCHERS_MAX,
  WATCHERS_PER_NODE_MAX,
} from "../base/limits.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers } from "../mesh/peers.ts";
import {
  type EntryRecord,
  Health,
  type Message,
  type MessageOf,
  WatchStatus,
} from "../wire/messages.ts";
import { sizeOf } from "./donor.ts";
import type { Entry } from "./entry.ts";
import type { Replica } from "./replica.ts";
import { type Arc, arcHas, mixInto, straight, toId } from "./table.ts";
import { idOf, type Match, matches, matching } from "./watch_match.ts";

/** Changes are gathered this long before they are told. */
const GATHER_MS = 1;
/** A batch that has not come after this long is sent again. */
const RESEND_MS = 2_000;
/** How often a watcher's knowledge is compared while all seems well. */
const COMPARE_MS = 30_000;
/** How long a watcher is remembered that says nothing. */
const FORGET_MS = 20_000;
/** How often is looked who is to be forgotten. */
const SWEEP_MS = 5_000;

/** What is under way to a watcher. */
interface Batch {
  readonly number: number;
  readonly sentMs: number;
  /** What to send again if it is lost. */
  readonly ids: readonly Id[];
  /** Where a list goes on after it. */
  readonly listedThrough: Id | undefined;
}

/** One feed of one watcher. */
class Watcher {
  readonly node: Id;
  readonly feed: number;
  readonly match: Match;
  readonly arc: Arc;
  readonly id: Id | undefined;
  /** What has changed since it was told. */
  readonly changed = new Set<Id>();
  /** What is still to be listed. */
  list: Arc[] = [];
  batch: Batch | undefined;
  renewedMs = 0;
  comparedMs = -Infinity;
  /** Whether the last page of a list was sent after the last changes. */
  wasListed = false;

  constructor(node: Id, { feed, exact, match, after, through }: Watch) {
    this.node = node;
    this.feed = feed;
    // The bytes are a view of a frame, which would be kept alive.
    this.match = { exact, bytes: match.slice() };
    this.arc = { after, through };
    this.id = idOf(this.match);
  }

  /** Whether this is what a node asks for. */
  isOf({ exact, match, after, through }: Watch): boolean {
    return exact === this.match.exact && equalBytes(match, this.match.bytes) &&
      after === this.arc.after && through === this.arc.through;
  }

  /** Whether nothing is to be told. */
  get isIdle(): boolean {
    return this.batch === undefined && this.changed.size === 0 &&
      this.list.length === 0;
  }
}

type Watch = MessageOf<"watch">;

/** Everybody who watches keys of this node. */
export class Watched {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #send: (to: Id, message: Message) => void;
  readonly #watchers = new Map<Id, Map<number, Watcher>>();
  /** Those of one key, by its hash, and all others. */
  readonly #byKey = new Map<Id, Set<Watcher>>();
  readonly #byPrefix = new Set<Watcher>();
  /** Those that are to be told something at the end of the gathering. */
  readonly #due = new Set<Watcher>();
  /** The number of the last batch, of all feeds: one of a feed that was
   * forgotten is not taken for one of the same feed when it has come back. */
  #batches = 0;
  #size = 0;
  #sweep: Timer | undefined;

  /** @param send also to this node itself */
  constructor(
    context: Context,
    peers: Peers,
    replica: Replica,
    send: (to: Id, message: Message) => void,
  ) {
    this.#context = context;
    this.#peers = peers;
    this.#replica = replica;
    this.#send = send;
  }

  get size(): number {
    return this.#size;
  }

  /** An entry has come, changed or gone. */
  onChange(id: Id, entry: Entry | undefined): void {
    // A copy that goes to others, or a deletion that all know, is no change.
    if (this.#size === 0 || entry === undefined) return;
    for (const watcher of this.#byKey.get(id) ?? []) this.#note(watcher, id);
    for (const watcher of this.#byPrefix) {
      const { arc, match } = watcher;
      if (arcHas(arc, id) && matches(match, entry.key)) this.#note(watcher, id);
    }
  }

  onWatch(order: Watch, from: Id): void {
    const { feed, round, after, through } = order;
    const answer = (status: number) =>
      this.#send(from, { type: "watching", feed, round, status });
    const isReady = straight({ after, through }).every((piece) =>
      this.#replica.share.isReadyWithin(piece)
    );
    if (!isReady) {
      this.onUnwatch(feed, from);
      return answer(WatchStatus.notReady);
    }
    let known = this.#watchers.get(from)?.get(feed);
    if (known?.isOf(order) === false) {
      this.#remove(known);
      known = undefined;
    }
    const watcher = known ?? this.#add(order, from);
    if (watcher === undefined) return answer(WatchStatus.overloaded);
    watcher.renewedMs = this.#context.nowMs;
    // Who goes on, but was forgotten, may have missed deletions, which do not
    // show in what is compared.
    if (known === undefined && order.batch !== 0) {
      watcher.list = straight(watcher.arc);
    }
    this.#resendLost(watcher, order.batch);
    this.#compare(watcher, order);
    answer(
      watcher.list.length > 0 ? WatchStatus.differs : WatchStatus.same,
    );
    this.#pump(watcher);
  }

  onAck({ feed, batch, want }: MessageOf<"watchAck">, from: Id): void {
    const watcher = this.#watchers.get(from)?.get(feed);
    const sent = watcher?.batch;
    if (watcher === undefined || sent?.number !== batch) return;
    watcher.batch = undefined;
    if (sent.listedThrough !== undefined) {
      goOn(watcher.list, sent.listedThrough);
    }
    for (const id of want) this.#note(watcher, id);
    this.#pump(watcher);
  }

  onUnwatch(feed: number, from: Id): void {
    const watcher = this.#watchers.get(from)?.get(feed);
    if (watcher !== undefined) this.#remove(watcher);
  }

  /** Nobody waits for those who are gone. */
  onRing(): void {
    const { nowMs } = this.#context;
    for (const [node, feeds] of this.#watchers) {
      const isGone = node !== this.#peers.self.id && this.#isGone(node);
      for (const watcher of [...feeds.values()]) {
        if (isGone || watcher.renewedMs < nowMs - FORGET_MS) {
          this.#remove(watcher);
        }
      }
    }
  }

  /** One that is not known may be far: it is here as long as it renews. */
  #isGone(node: Id): boolean {
    const health = this.#peers.member(node)?.health;
    if (health === undefined) return !this.#peers.isPartial;
    return health >= Health.dead;
  }

  #add(order: Watch, from: Id): Watcher | undefined {
    const feeds = this.#watchers.get(from) ?? new Map<number, Watcher>();
    if (this.#size >= WATCHERS_MAX || feeds.size >= WATCHERS_PER_NODE_MAX) {
      return undefined;
    }
    const watcher = new Watcher(from, order);
    feeds.set(order.feed, watcher);
    this.#watchers.set(from, feeds);
    this.#size++;
    const { id } = watcher;
    if (id === undefined) this.#byPrefix.add(watcher);
    else {
      const same = this.#byKey.get(id) ?? new Set();
      this.#byKey.set(id, same.add(watcher));
    }
    this.#sweepLater();
    return watcher;
  }

  #remove(watcher: Watcher): void {
    const { node, feed, id } = watcher;
    const feeds = this.#watchers.get(node);
    feeds?.delete(feed);
    if (feeds?.size === 0) this.#watchers.delete(node);
    this.#byPrefix.delete(watcher);
    this.#due.delete(watcher);
    if (id !== undefined) {
      const same = this.#byKey.get(id);
      same?.delete(watcher);
      if (same?.size === 0) this.#byKey.delete(id);
    }
    this.#size--;
    if (this.#size > 0) return;
    this.#context.timers.cancel(this.#sweep);
    this.#sweep = undefined;
  }

  #sweepLater(): void {
    const { timers, nowMs } = this.#context;
    this.#sweep ??= timers.at(nowMs + SWEEP_MS, () => {
      this.#sweep = undefined;
      this.onRing();
      if (this.#size > 0) this.#sweepLater();
    });
  }

  #note(watcher: Watcher, id: Id): void {
    watcher.changed.add(id);
    if (watcher.changed.size > WATCH_CHANGED_MAX) {
      watcher.changed.clear();
      watcher.list = straight(watcher.arc);
      // What is under way was a page of another list.
      if (watcher.batch !== undefined) {
        watcher.batch = { ...watcher.batch, listedThrough: undefined };
      }
    }
    if (watcher.batch !== undefined) return;
    if (this.#due.size === 0) {
      const { timers, nowMs } = this.#context;
      timers.at(nowMs + GATHER_MS, () => this.#flush());
    }
    this.#due.add(watcher);
  }

  #flush(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const watcher of due) this.#pump(watcher);
  }

  /** @param received the number of the last batch that the watcher has got */
  #resendLost(watcher: Watcher, received: number): void {
    const { batch } = watcher;
    if (batch === undefined || batch.number === received) return;
    if (batch.sentMs > this.#context.nowMs - RESEND_MS) return;
    watcher.batch = undefined;
    for (const id of batch.ids) watcher.changed.add(id);
  }

  /** Lists everything if the watcher does not know what is here. */
  #compare(watcher: Watcher, { known }: Watch): void {
    const { nowMs } = this.#context;
    if (!watcher.isIdle || watcher.comparedMs > nowMs - COMPARE_MS) return;
    let live = 0;
    const mixed = new Int32Array(4);
    for (const entry of this.#entries(watcher, watcher.arc)) {
      if (!entry.isLive) continue;
      live++;
      mixInto(mixed, entry);
    }
    if (live === known?.count && toId(mixed) === known.digest) {
      watcher.comparedMs = nowMs;
    } else {
      // Compared again as soon as it may have made a difference.
      watcher.comparedMs = -Infinity;
      watcher.list = straight(watcher.arc);
    }
  }

  *#entries({ id, match }: Watcher, arc: Arc): Generator<Entry> {
    const { table } = this.#replica;
    if (id === undefined) return yield* matching(table, match, arc);
    const entry = table.get(id);
    if (entry !== undefined && arcHas(arc, id)) yield entry;
  }

  /** Sends the next batch, unless one is under way. */
  #pump(watcher: Watcher): void {
    if (watcher.batch !== undefined) return;
    const { list, changed, wasListed } = watcher;
    const isCrowded = changed.size > WATCH_CHANGED_MAX - WATCH_PAGE_MAX;
    if (list.length > 0 && !(changed.size > 0 && (wasListed || isCrowded))) {
      return this.#sendList(watcher);
    }
    this.#sendChanges(watcher);
  }

  #sendChanges(watcher: Watcher): void {
    const entries: EntryRecord[] = [];
    const ids: Id[] = [];
    let bytes = 0;
    for (const id of watcher.changed) {
      const entry = this.#replica.table.get(id);
      if (entry !== undefined && matches(watcher.match, entry.key)) {
        bytes += sizeOf(entry);
        if (entries.length > 0 && bytes > PAGE_BYTES) break;
        entries.push(entry);
        ids.push(id);
      }
      watcher.changed.delete(id);
      if (entries.length >= PAGE_ENTRIES_MAX) break;
    }
    watcher.wasListed = false;
    if (entries.length === 0) {
      if (watcher.list.length > 0) this.#sendList(watcher);
      return;
    }
    const { feed } = watcher;
    const batch = this.#begin(watcher, ids, undefined);
    this.#send(watcher.node, { type: "watchEvents", feed, batch, entries });
  }

  #sendList(watcher: Watcher): void {
    const [range] = watcher.list;
    const { after } = range!;
    let { through } = range!;
    const items: MessageOf<"watchItems">["items"][number][] = [];
    for (const entry of this.#entries(watcher, range!)) {
      const { id, version, value } = entry;
      items.push({ id, version, live: value !== undefined });
      if (items.length < WATCH_PAGE_MAX) continue;
      through = id;
      break;
    }
    const last = watcher.list.length === 1 && through === range!.through;
    const { feed, node } = watcher;
    watcher.wasListed = true;
    const batch = this.#begin(watcher, [], through);
    this.#send(node, {
      type: "watchItems",
      feed,
      batch,
      after,
      through,
      last,
      items,
    });
  }

  #begin(
    watcher: Watcher,
    ids: readonly Id[],
    listedThrough: Id | undefined,
  ): number {
    // 0 is none.
    this.#batches = (this.#batches + 1) >>> 0 || 1;
    const { nowMs: sentMs } = this.#context;
    const number = this.#batches;
    watcher.batch = { number, sentMs, ids, listedThrough };
    return number;
  }
}

/** Takes what was listed off a list of ranges. */
function goOn(list: Arc[], through: Id): void {
  const [range] = list;
  if (range === undefined) return;
  if (through === range.through) list.shift();
  else list[0] = { after: through, through: range.through };
}
