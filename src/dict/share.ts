/**
 * What this node must hold, and whether it does.
 *
 * Kept true: a segment is *ready* only while everything that was acknowledged
 * for it is here. A node that gains a segment, or that may have missed writes
 * (it was taken for dead, it slept, two rings met), loses readiness first and
 * gets it back by comparing with the other holders, and with members that leave
 * and held it. Reads of a segment that is not ready ask all of these. The
 * alternative, to leave the ring and join again, empties the ring when two
 * halves find that each believed the other dead.
 *
 * @module
 */
import { EVERYWHERE } from "../base/options.ts";
import { type Id, ZERO_ID } from "../id/id.ts";
import type { Peers, RingView } from "../mesh/peers.ts";
import { replaced } from "../mesh/ring_view.ts";
import { Health, Role, Standing } from "../wire/messages.ts";
import {
  isHolder,
  leaversOf,
  type Segment,
  segmentsOf,
  segmentWith,
} from "./holders.ts";
import { type Arc, arcHas, straight } from "./table.ts";

/** One segment of the share, with what is known about its copies. */
export interface Portion {
  readonly segment: Segment;
  /** Whether all that was acknowledged is here. */
  ready: boolean;
  /** The sources with which a comparison has ended since they became it. */
  readonly compared: Set<Id>;
}

/** An arc that was part of the share until a moment. */
interface Past extends Arc {
  readonly untilMs: number;
}

/** The node's share of the ring. */
export class Share {
  readonly #peers: Peers;
  readonly #replicas: number;
  #portions: Portion[] = [];
  #past: Past[] = [];

  constructor(peers: Peers, replicas: number) {
    this.#peers = peers;
    this.#replicas = replicas;
  }

  /** The segments that this node holds, or will hold once it is active. */
  get portions(): readonly Portion[] {
    return this.#portions;
  }

  /** Whether this node, like all others, is to hold everything. */
  get isWhole(): boolean {
    return this.#replicas === EVERYWHERE;
  }

  /** Whether every segment is ready. */
  get isReady(): boolean {
    return this.#portions.every((portion) => portion.ready);
  }

