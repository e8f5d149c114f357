/**
 * The ring of the simulated nodes, as their own pointers have it.
 *
 * Real failure detectors err, so the invariants need not hold while things go
 * wrong; but some time after the last fault they do, and from then on.
 *
 * @module
 */
import { type Place, placeOf } from "../ring/place.ts";
import type { Unrest } from "./rest.ts";
import {
  idealRing,
  principalsOf,
  principalsStay,
  RING_INVARIANTS,
  type RingMember,
  type RingState,
} from "./ring_checkers.ts";
import type { LiveNode } from "./node.ts";
import { activeNodes, recordOf } from "./truth.ts";

/**
 * The ring of all active members that have found their place in it.
 *
 * @param length L
 * @returns `undefined` if it is so small that the member table is the ring
 */
export function ringOf(
  live: readonly LiveNode[],
  length: number,
): RingState | undefined {
  const members: RingMember[] = [];
  for (const node of activeNodes(live)) {
    const { pointers } = node.machine;
    const record = recordOf(node);
    if (pointers === undefined || record === undefined) continue;
    members.push({ place: placeOf(record), pointers });
  }
  return members.length > 2 * (length + 1) ? { length, members } : undefined;
}

/** Whether the ring is what a quiet one must come to. */
export function unevenRing(live: readonly LiveNode[], length: number): Unrest {
  const ring = ringOf(live, length);
  return ["idealRing", ring && idealRing(ring)];
}

/** Looks at one ring again and again. */
export class RingWatch {
  #members: readonly Place[] = [];
  #principals: readonly Place[] = [];

  /** The first of I1 to I7 that does not hold. */
  look(ring: RingState): Unrest | undefined {
    for (const { name, check } of RING_INVARIANTS) {
      const finding = check(ring);
      if (finding !== undefined) return [name, finding];
    }
    const members = ring.members.map(({ place }) => place);
    const principals = principalsOf(ring.members, ring.members);
    const hasFailed = this.#members.some((place) => !members.includes(place));
    const before = hasFailed ? [] : this.#principals;
    this.#members = members;
    this.#principals = principals;
    const finding = principalsStay(before, principals);
    return finding === undefined ? undefined : ["principalsStay", finding];
  }
}
