/**
 * Who is near whom, in the order of the ids and on the ring. Nodes that see the
 * same members agree on it without asking.
 *
 * @module
 */
import { FULL_MESH_NODES_MAX } from "../base/limits.ts";
import type { Id } from "../id/id.ts";
import type { MemberRecord } from "../wire/messages.ts";
import { apart, pointOf } from "./fingers.ts";
import { hasPlace, windowOf } from "./ring_view.ts";
import { isPresent, type Table } from "./table.ts";
import { lowerBound } from "./tree.ts";

/** Neighbours on each side that a node keeps links to, and watches. */
export const NEIGHBOURS = 4;

/** The nearest nodes on both sides in the order of the ids. */
export function neighbours(
  order: readonly Id[],
  self: Id,
  count: number = NEIGHBOURS,
): Id[] {
  const at = lowerBound(order, self);
  // Who is not there itself stands before the one that is.
  const skip = order[at] === self ? 0 : 1;
  const near: Id[] = [];
  for (let step = 1; step <= count; step++) {
    for (const i of [at + step - skip, at - step + order.length]) {
      const id = order[i % order.length];
      if (id !== undefined && id !== self && !near.includes(id)) near.push(id);
    }
  }
  return near;
}

/** Whether every node keeps a link to every other one. */
export function isFullMesh(
  { order, isPartial }: Table,
  linksMax: number,
): boolean {
  return !isPartial &&
    order.length <= Math.min(FULL_MESH_NODES_MAX, linksMax + 1);
}

/** How far two nodes are apart in the order in which they are nearer. */
export function distance(a: MemberRecord, b: MemberRecord): number {
  const byId = apart(pointOf(a.id), pointOf(b.id));
  if (!hasPlace(a) || !hasPlace(b)) return byId;
  return Math.min(byId, apart(pointOf(a.position), pointOf(b.position)));
}

/** The nearest members on both sides of a node on the ring. */
export function ringNeighbours(
  table: Table,
  of: MemberRecord,
  count: number = NEIGHBOURS,
): Id[] {
  if (!hasPlace(of)) return [];
  const { members } = windowOf(table.ring, of, count);
  return members.map(({ id }) => id).filter((id) => id !== of.id);
}

/**
 * The nearest nodes on both sides that can be dialled. A node that cannot be
 * keeps links to these, however many of its kind are between: so whoever looks
 * for it knows where to ask.
 */
export function doorsOf(table: Table, of: Id): Id[] {
  const { order } = table;
  const doors: Id[] = [];
  const at = lowerBound(order, of);
  for (const direction of [1, -1]) {
    let found = 0;
    const first = direction === 1 && order[at] !== of ? 0 : 1;
    for (let step = first; step < order.length; step++) {
      const index = (at + direction * step + order.length) % order.length;
      const id = order[index]!;
      if (id === of || found === NEIGHBOURS) break;
      const record = table.get(id);
      if (record === undefined || !isPresent(record)) continue;
      if (!isDialable(record.url)) continue;
      found++;
      if (!doors.includes(id)) doors.push(id);
    }
  }
  return doors;
}

/** Those who cannot be dialled and have this node among their doors. */
export function guestsOf(table: Table, door: Id): Id[] {
  const { order } = table;
  const guests: Id[] = [];
  const at = lowerBound(order, door);
  for (const direction of [1, -1]) {
    let between = 0;
    for (let step = 1; step < order.length && between < NEIGHBOURS; step++) {
      const id = order[(at + direction * step + order.length) % order.length]!;
      const record = table.get(id);
      if (record === undefined || !isPresent(record)) continue;
      if (isDialable(record.url)) between++;
      else if (!guests.includes(id)) guests.push(id);
    }
  }
  return guests;
}

/** Whether a url can be dialled by everybody. */
export function isDialable(url: string): boolean {
  return url.startsWith("ws://") || url.startsWith("wss://");
}

/**
 * Whom a node hands on news of another one to: in each order in which that one
 * is within reach, the nearest of its own neighbours and the furthest, on both
 * sides; of those only to whom it has a link. Who gets one compares then.
 */
export function relaysFor(
  table: Table,
  about: MemberRecord,
  isLinked: (id: Id) => boolean,
): Set<Id> {
  const { order, self } = table;
  const relays = new Set<Id>();
  // Lists go outwards: the first two are the nearest, the last two the furthest.
  const add = (near: readonly Id[]) => {
    const linked = near.filter(isLinked);
    for (const id of [...linked.slice(0, 2), ...linked.slice(-2)]) {
      relays.add(id);
    }
  };
  if (table.isNearById(about.id)) add(neighbours(order, self.id));
  if (table.isNearByPlace(about)) add(outwards(ringNeighbours(table, self)));
  relays.delete(about.id);
  return relays;
}

/** A list that goes from left to right, from its middle outwards. */
function outwards<T>(list: readonly T[]): T[] {
  const half = list.length >> 1;
  const sorted: T[] = [];
  for (let i = 0; i < list.length - half; i++) {
    for (const at of [half + i, half - 1 - i]) {
      if (at >= 0 && at < list.length) sorted.push(list[at]!);
    }
  }
  return sorted;
}
