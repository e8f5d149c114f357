/**
 * How much of the ring this node knows, and the way to what it does not.
 *
 * Up to a bound every node knows every other one. Beyond it a node knows its
 * neighbours without a gap, and of the others whomever it has met; what is for
 * a far part of the ring is handed on. Kept true: who counts as knowing all
 * does, as surely as the member table is right. So one that sees that a
 * neighbour does not know all gives up to know all itself; and when the ring
 * has shrunk, a node knows all again only once its table is that of all its
 * neighbours, which then is everybody's.
 *
 * @module
 */
import { EVERYWHERE } from "../base/options.ts";
import { pick } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import { Health, Role } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import { apart, indexOfNextHop, PLACES, pointOf } from "./fingers.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import type { RingView } from "./peers.ts";
import { rankFrom } from "./ring_view.ts";
import type { Table } from "./table.ts";
import { lowerBound } from "./tree.ts";
import { neighbours, ringNeighbours } from "./vicinity.ts";

/** In place of a table's digest: its node does not know all, nor is it to. */
export const PARTIAL_DIGEST = 0;
/** Below this share of the bound a ring counts as small again. */
const SHRUNK = 0.75;
/** Heartbeats for which a ring must have been small. */
const SMALL_HEARTBEATS = 5;
/**
 * The last quarter of those that are known without a gap: when one of them ends
 * it takes a while to hear who is next, and who is known behind is far away.
 */
const RIM_SHIFT = 2;
/** Heartbeats between two looks at a neighbour's table. */
const EXCHANGE_HEARTBEATS = 2;
/** Heartbeats between two questions for whomever a node knows. */
const ACQUAINT_HEARTBEATS = 128;

/** What of the ring one node knows. */
export class Horizon {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #compare: (with_: Id, what: "near" | "all") => void;
  /** Since when the ring is small enough to be known whole. */
  #smallSinceMs: number | undefined;
  /** Not all begin at one moment. */
  #beats: number;
  #ring: RingView | undefined;
  /** The places of the members of `#ring`. */
  #places = new Float64Array();

  /** @param compare asks a linked node for what it knows */
  constructor(
    context: Context,
    table: Table,
    links: Links,
    compare: (with_: Id, what: "near" | "all") => void,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#compare = compare;
    this.#beats = pointOf(table.self.id) % ACQUAINT_HEARTBEATS;
  }

  /** What a heartbeat tells of the table. */
  get digest(): number {
    const { isPartial, digest } = this.#table;
    if (isPartial && this.#smallSinceMs === undefined) return PARTIAL_DIGEST;
    return digest === PARTIAL_DIGEST ? 1 : digest;
  }

  /** What a peer's heartbeat told of its table. */
  onDigest(link: Link, digest: number): void {
    link.isSameTable = digest === this.digest && digest !== PARTIAL_DIGEST;
    if (digest === PARTIAL_DIGEST) this.#giveUpAll();
  }

  /** The ring has changed: are there more than can be known? */
  refresh(): void {
    const { order, isPartial } = this.#table;
    const { fullTableMax } = this.#context.options;
    if (order.length <= fullTableMax) return;
    this.#smallSinceMs = undefined;
    if (!isPartial) this.#giveUpAll();
  }

  /** Where all hold everything, all must know all, and no more are let in. */
  #giveUpAll(): void {
    if (this.#context.options.replicas === EVERYWHERE) return;
    this.#table.isPartial = true;
  }

  /** Whether the holders of a key, and who stands in for one, are known. */
  covers(id: Id): boolean {
    const { ring, isPartial, reach, self } = this.#table;
    if (this.#context.lacks("farIsHandedOn")) return true;
    // Few that are known are not all there are: a joiner hears of them by and by.
    if (!isPartial) return true;
    const { replicas } = this.#context.options;
    const first = rankFrom(ring, self, ring.indexOf(id));
    const rim = Math.max(replicas + 1, reach - (reach >> RIM_SHIFT));
    return first > -rim && first + replicas <= rim;
  }

  /**
   * The linked member that is nearest to `id`, and nearer than this node.
   *
   * @param tried members that have had their chance
   * @param demand is told of a nearer one to which there is no link
   */
  nextHop(
    id: Id,
    tried: ReadonlySet<Id>,
    demand: (id: Id) => void,
  ): Id | undefined {
    const { ring, self } = this.#table;
    if (this.#ring !== ring) {
      this.#ring = ring;
      this.#places = Float64Array.from(
        ring.members,
        ({ position }) => pointOf(position),
      );
    }
    const place = pointOf(id);
    const limit = self.role === Role.active
      ? apart(pointOf(self.position), place)
      : Infinity;
    if (this.#context.lacks("hopsComeNearer")) {
      return ring.members.findLast((member) =>
        member.id !== self.id && !tried.has(member.id) &&
        this.#links.to(member.id) !== undefined
      )?.id;
    }
    let wanted: Id | undefined;
    const index = indexOfNextHop(this.#places, place, limit, (at) => {
      const member = ring.members[at]!;
      if (member.id === self.id || tried.has(member.id)) return false;
      const isLinked = this.#links.to(member.id) !== undefined;
      const isFit = member.health === Health.alive;
      if (!isLinked && isFit) wanted ??= member.id;
      return isLinked && isFit;
    });
    if (wanted !== undefined) demand(wanted);
    return ring.members[index]?.id;
  }

  /** One heartbeat has passed. */
  beat(): void {
    if (!this.#table.isPartial) return;
    this.#judgeSize();
    const near = neighbours(this.#table.order, this.#table.self.id);
    if (this.#isKnownWhole(near)) {
      this.#table.isPartial = false;
      this.#smallSinceMs = undefined;
      return;
    }
    this.#beats++;
    if (this.#beats % ACQUAINT_HEARTBEATS === 0) {
      this.#exchange([...this.#links.peers], "all");
    } else if (this.#beats % EXCHANGE_HEARTBEATS === 0) {
      this.#exchange([
        ...near,
        ...ringNeighbours(this.#table, this.#table.self),
      ], "near");
    }
  }

  /** Asks one of those to which there is a link. */
  #exchange(ids: readonly Id[], what: "near" | "all"): void {
    const linked = ids.filter((id) => this.#links.to(id) !== undefined);
    const chosen = pick(this.#context.random, linked);
    if (chosen !== undefined) this.#compare(chosen, what);
  }

  #judgeSize(): void {
    const { nowMs, options: { fullTableMax } } = this.#context;
    const size = Math.max(this.#table.order.length, this.#estimate());
    if (size <= SHRUNK * fullTableMax) this.#smallSinceMs ??= nowMs;
    else if (size > fullTableMax) this.#smallSinceMs = undefined;
  }

  /** Whether this node and all its neighbours know the same, and so all. */
  #isKnownWhole(near: readonly Id[]): boolean {
    const { nowMs, options: { timings } } = this.#context;
    const untilMs = nowMs - SMALL_HEARTBEATS * timings.heartbeatMs;
    if (this.#smallSinceMs === undefined || this.#smallSinceMs > untilMs) {
      return false;
    }
    return near.every((id) => this.#links.to(id)?.isSameTable === true);
  }

  /** How many nodes there are, by how close the nearest are to each other. */
  #estimate(): number {
    const { order, reach, self } = this.#table;
    const count = order.length;
    if (count <= 2 * reach + 1) return count;
    const at = lowerBound(order, self.id);
    const from = pointOf(order[(at - reach + count) % count]!);
    const to = pointOf(order[(at + reach) % count]!);
    const span = (to - from + PLACES) % PLACES;
    return span === 0 ? count : 2 * reach * PLACES / span;
  }
}
