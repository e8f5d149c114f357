/**
 * Every node that is known, and what follows from it: the ring, the order in
 * which broadcasts spread, and one number to compare two tables by.
 *
 * Of two records of one node the one with the higher incarnation wins whole,
 * since only the node itself raises it; within one incarnation the graver
 * health wins. A node that left is never heard of again. The dead are kept so
 * that an old record cannot bring them back, and so that partitions heal.
 *
 * @module
 */
import {
  FULL_TABLE_NODES_MAX,
  MEMBERS_MAX,
  REACH_MAX,
} from "../base/limits.ts";
import { type NodeOptions, SUCCESSORS } from "../base/options.ts";
import type { Id } from "../id/id.ts";
import { Health, type MemberRecord, Role } from "../wire/messages.ts";
import {
  buildRing,
  hashId,
  isSameRing,
  mix,
  rankFrom,
  replaced,
  windowOf,
} from "./ring_view.ts";
import type { RingView } from "./peers.ts";
import { lowerBound } from "./tree.ts";

/** Neighbours on each side that a node knows however little it is to know. */
const REACH_MIN = 4;

/** Where a record came from. */
export type Source = "self" | "hello" | "gossip" | "table" | "detector";

/** What is told after a record has changed. */
export type OnChange = (
  before: MemberRecord | undefined,
  after: MemberRecord,
  source: Source,
) => void;

interface Entry {
  record: MemberRecord;
  /** What the record adds to the table's digest. */
  digest: number;
  readonly idHash: number;
  changedMs: number;
  readonly knownMs: number;
}

/** Whether a node counts: the others are dead or have left. */
export function isPresent(record: MemberRecord): boolean {
  return record.health <= Health.suspect;
}

/** Whether `a` replaces `b`, both being of one node. */
export function isNewer(a: MemberRecord, b: MemberRecord): boolean {
  if (b.health === Health.left) return false;
  if (a.incarnation !== b.incarnation) return a.incarnation > b.incarnation;
  return a.health > b.health;
}

/** The member table of one node. */
export class Table {
  readonly #entries = new Map<Id, Entry>();
  readonly #onChange: OnChange;
  readonly #awayMaxMs: number;
  readonly #isNewerOnly: boolean;
  #self: MemberRecord;
  #digest = 0;
  #changedMs = 0;
  /** All records, once somebody has asked for them; until one changes. */
  #records: readonly MemberRecord[] | undefined;
  #order: readonly Id[] = [];
  #ring: RingView = buildRing([]);
  /** The part of the ring around this node, and what it was cut from. */
  #view: RingView | undefined;
  #viewOf: RingView | undefined;
  #viewFor: MemberRecord | undefined;
  #isPartial = false;

  /**
   * How far this node knows everybody when it does not know all: so many
   * members on each side of it on the ring, and nodes in the order of the ids.
   */
  readonly reach: number;
  /** Whether a node must be remembered though it is far. */
  isKept: (id: Id) => boolean = () => false;
  readonly #fullMax: number;

  /**
   * @param awayMaxMs who was dead for longer does not come back
   * @param bounds up to how many nodes all are known, and how many neighbours
   * at least when not
   * @param isNewerOnly whether older records change nothing
   */
  constructor(
    self: MemberRecord,
    nowMs: number,
    awayMaxMs: number,
    onChange: OnChange,
    { fullTableMax, successors }: Pick<
      NodeOptions,
      "fullTableMax" | "successors"
    > = { fullTableMax: FULL_TABLE_NODES_MAX, successors: SUCCESSORS },
    isNewerOnly = true,
  ) {
    this.#fullMax = fullTableMax;
    this.reach = Math.max(
      REACH_MIN,
      successors,
      Math.min(REACH_MAX, fullTableMax >> 1),
    );
    this.#self = self;
    this.#awayMaxMs = awayMaxMs;
    this.#isNewerOnly = isNewerOnly;
    this.#onChange = onChange;
    this.#put(self, nowMs);
  }

  /** This node's own record; a new object after each change. */
  get self(): MemberRecord {
    return this.#self;
  }

  /** Nodes that are known, the dead and this one included. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * The sum of a hash of every present node's record, modulo 2^32: equal for
   * equal tables, whatever the order. The dead do not count, because two nodes
   * that forget them at different times would never agree.
   */
  get digest(): number {
    return this.#digest;
  }

