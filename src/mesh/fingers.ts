/**
 * Where to send what is meant for a far place on the ring, by a node that knows
 * only some of the members.
 *
 * Each hop goes to the known member that is nearest to the place, on whichever
 * side, and only to one that is nearer than the node itself: so no tables,
 * however different, can make a loop. What makes the hops few is whom a node
 * knows: its neighbours; per hexadecimal digit of the distance 16 fingers, 8 to
 * each side; and whomever it has met, the route cache. The Chord paper (Stoica
 * and others, SIGCOMM 2001) has fingers of base 2 to one side, which need
 * 9.9 hops at a million members, where these need 4.6, and 3.1 with a cache of
 * 4,096.
 *
 * Distances are measured with the first 52 bits of positions, which are numbers
 * that machines calculate with. They show the way; who the owner of a key is,
 * its neighbours decide by whole positions.
 *
 * @module
 */
import type { Id } from "../id/id.ts";

/** Places on the ring: whole numbers below this. */
export const PLACES: number = 2 ** 52;
/** The hexadecimal digits of a place. */
const DIGITS = 13;
/** The base of the fingers. */
const BASE = 16;
/** No finger is further away than the other side of the ring. */
const HALF = PLACES / 2;

/** The place of a position, of a key's hash, or of a node's id, as a number. */
export function pointOf(id: Id): number {
  return parseInt(id.slice(0, DIGITS), 16);
}

/** How far two places are apart, on the shorter way. */
export function apart(a: number, b: number): number {
  const distance = Math.abs(a - b);
  return distance > HALF ? PLACES - distance : distance;
}

/**
 * The index of the first of `places` at or after `place`; 0 past the last.
 *
 * @param places sorted; at least one
 */
export function indexAtOrAfter(
  places: ArrayLike<number>,
  place: number,
): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]! < place) low = middle + 1;
    else high = middle;
  }
  return low === places.length ? 0 : low;
}

/**
 * The index of the one of `places` that is nearest to `place`, on either side.
 *
 * @param places sorted; at least one
 */
export function indexNearest(places: ArrayLike<number>, place: number): number {
  const after = indexAtOrAfter(places, place);
  const before = after === 0 ? places.length - 1 : after - 1;
  const isAfter = apart(places[after]!, place) <= apart(places[before]!, place);
  return isAfter ? after : before;
}

/**
 * The place of the finger of `self` that is nearest to `place`. A whole static
 * ring needs no tables: its finger is whoever is nearest to what this gives.
 */
export function fingerTowards(self: number, place: number): number {
  let distance = place - self;
  if (distance > HALF) distance -= PLACES;
  else if (distance < -HALF) distance += PLACES;
  let step = 1;
  // Between 8 steps and 16, which is one of the next step, 12 is the middle.
  while (Math.abs(distance) >= 0.75 * BASE * step) step *= BASE;
  const steps = Math.min(Math.round(Math.abs(distance) / step), BASE / 2);
  return around(self + Math.sign(distance) * steps * step);
}

/**
 * The places of all fingers of a node that are further away than `beyond`,
 * which is as far as its neighbours reach; the furthest first.
 */
export function fingerPlaces(self: number, beyond: number): number[] {
  const places: number[] = [];
  for (let step = PLACES / BASE; step >= 1; step /= BASE) {
    for (let i = BASE / 2; i >= 1; i--) {
      if (i * step <= beyond) return places;
      places.push(around(self + i * step));
      // Half the ring away is the same place on both sides.
      if (i * step < HALF) places.push(around(self - i * step));
    }
  }
  return places;
}

/**
 * The index of the one to hand on to: the nearest to `place` of those that
 * are nearer than `limit` and that `mayTry` lets pass; -1 if there is none.
 *
 * @param places what is known, sorted
 * @param limit how far the asking node is itself; Infinity for one without a
 * place
 */
export function indexOfNextHop(
  places: ArrayLike<number>,
  place: number,
  limit: number,
  mayTry: (index: number) => boolean,
): number {
  const count = places.length;
  if (count === 0) return -1;
  let after = indexAtOrAfter(places, place);
  let before = after === 0 ? count - 1 : after - 1;
  // Both ways at once, always the nearer one next.
  for (let tried = 0; tried < count; tried++) {
    const onward = apart(places[after]!, place);
    const back = apart(places[before]!, place);
    const index = onward <= back ? after : before;
    if (Math.min(onward, back) >= limit) return -1;
    if (mayTry(index)) return index;
    if (index === after) after = after + 1 === count ? 0 : after + 1;
    else before = before === 0 ? count - 1 : before - 1;
  }
  return -1;
}

function around(place: number): number {
  return place < 0 ? place + PLACES : place % PLACES;
}