  /** Whether every segment was compared with all its other holders. */
  get isSettled(): boolean {
    return this.#portions.every((portion) =>
      portion.ready &&
      this.sources(portion).every((id) => portion.compared.has(id))
    );
  }

  /** Whether this node is an active holder of `id`. */
  holds(id: Id): boolean {
    const { ring, self } = this.#peers;
    if (this.isWhole) return self.role === Role.active;
    return isHolder(ring, self.id, id, this.#replicas);
  }

  /** Whether this node is the first holder of `id`. */
  isFirst(id: Id): boolean {
    const { ring, self } = this.#peers;
    return ring.members[ring.indexOf(id)]?.id === self.id;
  }

  /** Whether `id` belongs to the share, also while still joining. */
  has(id: Id): boolean {
    const { role } = this.#peers.self;
    if (this.isWhole) return role === Role.active || role === Role.joining;
    return segmentWith(this.#segments, id) >= 0;
  }

  /** Whether this node is a holder of `id` and has caught up. */
  isReadyFor(id: Id): boolean {
    if (!this.holds(id)) return false;
    if (this.isWhole) return this.#portions.length > 0 && this.isReady;
    const portion = this.#portions.find(({ segment }) => arcHas(segment, id));
    return portion?.ready === true;
  }

  /** What this node's answers about `id` are worth. */
  standingFor(id: Id): number {
    if (!this.holds(id)) return Standing.none;
    return this.isReadyFor(id) ? Standing.ready : Standing.behind;
  }

  /** Whether `id` was in the share at any time since `sinceMs`, or is now. */
  hadSince(id: Id, sinceMs: number): boolean {
    if (this.has(id)) return true;
    return this.#past.some((past) =>
      past.untilMs > sinceMs && arcHas(past, id)
    );
  }

  /**
   * Whether this node is a holder of a whole range and has caught up in it;
   * the range does not pass the end of the number line.
   */
  isReadyWithin({ after, through }: Arc): boolean {
    if (!this.isReadyFor(through)) return false;
    // Two nodes that hold everything cut it at different places.
    if (this.isWhole) return true;
    const portion = this.#portions.find(({ segment }) =>
      arcHas(segment, through)
    );
    return straight(portion!.segment).some((piece) =>
      piece.after <= after && through <= piece.through
    );
  }

  /** All ids that are not in the share, or nothing if all are. */
  get foreign(): Arc | undefined {
    const first = this.#portions[0]?.segment;
    const last = this.#portions.at(-1)?.segment;
    if (first === undefined || last === undefined) {
      return { after: ZERO_ID, through: ZERO_ID };
    }
    if (first.through === last.after) return undefined;
    return { after: first.through, through: last.after };
  }

  /** When the last arc that still counts as held stops to do so, or nothing. */
  get lastLossMs(): number | undefined {
    return this.#past.at(-1)?.untilMs;
  }

  /**
   * The nodes to compare a portion with: its other holders, and while copies
   * may be missing those who leave and may have the only ones.
   */
  sources({ segment, ready }: Portion): Id[] {
    const { ring, self } = this.#peers;
    const others = segment.holders.filter((id) => id !== self.id);
    if (ready) return others;
    const leavers = leaversOf(ring, segment, this.#replicas);
    return [...others, ...leavers.map(({ id }) => id)];
  }

  /** Takes in a new ring. */
  update(nowMs: number, dropAfterMs: number): void {
    const old = this.#portions;
    this.#past = this.#past.filter((past) =>
      past.untilMs > nowMs - dropAfterMs
    );
    this.#portions = this.#segments.map((segment) => carriedOver(segment, old));
    for (const { segment: { after, through } } of old) {
      const isStill = this.#portions.some(({ segment }) =>
        segment.after === after && segment.through === through
      );
      if (!isStill) this.#past.push({ after, through, untilMs: nowMs });
    }
    this.judgeAll();
  }

  /**
   * These nodes may have what nobody here has. Who holds everything misses
   * nothing once it has compared with each of them; else the holders were
   * others meanwhile, and everything must be compared again.
   */
  doubt(ids: readonly Id[]): void {
    if (!this.isWhole || ids.includes(this.#peers.self.id)) {
      return this.#doubtAll();
    }
    this.#portions = this.#portions.map(({ segment, compared }) => ({
      segment,
      ready: false,
      compared: new Set([...compared].filter((id) => !ids.includes(id))),
    }));
    this.judgeAll();
  }

  /** Data may be missing anywhere: everything must be compared again. */
  #doubtAll(): void {
    // New objects, so that comparisons under way count for nothing.
    this.#portions = this.#portions.map(({ segment }) => ({
      segment,
      ready: false,
      compared: new Set(),
    }));
    this.judgeAll();
  }

  /** A comparison with `source` has ended; `wasReady` is what that node said. */
  compared(portion: Portion, source: Id, wasReady: boolean): void {
    portion.compared.add(source);
    if (wasReady) portion.ready = true;
    this.#judge(portion);
  }

  /** Ready when nobody is left to ask. */
  #judge(portion: Portion): void {
    portion.ready ||= this.sources(portion).every((id) =>
      portion.compared.has(id) || !this.#isAlive(id)
    );
  }

  /** Perhaps nobody is left to ask. */
  judgeAll(): void {
    for (const portion of this.#portions) this.#judge(portion);
  }

  #isAlive(id: Id): boolean {
    return (this.#peers.member(id)?.health ?? Health.dead) < Health.dead;
  }

  get #segments(): Segment[] {
    const { ring, self } = this.#peers;
    if (self.role === Role.active) {
      return segmentsOf(ring.members, self, this.#replicas);
    }
    if (self.role !== Role.joining) return [];
    // A joiner takes its future arcs from those who hold them now.
    const future = replaced(ring, self, { ...self, role: Role.active });
    return segmentsOf(future.members, self, this.#replicas).map((segment) => ({
      after: segment.after,
      through: segment.through,
      holders: holdersNow(ring, segment, this.#replicas),
    }));
  }
}

function holdersNow(ring: RingView, arc: Arc, replicas: number): Id[] {
  const { members } = ring;
  const first = ring.indexOf(arc.through);
  const count = Math.min(replicas, members.length);
  return Array.from(
    { length: count },
    (_, i) => members[(first + i) % members.length]!.id,
  );
}

/**
 * A segment's state out of those that it was cut or joined from: ready if all
 * of them were, compared with whom all of them were.
 */
function carriedOver(segment: Segment, old: readonly Portion[]): Portion {
  const same = old.find((portion) => isSame(portion.segment, segment));
  if (same !== undefined) return same;
  const sources = piecesOf(segment, old).map((end) =>
    old.find((portion) => arcHas(portion.segment, end))
  );
  const compared = new Set(
    segment.holders.filter((id) =>
      sources.every((source) => source?.compared.has(id))
    ),
  );
  return { segment, ready: sources.every((source) => source?.ready), compared };
}

function isSame(a: Segment, b: Segment): boolean {
  return a.after === b.after && a.through === b.through &&
    a.holders.length === b.holders.length &&
    a.holders.every((id, i) => id === b.holders[i]);
}

/** The ends of the pieces into which the old borders cut a segment. */
function piecesOf(segment: Arc, old: readonly Portion[]): Id[] {
  const ends = [segment.through];
  for (const { segment: { after, through } } of old) {
    for (const border of [after, through]) {
      if (border !== segment.through && arcHas(segment, border)) {
        ends.push(border);
      }
    }
  }
  return ends;
}
