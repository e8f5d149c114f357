/**
 * Copies that belong to others: handed on, and dropped only when R others
 * certainly have them.
 *
 * Kept true (the whole argument that no copy is dropped too early): a copy is
 * dropped only if (a) its key was in this node's share at no time during the
 * last minute; (b) all R holders, asked just now, answered that they have it
 * or a newer one and are active holders in their own view; (c) the question is
 * at most 5 s old and the key is still not in the share. Whoever confirmed was
 * a holder then, so by (a) it cannot drop its own copy for a minute. Letting
 * any node with a copy confirm loses data: four former holders confirm each
 * other, and all drop. Where fewer than R are known, all of them must have
 * confirmed who are known when the copy is dropped, not when they were asked:
 * of a ring that was cut, more turn up meanwhile.
 *
 * @module
 */
import { PAGE_BYTES } from "../base/limits.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers, PendingRequest, RingView } from "../mesh/peers.ts";
import { Held, type MessageOf, Role, type Version } from "../wire/messages.ts";
import { RELAYED_TIMEOUT_MS } from "./comparison.ts";
import { LISTED_MAX, sizeOf } from "./donor.ts";
import type { Entry } from "./entry.ts";
import { candidatesOf } from "./holders.ts";
import type { Replica } from "./replica.ts";
import { type Arc, straight } from "./table.ts";

/** How long a sweep waits for more to do. */
const SOON_MS = 100;
/** How long a sweep waits that could not hand on everything. */
const AGAIN_MS = 1_000;

/** In place of the index of a first holder that is not known. */
const FAR = -1;
/** Entries that are handed on at once. */
const PASSED_ON_MAX = 16;
/** Pages that are under way at once: each is asked about, sent, asked again. */
const PAGES_MAX = 4;

/** Has the holders of an entry keep it, wherever they are; tells who does. */
export type HandOn = (
  entry: Entry,
  timeoutMs: number,
  done: (keepers: readonly Id[]) => void,
) => void;

/** Entries with the same holders, and what these answered so far. */
interface Page {
  readonly entries: readonly Entry[];
  readonly holders: readonly Id[];
  /** The ring of which these are the holders. */
  readonly ring: RingView;
  readonly sentAtMs: number;
  readonly request: PendingRequest;
  readonly open: Set<Id>;
  /** Per entry: who has it. */
  readonly confirmed: readonly Set<Id>[];
  /** Whether it was asked before, and what lacked was pushed. */
  readonly isAgain: boolean;
  /** Whether anything was pushed, which another question can confirm. */
  hasPushed: boolean;
}

/** Hands on what does not belong here. */
export class Sweep {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #replica: Replica;
  #timer: Timer | undefined;
  readonly #pages = new Set<Page>();
  /** How many these are; entries handed on each by itself count as so many. */
  #underWay = 0;
  /** What is left of the sweep that is running, the next piece last. */
  #left: Arc[] = [];
  #isRunning = false;
  /** Only where a simulation wants old confirmations to count. */
  readonly #confirmedBefore = new WeakMap<Version, Set<Id>>();
  /** The holders of entries that cannot be dropped yet, once all have them. */
  readonly #keptBy = new WeakMap<Entry, readonly Id[]>();
  /** When the last sweep began. */
  #beganAtMs = 0;
  /** Whether something turned up, or went wrong, since the sweep began. */
  #isDirty = false;
  /** Called when a sweep has ended. */
  onSwept: () => void = () => {};
  readonly #handOn: HandOn;

  /** @param handOn for entries whose holders are not known here */
  constructor(
    context: Context,
    peers: Peers,
    replica: Replica,
    handOn: HandOn,
  ) {
    this.#context = context;
    this.#peers = peers;
    this.#replica = replica;
    this.#handOn = handOn;
  }

  /** Whether all that belongs to others is known to be with them. */
  get isClean(): boolean {
    return !this.#isDirty && !this.#isRunning;
  }

