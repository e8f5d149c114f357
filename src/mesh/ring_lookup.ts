/**
 * Where a new member is to be: between which two that are there.
 *
 * @module
 */
import { isBetween } from "../id/ring.ts";
import type { Place } from "../ring/place.ts";
import type { Pointers } from "../ring/stabilizer.ts";
import type { RingView } from "./peers.ts";
import { placeBefore } from "./ring_places.ts";

/** Asks the member at a place for its pointers; `undefined`: no answer. */
export type AskPointers = (
  place: Place,
  done: (pointers: Pointers | undefined) => void,
) => void;

/** Members that are asked, one after the other, at most. */
const HOPS_MAX = 32;

/**
 * Finds the member that `place` follows, as its JOIN needs it (Zave): one that
 * says itself that `place` is between it and its first successor. The table
 * says whom to ask first; where it is wrong the answers lead on.
 *
 * @param isMember whether who is at a place can be asked
 * @param done called only if it is found
 */
export function lookUp(
  ring: RingView,
  place: Place,
  ask: AskPointers,
  isMember: (place: Place) => boolean,
  done: (before: Place, pointers: Pointers) => void,
): void {
  const step = (at: Place, hops: number) =>
    ask(at, (pointers) => {
      const next = pointers?.successors[0];
      if (pointers === undefined || next === undefined) return;
      if (isBetween(place, at, next)) return done(at, pointers);
      let nearest = at;
      for (const other of [pointers.predecessor, ...pointers.successors]) {
        if (other === undefined || !isBetween(other, nearest, place)) continue;
        if (isMember(other)) nearest = other;
      }
      if (nearest !== at && hops > 0) step(nearest, hops - 1);
    });
  const first = placeBefore(ring, place);
  if (first !== undefined) step(first, HOPS_MAX);
}
