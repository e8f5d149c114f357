/**
 * One node's copies: what it does when another node writes or reads one.
 *
 * Kept true: per key the version here never goes back, and nothing is dropped
 * in silence. A write that is older than what is here is answered with the
 * version that beat it; a write for which this node is no holder is kept all
 * the same, and handed on later.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { OVERWRITTEN_KEPT_MAX } from "../base/limits.ts";
import { type Id, keyId } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers } from "../mesh/peers.ts";
import {
  type EntryRecord,
  PutStatus,
  type Terms,
  type Version,
} from "../wire/messages.ts";
import { type Entry, StoredEntry } from "./entry.ts";
import { endOf, Expiry } from "./expiry.ts";
import { Share } from "./share.ts";
import { Table, type TableListener } from "./table.ts";
import { compareVersions, HybridClock } from "./version.ts";

/** How much longer than agreed a tombstone is kept. */
const TOMBSTONE_MARGIN = 25 / 24;

/** How long a replaced version is remembered at least: while a write may last. */
const OVERWRITTEN_KEPT_MS = 60_000;

/** Writers whose tie-breaks are shared by their entries. */
const WRITERS_KEPT_MAX = 4_096;

/** What became of a write at one node. */
export interface PutOutcome {
  readonly status: typeof PutStatus[keyof typeof PutStatus];
  /** The newer version that is here, when the write was stale. */
  readonly version: Version | undefined;
  /** What was here before; only of a write that was stored just now. */
  readonly before: Entry | undefined;
}

/** Is told of each version that is stored, and what was there before. */
export type StoreListener = (entry: Entry, before: Entry | undefined) => void;

/** A holder's half of the dict. */
export class Replica {
  /** The copies as they were left, for looks at them from outside of a step. */
  readonly stored: Table = new Table();
  readonly clock: HybridClock;
  readonly share: Share;
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #onStored: StoreListener;
  readonly #overwritten = new Overwritten();
  /** Keys of which no write is taken now, and the writes that wait. */
  readonly #held = new Map<Id, (() => void)[]>();
  readonly #expiry: Expiry;
  /** The tie-breaks of versions, each as the one string for all entries. */
  readonly #writers = new Map<string, string>();
  /** Called when an entry came that belongs to others. */
  onForeign: () => void = () => {};
  /** Called after each change of a copy, in the step that makes it. */
  onCopy: TableListener = () => {};

  constructor(context: Context, peers: Peers, onStored: StoreListener) {
    const { options } = context;
    this.#context = context;
    this.#peers = peers;
    this.#onStored = onStored;
    this.clock = new HybridClock(
      peers.self.id,
      options.timings.clockAheadMaxMs,
    );
    this.share = new Share(peers, options.replicas);
    this.#expiry = new Expiry(context, (id) => this.#end(id));
    this.stored.onChange = (id, entry) => {
      this.#expiry.note(id, entry);
      this.onCopy(id, entry);
    };
  }

  /** The copies as they are now: without the values that have run out. */
  get table(): Table {
    this.#expiry.settle();
    return this.stored;
  }

  /** When the next value runs out, by the wall clock. */
  get nextEndMs(): number {
    return this.#expiry.nextMs;
  }