  /** There may be something to hand on. */
  request(): void {
    this.#isDirty = true;
    if (!this.#isRunning) this.#later(SOON_MS);
  }

  stop(): void {
    this.#context.timers.cancel(this.#timer);
    for (const { request } of this.#pages) request.cancel();
  }

  #later(ms: number): void {
    const { timers, nowMs } = this.#context;
    const atMs = nowMs + ms;
    if (this.#timer?.run !== undefined && this.#timer.atMs <= atMs) return;
    timers.cancel(this.#timer);
    this.#timer = timers.at(atMs, () => this.#begin());
  }

  #begin(): void {
    if (this.#isRunning) return;
    const { foreign } = this.#replica.share;
    this.#isDirty = false;
    if (foreign === undefined) return this.onSwept();
    this.#isRunning = true;
    this.#beganAtMs = this.#context.nowMs;
    this.#left = straight(foreign).reverse();
    this.#next();
  }

  #next(): void {
    while (this.#isRunning && this.#underWay < PAGES_MAX) {
      const entries = this.#nextEntries();
      if (entries === undefined) {
        if (this.#underWay === 0) this.#end();
        return;
      }
      if (this.#peers.covers(entries[0]!.id)) {
        this.#underWay++;
        this.#ask(entries, false);
      } else {
        this.#underWay += PAGES_MAX;
        this.#passOn(entries);
      }
    }
  }

  /** Something is no longer under way. */
  #goOn(done = 1): void {
    this.#underWay -= done;
    this.#next();
  }

  /** Asks the holders which of these they have, and pushes what they lack. */
  #ask(entries: readonly Entry[], isAgain: boolean): void {
    const page = this.#pageOf(entries, isAgain);
    if (page === undefined) {
      this.#left = [];
      return this.#goOn();
    }
    this.#pages.add(page);
    const { request, holders } = page;
    const items = entries.map(({ id, version }) => ({ id, version }));
    for (const holder of holders) {
      request.send(holder, { type: "confirm", request: request.number, items });
    }
  }

  /**
   * Where its holders are not known here, each is handed on by itself. Where
   * that fails, perhaps for want of a link, those after it wait for a while.
   */
  #passOn(entries: readonly Entry[]): void {
    const { timers, nowMs: sentAtMs, options } = this.#context;
    let open = entries.length;
    let isEachKept = true;
    for (const entry of entries) {
      this.#handOn(entry, options.timings.confirmedMaxMs, (keepers) => {
        const isKept = this.#areAll(new Set(keepers), entry);
        isEachKept &&= isKept;
        if (!isKept) this.#isDirty = true;
        else if (this.#mayDrop(entry, { sentAtMs })) {
          this.#replica.table.delete(entry.id);
        }
        if (--open > 0) return;
        if (isEachKept) return this.#goOn(PAGES_MAX);
        const atMs = this.#context.nowMs + SOON_MS;
        this.#timer = timers.at(atMs, () => this.#goOn(PAGES_MAX));
      });
    }
  }

  /** The next entries that share their holders, or are far all of them. */
  #nextEntries(): readonly Entry[] | undefined {
    const { ring } = this.#peers;
    if (ring.members.length === 0) return undefined;
    const entries: Entry[] = [];
    const most = this.#context.isUnlucky("tinyPage") ? 1 : LISTED_MAX;
    let first = -1;
    let bytes = 0;
    while (entries.length === 0) {
      const arc = this.#left.pop();
      if (arc === undefined) return undefined;
      for (const entry of this.#replica.table.range(arc)) {
        const isNear = this.#peers.covers(entry.id);
        if (isNear && this.#isAwaited(entry)) continue;
        const index = isNear ? ring.indexOf(entry.id) : FAR;
        const isFull = entries.length >= (isNear ? most : PASSED_ON_MAX) ||
          bytes >= PAGE_BYTES;
        if (entries.length > 0 && (isFull || index !== first)) {
          // The rest of this piece comes with the next page.
          const after = entries.at(-1)!.id;
          this.#left.push({ after, through: arc.through });
          break;
        }
        first = index;
        bytes += sizeOf(entry);
        entries.push(entry);
      }
    }
    return entries;
  }

  #pageOf(entries: readonly Entry[], isAgain: boolean): Page | undefined {
    const { options, nowMs } = this.#context;
    const { ring } = this.#peers;
    const holders = candidatesOf(ring, entries[0]!.id, options.replicas)
      .map(({ id }) => id);
    const areLinked = holders.every((id) => this.#peers.isLinked(id));
    const timeoutMs = areLinked
      ? options.timings.confirmedMaxMs
      : RELAYED_TIMEOUT_MS;
    const request = this.#peers.request(timeoutMs, {
      onAnswer: (answer, from) => {
        if (answer.type !== "confirmed") this.#onDone(page, from);
        else this.#onConfirmed(page, answer, from);
      },
      onFailure: (to) => {
        this.#isDirty = true;
        this.#onDone(page, to);
      },
    });
    if (request === undefined) {
      this.#isDirty = true;
      return undefined;
    }
    const page: Page = {
      entries,
      holders,
      ring,
      sentAtMs: nowMs,
      request,
      open: new Set(holders),
      confirmed: entries.map((entry) => this.#confirmedOf(entry)),
      isAgain,
      hasPushed: false,
    };
    return page;
  }

  /** Who is known to have an entry: nobody yet, whoever said so before. */
  #confirmedOf({ version }: Entry): Set<Id> {
    if (!this.#context.lacks("confirmationsAreFresh")) return new Set();
    const known = this.#confirmedBefore.get(version) ?? new Set();
    this.#confirmedBefore.set(version, known);
    return known;
  }

  #onConfirmed(
    page: Page,
    { held }: MessageOf<"confirmed">,
    from: Id,
  ): void {
    if (!page.open.has(from)) return;
    const lacking = page.entries.filter((_, i) => held[i] === Held.lacking);
    for (const i of page.entries.keys()) {
      if (held[i] === Held.held) page.confirmed[i]!.add(from);
      else if (held[i] !== Held.lacking || page.isAgain) this.#isDirty = true;
    }
    if (lacking.length === 0) return this.#onDone(page, from);
    // One more answer comes from there: that these have come.
    page.hasPushed = true;
    const { number } = page.request;
    page.request.send(from, {
      type: "push",
      request: number,
      entries: lacking,
    });
  }

  #onDone(page: Page, from: Id): void {
    if (!page.open.delete(from) || page.open.size > 0) return;
    page.request.cancel();
    this.#pages.delete(page);
    for (const [i, entry] of page.entries.entries()) {
      if (!this.#isHeldByAll(page, i)) continue;
      if (this.#mayDrop(entry, page)) this.#replica.table.delete(entry.id);
      else this.#keptBy.set(entry, page.holders);
    }
    this.#after(page);
  }

  /**
   * Whether its holders are those who have it already, and nothing is left but
   * to wait until it may be dropped: then they are asked again. In a large ring
   * somebody comes or goes all the time, mostly far from here.
   */
  #isAwaited(entry: Entry): boolean {
    const keepers = this.#keptBy.get(entry);
    if (keepers === undefined || this.#isLongForeign(entry.id)) return false;
    const { ring } = this.#peers;
    const holders = candidatesOf(
      ring,
      entry.id,
      this.#context.options.replicas,
    );
    return holders.length === keepers.length &&
      holders.every(({ id }, i) => id === keepers[i]);
  }

  #isHeldByAll({ entries, holders, confirmed }: Page, at: number): boolean {
    if (this.#context.lacks("droppedOnceConfirmed")) return true;
    const by = confirmed[at]!;
    return by.size >= holders.length && this.#areAll(by, entries[at]!);
  }

  /** Whether these are R, or all who could have a copy by now. */
  #areAll(ids: ReadonlySet<Id>, { id }: Entry): boolean {
    const { replicas } = this.#context.options;
    if (ids.size >= replicas) return true;
    if (this.#context.lacks("confirmationsAreFresh")) return ids.size > 0;
    const holders = candidatesOf(this.#peers.ring, id, replicas);
    return ids.size > 0 && holders.every((holder) => ids.has(holder.id));
  }

  /** What was pushed is confirmed at once, and once: it may be refused. */
  #after({ entries, ring, hasPushed, isAgain }: Page): void {
    if (!hasPushed || isAgain) return this.#goOn();
    const isSameRing = ring === this.#peers.ring;
    const { table } = this.#replica;
    const left = entries.filter(({ id, version }) =>
      table.get(id)?.version === version
    );
    if (isSameRing && left.length > 0) return this.#ask(left, true);
    if (!isSameRing) this.#isDirty = true;
    this.#goOn();
  }

  #mayDrop(
    { id, version }: Entry,
    { sentAtMs }: Pick<Page, "sentAtMs">,
  ): boolean {
    const { nowMs, options } = this.#context;
    const { table } = this.#replica;
    if (nowMs - sentAtMs > options.timings.confirmedMaxMs) return false;
    if (this.#context.isUnlucky("dropSkipped")) {
      this.#isDirty = true;
      return false;
    }
    if (table.get(id)?.version !== version) return false;
    return this.#isLongForeign(id);
  }

  /** Whether a key was not in the share for as long as it takes. */
  #isLongForeign(id: Id): boolean {
    const { nowMs, options } = this.#context;
    const { share } = this.#replica;
    // Who leaves has no minute, and nobody counts on it any more.
    if (this.#peers.self.role === Role.leaving) return !share.has(id);
    return !share.hadSince(id, nowMs - options.timings.dropAfterMs);
  }

  #end(): void {
    this.#isRunning = false;
    if (this.#isDirty) {
      this.#later(AGAIN_MS);
    } else {
      const { lastLossMs } = this.#replica.share;
      const { nowMs, options } = this.#context;
      if (lastLossMs !== undefined) {
        const dropAtMs = lastLossMs + options.timings.dropAfterMs;
        // What could not be dropped yet when its turn came needs another one,
        // also if the moment came while this sweep ran.
        if (dropAtMs >= this.#beganAtMs) {
          this.#later(Math.max(0, dropAtMs - nowMs) + SOON_MS);
        }
      }
    }
    this.onSwept();
  }
}
