/**
 * Who is next to a place in the ring of a member table.
 *
 * @module
 */
import { type Place, placeOf } from "../ring/place.ts";
import type { RingView } from "./peers.ts";

/** The places of the members after `place` clockwise, the nearest first. */
export function placesAfter(
  ring: RingView,
  place: Place,
  count: number,
): Place[] {
  const { members } = ring;
  const first = indexOfPlace(ring, place);
  const places: Place[] = [];
  for (let i = 0; i < members.length && places.length < count; i++) {
    const other = placeOf(members[(first + i) % members.length]!);
    if (other !== place) places.push(other);
  }
  return places;
}

/** The place of the member before `place`; `undefined`: there is none. */
export function placeBefore(ring: RingView, place: Place): Place | undefined {
  const { members } = ring;
  const at = indexOfPlace(ring, place) + members.length - 1;
  const before = members[at % members.length];
  if (before === undefined || placeOf(before) === place) return undefined;
  return placeOf(before);
}

/** Index of the first member at or after `place`; their number past the last. */
function indexOfPlace({ members }: RingView, place: Place): number {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placeOf(members[middle]!) < place) low = middle + 1;
    else high = middle;
  }
  return low;
}