  /** When the digest last changed. */
  get changedMs(): number {
    return this.#changedMs;
  }

  /** The digest cut into `count` parts, by the first byte of the ids. */
  parts(count: number): number[] {
    const parts = new Array<number>(count).fill(0);
    for (const { record, digest } of this.#entries.values()) {
      const part = partOf(record.id, count);
      parts[part] = (parts[part]! + digest) >>> 0;
    }
    return parts;
  }

  /** All records in the parts where the digest is not this one. */
  *recordsBeyond(parts: readonly number[]): Generator<MemberRecord> {
    const { length } = parts;
    const own = this.parts(length);
    for (const { record } of this.#entries.values()) {
      const part = partOf(record.id, length);
      if (own[part] !== parts[part]) yield record;
    }
  }

  /** The ids of all present nodes, this one included, sorted. */
  get order(): readonly Id[] {
    return this.#order;
  }

  /** The ring of all members that are known. */
  get ring(): RingView {
    return this.#ring;
  }

  /** Whether there may be members that are not known. */
  get isPartial(): boolean {
    return this.#isPartial;
  }

  set isPartial(isPartial: boolean) {
    // Neighbours say so in every heartbeat: it is news once.
    if (isPartial === this.#isPartial) return;
    this.#isPartial = isPartial;
    this.#viewOf = undefined;
  }

  /** The ring as far as it is known without a gap. */
  get view(): RingView {
    if (!this.#isPartial) return this.#ring;
    if (this.#viewOf !== this.#ring || this.#viewFor !== this.#self) {
      const view = windowOf(this.#ring, this.#self, this.reach);
      // What happens far away leaves it as it is.
      if (this.#viewOf === undefined || !isSameRing(view, this.#view!)) {
        this.#view = view;
      }
      this.#viewOf = this.#ring;
      this.#viewFor = this.#self;
    }
    return this.#view!;
  }

  /** Who is joining; where not all are known, near a node only. */
  joiningNear(of: MemberRecord): readonly MemberRecord[] {
    const ring = this.#isPartial
      ? windowOf(this.#ring, of, this.reach)
      : this.#ring;
    return ring.joining;
  }

  get(id: Id): MemberRecord | undefined {
    return this.#entries.get(id)?.record;
  }

  /** When a node was first heard of. */
  knownSinceMs(id: Id): number | undefined {
    return this.#entries.get(id)?.knownMs;
  }

  /** All records; another array after each change. */
  get records(): readonly MemberRecord[] {
    return this.#records ??= Array.from(
      this.#entries.values(),
      ({ record }) => record,
    );
  }

  /** Who is known to be dead or to have left, since a moment. */
  *goneSince(sinceMs: number): Generator<MemberRecord> {
    for (const { record, changedMs } of this.#entries.values()) {
      if (!isPresent(record) && changedMs >= sinceMs) yield record;
    }
  }

  /** Says something new about this node itself. */
  setSelf(
    change: Partial<Omit<MemberRecord, "id">>,
    nowMs: number,
  ): MemberRecord {
    const before = this.#self;
    const incarnation = before.incarnation + 1;
    this.#self = { ...before, incarnation, ...change };
    this.#put(this.#self, nowMs);
    this.#onChange(before, this.#self, "self");
    return this.#self;
  }

  /**
   * Takes a record of another node.
   *
   * @returns whether it was news
   */
  apply(record: MemberRecord, source: Source, nowMs: number): boolean {
    const { id } = record;
    if (id === this.#self.id) return false;
    const before = this.#entries.get(id)?.record;
    if (before === undefined) {
      // A death that is news only because it was forgotten would go round for
      // ever.
      if (!isPresent(record) || !this.#makeRoom()) return false;
    } else if (!isNewer(record, before) && this.#isNewerOnly) return false;
    if (isPresent(record) && this.isAwayTooLong(id, nowMs)) return false;
    this.#put(record, nowMs);
    this.#onChange(before, record, source);
    return true;
  }

  /** Whether a node has been dead for so long that its data are too old. */
  isAwayTooLong(id: Id, nowMs: number): boolean {
    const entry = this.#entries.get(id);
    return entry?.record.health === Health.dead &&
      nowMs - entry.changedMs > this.#awayMaxMs;
  }

  /** Forgets who is dead or has left since before `beforeMs`. */
  forget(beforeMs: number): void {
    this.#records = undefined;
    for (const [id, entry] of this.#entries) {
      if (!isPresent(entry.record) && entry.changedMs < beforeMs) {
        this.#entries.delete(id);
      }
    }
  }

  #put(record: MemberRecord, nowMs: number): void {
    const old = this.#entries.get(record.id);
    const wasPresent = old !== undefined && isPresent(old.record);
    const idHash = old?.idHash ?? hashId(record.id);
    const digest = isPresent(record)
      ? mix(mix(idHash, record.incarnation), record.health)
      : 0;
    this.#digest = (this.#digest - (old?.digest ?? 0) + digest) >>> 0;
    if (digest !== old?.digest) this.#changedMs = nowMs;
    this.#records = undefined;
    this.#entries.set(record.id, {
      record,
      digest,
      idHash,
      changedMs: nowMs,
      knownMs: old?.knownMs ?? nowMs,
    });
    if (wasPresent !== isPresent(record)) {
      this.#order = wasPresent
        ? without(this.#order, record.id)
        : withOne(this.#order, record.id);
    }
    this.#ring = replaced(this.#ring, old?.record, record);
  }

  /**
   * Makes room for one more by forgetting the one that is dead longest, and
   * where not all are known the one of the far that is known longest.
   */
  #makeRoom(): boolean {
    if (this.#isPartial && this.#order.length >= this.#presentMax) {
      this.#evict();
    }
    if (this.#entries.size < MEMBERS_MAX) return true;
    let oldest: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (isPresent(entry.record)) continue;
      if (oldest === undefined || entry.changedMs < oldest.changedMs) {
        oldest = entry;
      }
    }
    this.#records = undefined;
    return oldest !== undefined && this.#entries.delete(oldest.record.id);
  }

  /** Present nodes that are remembered where not all are known. */
  get #presentMax(): number {
    return this.#fullMax + 4 * this.reach;
  }

  /** Forgets the far node that is known longest. */
  #evict(): void {
    let oldest: Entry | undefined;
    for (const entry of this.#entries.values()) {
      const { record, knownMs } = entry;
      if (oldest !== undefined && knownMs >= oldest.knownMs) continue;
      if (!isPresent(record) || this.isKept(record.id)) continue;
      if (!this.isNear(record)) oldest = entry;
    }
    if (oldest !== undefined) this.#drop(oldest);
  }

  /** Whether a node is within reach, on the ring or in the order of the ids. */
  isNear(record: MemberRecord): boolean {
    return this.isNearById(record.id) || this.isNearByPlace(record);
  }

  /** Whether an id is within reach in the order of the ids. */
  isNearById(id: Id): boolean {
    const count = this.#order.length;
    const apart = Math.abs(
      lowerBound(this.#order, id) - lowerBound(this.#order, this.#self.id),
    );
    return Math.min(apart, count - apart) <= this.reach;
  }

  /** Whether a node's place is within reach on the ring. */
  isNearByPlace(record: MemberRecord): boolean {
    if (record.role === Role.leaf) return false;
    const index = this.#ring.indexOf(record.position);
    return Math.abs(rankFrom(this.#ring, this.#self, index)) <= this.reach;
  }

  #drop({ record, digest }: Entry): void {
    this.#records = undefined;
    this.#entries.delete(record.id);
    this.#digest = (this.#digest - digest) >>> 0;
    this.#order = without(this.#order, record.id);
    this.#ring = replaced(this.#ring, record, {
      ...record,
      health: Health.left,
    });
  }
}

function partOf(id: Id, count: number): number {
  return parseInt(id.slice(0, 2), 16) * count >> 8;
}

/** A copy of sorted ids with one more. */
function withOne(ids: readonly Id[], id: Id): readonly Id[] {
  const copy = ids.slice();
  copy.splice(lowerBound(ids, id), 0, id);
  return copy;
}

/** A copy of sorted ids without one of them. */
function without(ids: readonly Id[], id: Id): readonly Id[] {
  const copy = ids.slice();
  copy.splice(lowerBound(ids, id), 1);
  return copy;
}
