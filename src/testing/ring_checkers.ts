/**
 * What holds of a ring at every moment, as P. Zave defines it ("Reasoning about
 * identifier spaces: how to make Chord correct", IEEE TSE 43(12), 2017, and
 * OneLiveSuccessor and SufficientPrincipals of her Alloy model of August 2016).
 *
 * The invariant is that every member has a live successor and that there are
 * enough principals: members that no successor list passes over. The rest
 * follows from it, and is checked because it is what users of a ring rely on.
 * A list is looked at together with its owner, which stands before its head.
 *
 * @module
 */
import { isBetween } from "../id/ring.ts";
import type { Place } from "../ring/place.ts";
import type { Pointers } from "../ring/stabilizer.ts";
import type { Finding } from "./checkers.ts";

/** A member that lives, with its pointers. */
export interface RingMember {
  readonly place: Place;
  readonly pointers: Pointers;
}

/** All live members of one ring at one moment, in the order of the ring. */
export interface RingState {
  /** L: entries of each successor list, at least. */
  readonly length: number;
  readonly members: readonly RingMember[];
}

/** The names of all checks of this file. */
export type RingCheck =
  | "oneLiveSuccessor"
  | "sufficientPrincipals"
  | "oneRingOfSuccessors"
  | "orderedRing"
  | "connectedAppendages"
  | "orderedSuccessors"
  | "principalsStay"
  | "idealRing";

/** One of the invariants I1 to I6. */
export interface RingInvariant {
  readonly name: RingCheck;
  readonly check: (state: RingState) => Finding;
}

/** I1: every member has a live entry in its successor list. */
export function oneLiveSuccessor({ members }: RingState): Finding {
  const isLive = liveness(members);
  const lonely = members.find(({ pointers }) =>
    !pointers.successors.some(isLive)
  );
  return lonely && `${described(lonely)} has no live successor`;
}

/** I2: at least L + 1 members are principals, if there are so many members. */
export function sufficientPrincipals(state: RingState): Finding {
  const { length, members } = state;
  if (members.length <= length) return undefined;
  const principals = principalsOf(members, members);
  if (principals.length > length) return undefined;
  return `of ${members.length} members only [${
    principals.map(short).join(" ")
  }] are passed over by no list, wanted ${length + 1}`;
}

/** I3: following the first live successors leads into one and the same circle. */
export function oneRingOfSuccessors({ members }: RingState): Finding {
  const circles = circlesOf(members);
  if (circles.length === 1) return undefined;
  const shown = circles.map((circle) => circle.map(short).join(" "));
  return `${circles.length} rings, wanted 1: ${shown.join(" | ")}`;
}

/** I4: between a member of the ring and its first live successor is no other. */
export function orderedRing({ members }: RingState): Finding {
  for (const circle of circlesOf(members)) {
    for (const [i, place] of circle.entries()) {
      const next = circle[(i + 1) % circle.length]!;
      const passed = circle.find((other) => isBetween(other, place, next));
      if (passed === undefined || circle.length === 1) continue;
      return `${short(place)} is followed by ${short(next)}, past ` +
        short(passed);
    }
  }
  return undefined;
}

/** I5: from every member first live successors lead into a ring. */
export function connectedAppendages({ members }: RingState): Finding {
  const next = nextLive(members);
  const inRing = new Set(circlesOf(members).flat());
  for (const { place } of members) {
    let at: Place | undefined = place;
    for (let hops = 0; at !== undefined && !inRing.has(at); hops++) {
      at = hops < members.length ? next.get(at) : undefined;
    }
    if (at === undefined) return `${short(place)} does not reach the ring`;
  }
  return undefined;
}

/** I6: lists have L entries or more, in the order of the ring, each once. */
export function orderedSuccessors({ length, members }: RingState): Finding {
  for (const member of members) {
    const { place, pointers: { successors } } = member;
    const isOrdered = successors.every((entry, i) => {
      const next = successors[i + 1];
      return entry !== place &&
        (next === undefined || isBetween(entry, place, next));
    });
    if (!isOrdered) return `${described(member)} is out of order`;
    if (successors.length < length) {
      return `${described(member)} has ${successors.length} entries, wanted ` +
        `at least ${length}`;
    }
  }
  return undefined;
}

