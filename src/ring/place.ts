/**
 * Where a member is on the ring, as one text that sorts.
 *
 * @module
 */
import type { Id } from "../id/id.ts";

/**
 * A position and the id of who is there, one text after the other: members are
 * ordered by position, and by id where two have the same. The machines of this
 * folder only compare places, so shorter hexadecimal texts will do for tests.
 */
export type Place = string;

const POSITION_CHARACTERS = 32;

/** The place of a member. */
export function placeOf(
  member: { readonly position: Id; readonly id: Id },
): Place {
  return member.position + member.id;
}

/** Who is at a place. */
export function idAt(place: Place): Id {
  return place.slice(POSITION_CHARACTERS);
}

/** The place next after `place`, clockwise; the first one after the last. */
export function placeAfter(place: Place): Place {
  const stays = place.replace(/f+$/, "");
  if (stays === "") return "0".repeat(place.length);
  const last = parseInt(stays.slice(-1), 16) + 1;
  return (stays.slice(0, -1) + last.toString(16)).padEnd(place.length, "0");
}
