/**
 * Who is near whom in the order of the ids. Nodes that see the same members
 * agree on it without asking.
 *
 * @module
 */
import type { Id } from "../id/id.ts";
import { isPresent, type Table } from "./table.ts";
import { lowerBound } from "./tree.ts";

/** Neighbours on each side that a node keeps links to, and watches. */
export const NEIGHBOURS = 4;

/** The nearest nodes on both sides in the order of the ids. */
export function neighbours(order: readonly Id[], self: Id): Id[] {
  const at = lowerBound(order, self);
  const near: Id[] = [];
  for (let step = 1; step <= NEIGHBOURS; step++) {
    for (const i of [at + step, at - step + order.length]) {
      const id = order[i % order.length];
      if (id !== undefined && id !== self && !near.includes(id)) near.push(id);
    }
  }
  return near;
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