/** I1 to I6, by name. */
export const RING_INVARIANTS: readonly RingInvariant[] = [
  { name: "oneLiveSuccessor", check: oneLiveSuccessor },
  { name: "sufficientPrincipals", check: sufficientPrincipals },
  { name: "oneRingOfSuccessors", check: oneRingOfSuccessors },
  { name: "orderedRing", check: orderedRing },
  { name: "connectedAppendages", check: connectedAppendages },
  { name: "orderedSuccessors", check: orderedSuccessors },
];

/** I7: who is a principal stays one as long as nobody fails. */
export function principalsStay(
  before: readonly Place[],
  after: readonly Place[],
): Finding {
  const lost = before.filter((place) => !after.includes(place));
  if (lost.length === 0) return undefined;
  return `[${lost.map(short).join(" ")}] came to be passed over, ` +
    `though nobody failed`;
}

/**
 * What a quiet ring comes to: each list is the next members, at least L of them,
 * and predecessors fit successors. Of a ring with more members than that.
 */
export function idealRing({ length, members }: RingState): Finding {
  const count = members.length;
  for (const [i, member] of members.entries()) {
    const { predecessor, successors } = member.pointers;
    const isNext = (entry: Place, at: number) =>
      entry === members[(i + 1 + at) % count]!.place;
    if (successors.length < length || !successors.every(isNext)) {
      return `${described(member)} is not what follows`;
    }
    const before = members[(i + count - 1) % count]!.place;
    if (predecessor !== before) {
      return `${described(member)} has the predecessor ` +
        `${short(predecessor ?? "none")}, wanted ${short(before)}`;
    }
  }
  return undefined;
}

/**
 * The members that none of the lists passes over, in the order of the ring.
 *
 * @param members sorted
 * @param lists may belong to anybody, such as answers that are on their way
 */
export function principalsOf(
  members: readonly RingMember[],
  lists: readonly RingMember[],
): Place[] {
  const places = members.map(({ place }) => place);
  const isPassed = new Uint8Array(places.length);
  for (const { place, pointers } of lists) {
    let before = place;
    for (const entry of pointers.successors) {
      let at = firstAfter(places, before);
      for (let n = 0; n < places.length; n++, at++) {
        const passed = places[at % places.length]!;
        if (!isBetween(passed, before, entry)) break;
        isPassed[at % places.length] = 1;
      }
      before = entry;
    }
  }
  return places.filter((_, i) => isPassed[i] === 0);
}

/** Index of the first of `places` after `place`; their number past the last. */
function firstAfter(places: readonly Place[], place: Place): number {
  let at = 0;
  while (at < places.length && places[at]! <= place) at++;
  return at;
}

function liveness(members: readonly RingMember[]): (place: Place) => boolean {
  const live = new Set(members.map(({ place }) => place));
  return (place) => live.has(place);
}

/** The first live successor of each member that has one. */
function nextLive(members: readonly RingMember[]): Map<Place, Place> {
  const isLive = liveness(members);
  const next = new Map<Place, Place>();
  for (const { place, pointers } of members) {
    const first = pointers.successors.find(isLive);
    if (first !== undefined) next.set(place, first);
  }
  return next;
}

/** The circles that first live successors form, each in its own order. */
function circlesOf(members: readonly RingMember[]): Place[][] {
  const next = nextLive(members);
  const circles: Place[][] = [];
  const seen = new Set<Place>();
  for (const { place } of members) {
    const path: Place[] = [];
    let at: Place | undefined = place;
    while (at !== undefined && !seen.has(at)) {
      seen.add(at);
      path.push(at);
      at = next.get(at);
    }
    const start = at === undefined ? -1 : path.indexOf(at);
    if (start >= 0) circles.push(path.slice(start));
  }
  return circles;
}

function short(place: Place): string {
  return place.slice(0, 4);
}

function described({ place, pointers }: RingMember): string {
  return `${short(place)} [${pointers.successors.map(short).join(" ")}]`;
}
