/**
 * The tree by which something reaches every node once (El-Ansary and others,
 * "Efficient Broadcast in Structured P2P Networks", 2003), over a member table
 * instead of fingers: a range of the sorted ids is split into nearly equal
 * parts, and one node of each part gets it together with the part.
 *
 * Ranges are arcs of ids, not lists of nodes, so that a node that only the
 * receiver knows is reached as well.
 *
 * @module
 */
import { isBetween, next } from "../id/ring.ts";
import type { Id } from "../id/id.ts";

/** Parts of one range: depth 2 at 16 nodes, 4 at 4,096. */
export const FAN_OUT = 8;

/** One part: who gets it, and the arc [from, to) that is to be served. */
export interface Branch {
  readonly head: Id;
  readonly from: Id;
  readonly to: Id;
}

/** How fit a node is to be the head of a part. */
export type Fitness = (id: Id) => "good" | "poor" | "none";

/** Where in a part, from 0 to 1, the search for a head of it begins. */
export type Start = () => number;

/** The first that is fit: what comes from one node goes the same ways. */
const FIRST: Start = () => 0;

/** The whole ring but `origin`. */
export function everyoneBut(origin: Id): { from: Id; to: Id } {
  return { from: next(origin), to: origin };
}

/** Index of the first id at or after `id`; the length past the last. */
export function lowerBound(order: readonly Id[], id: Id): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The ids of `order` in the arc [from, to), clockwise. */
function idsIn(order: readonly Id[], from: Id, to: Id): readonly Id[] {
  if (from === to) return [];
  const start = lowerBound(order, from);
  const end = lowerBound(order, to);
  return from < to
    ? order.slice(start, end)
    : [...order.slice(start), ...order.slice(0, end)];
}

/**
 * Whom to send to so that all of [from, to) but `self` is reached. Where a part
 * has no good head, each of its poor ones gets what is nearest to it; one that
 * has none either goes to a neighbouring part. When there is nobody at all, the
 * first node gets everything, however it can be reached.
 *
 * No part contains `self`: each node that forwards takes at least itself out of
 * the arc, so forwarding ends whatever the tables say.
 *
 * @param startOf by chance if what one message loses the next must not lose, too
 */
export function branches(
  order: readonly Id[],
  from: Id,
  to: Id,
  self: Id,
  fitness: Fitness,
  startOf: Start = FIRST,
): Branch[] {
  if (from === to) return [];
  if (self !== from && !isBetween(self, from, to)) {
    return parts(order, from, to, fitness, startOf);
  }
  return [
    ...parts(order, from, self, fitness, startOf),
    ...parts(order, next(self), to, fitness, startOf),
  ];
}

function parts(
  order: readonly Id[],
  from: Id,
  to: Id,
  fitness: Fitness,
  startOf: Start,
): Branch[] {
  const ids = idsIn(order, from, to);
  if (ids.length === 0) return [];
  const count = Math.min(FAN_OUT, ids.length);
  const found: { head: Id; from: Id; to: Id }[] = [];
  let start = from;
  for (let part = 0; part < count; part++) {
    const first = Math.floor(part * ids.length / count);
    const end = Math.floor((part + 1) * ids.length / count);
    const until = part === count - 1 ? to : ids[end]!;
    const heads = headsOf(ids.slice(first, end), fitness, startOf());
    for (const [i, head] of heads.entries()) {
      const ends = heads[i + 1] ?? until;
      found.push({ head, from: start, to: ends });
      start = ends;
    }
    const last = found[found.length - 1];
    if (heads.length === 0 && last !== undefined) {
      last.to = until;
      start = until;
    }
  }
  return found.length > 0 ? found : [{ head: ids[0]!, from, to }];
}

/** One good head for a part; or else whoever is linked, each for its own. */
function headsOf(
  ids: readonly Id[],
  fitness: Fitness,
  start: number,
): readonly Id[] {
  const first = Math.floor(start * ids.length);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[(first + i) % ids.length]!;
    if (fitness(id) === "good") return [id];
  }
  return ids.filter((id) => fitness(id) === "poor");
}