  /** A version larger than all that this node has seen. */
  nextVersion(): Version {
    return this.clock.next(this.#context.wallMs);
  }

  /** Has other writes of a key wait: what was read here must not change. */
  hold(id: Id): void {
    if (!this.#held.has(id)) this.#held.set(id, []);
  }

  /** Lets them go on, in the order in which they came. */
  letGo(id: Id): void {
    const waiting = this.#held.get(id) ?? [];
    this.#held.delete(id);
    for (const run of waiting) run();
  }

  isHeld(id: Id): boolean {
    return this.#held.has(id);
  }

  /** Runs a write of a key now, or once it need not wait any more. */
  onceFree(key: Bytes, run: () => void): void {
    const isAnyHeld = this.#held.size > 0;
    const waiting = isAnyHeld ? this.#held.get(keyId(key)) : undefined;
    if (waiting === undefined) run();
    else waiting.push(run);
  }

  /**
   * A write by a coordinator.
   *
   * @param id the hash of its key
   */
  put(record: EntryRecord, id: Id = keyId(record.key)): PutOutcome {
    const { wallMs } = this.#context;
    const before = this.table.get(id);
    if (this.clock.isTooFarAhead(record.version, wallMs)) {
      return { status: PutStatus.clock, version: undefined, before: undefined };
    }
    const order = before && compareVersions(before.version, record.version);
    const isOlder = order !== undefined && order > 0;
    const isTold = !this.#context.lacks("staleIsTold");
    if (isOlder && isTold && !this.#overwritten.has(id, record.version)) {
      return {
        status: PutStatus.stale,
        version: before!.version,
        before: undefined,
      };
    }
    if (!isOlder && order !== 0) this.#store(id, record, before, 0);
    const isHeld = this.share.holds(id);
    if (!isHeld && !this.share.has(id)) this.onForeign();
    return {
      status: isHeld ? PutStatus.stored : PutStatus.kept,
      version: undefined,
      before: isOlder ? undefined : before,
    };
  }

  /** A copy from another node: kept if it is newer than what is here. */
  take(record: EntryRecord): void {
    const id = keyId(record.key);
    const before = this.table.get(id);
    if (before && compareVersions(before.version, record.version) >= 0) return;
    if (this.isOutdated(record)) return;
    // What is new here only was told long ago.
    const ageMs = Math.max(0, this.#context.wallMs - record.version.ms);
    this.#store(id, record, before, ageMs);
    if (!this.share.has(id)) this.onForeign();
  }

  /**
   * Whether a tombstone is so old that nobody is let in any more who missed it;
   * a little later than that, since clocks and detection take their time.
   */
  isOutdated({ value, version, terms }: EntryRecord): boolean {
    const { wallMs, options } = this.#context;
    const keptMs = options.timings.tombstoneMs * TOMBSTONE_MARGIN;
    const endMs = endOf({ version, terms });
    // Of what has run out the end counts; a delete has none but its version.
    const goneMs = endMs === Infinity ? version.ms : endMs;
    const isGone = value === undefined || endMs <= wallMs;
    return isGone && goneMs < wallMs - keptMs;
  }

  /** An entry's time is over: a tombstone of the same version is left. */
  #end(id: Id): void {
    const entry = this.stored.get(id)!;
    const { nowMs } = this.#context;
    const { key, version, terms } = entry;
    const record = { key, value: undefined, version, terms };
    const ended = new StoredEntry(id, record, nowMs);
    this.stored.put(ended);
    this.#onStored(ended, entry);
  }

  /** A writer's id as one string for all entries, not one for each. */
  #lean(terms: Terms): Terms {
    const owner = this.#peers.member(terms.owner)?.id;
    return owner === undefined ? terms : { ...terms, owner };
  }

  /** The same for a version, whose tie-break came as a string of its own. */
  #leanVersion(version: Version): Version {
    const { node } = version;
    const known = this.#writers.get(node);
    if (known !== undefined) return { ...version, node: known };
    if (this.#writers.size >= WRITERS_KEPT_MAX) this.#writers.clear();
    this.#writers.set(node, node);
    return version;
  }

  /** @param ageMs how long ago it was written */
  #store(
    id: Id,
    record: EntryRecord,
    before: Entry | undefined,
    ageMs: number,
  ): void {
    const { nowMs, wallMs } = this.#context;
    const { key, version, terms } = record;
    const value = endOf(record) <= wallMs ? undefined : record.value;
    this.clock.observe(version, wallMs);
    if (before !== undefined) {
      this.#overwritten.note(id, before.version, nowMs);
    }
    const isChange = before?.isLive !== (value !== undefined);
    const entry = new StoredEntry(
      id,
      {
        key,
        value,
        version: this.#leanVersion(version),
        terms: terms && this.#lean(terms),
      },
      isChange ? nowMs - ageMs : before!.changedAtMs,
    );
    this.stored.put(entry);
    this.#onStored(entry, before);
  }
}

/**
 * Versions that were here and have been replaced a moment ago.
 *
 * A write can reach a holder by repair before it comes from its own writer. If
 * it has been replaced by then, it must be told as stored: a writer that takes
 * it for beaten makes it again, and what a `pop` has given away comes back.
 */
class Overwritten {
  // Two generations: what is too old is forgotten as a whole, for nothing.
  #young = new Map<Id, Version[]>();
  #old = new Map<Id, Version[]>();
  #youngCount = 0;
  #youngSinceMs = -Infinity;

  has(id: Id, version: Version): boolean {
    const isSame = (other: Version) => compareVersions(other, version) === 0;
    return this.#young.get(id)?.some(isSame) === true ||
      this.#old.get(id)?.some(isSame) === true;
  }

  note(id: Id, version: Version, nowMs: number): void {
    const isOver = nowMs - this.#youngSinceMs >= OVERWRITTEN_KEPT_MS;
    if (isOver || this.#youngCount >= OVERWRITTEN_KEPT_MAX / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngCount = 0;
      this.#youngSinceMs = nowMs;
    }
    this.#youngCount++;
    const versions = this.#young.get(id);
    if (versions === undefined) this.#young.set(id, [version]);
    else versions.push(version);
  }
}
