/** Whom a node asks that knows only some of the members. */
import { assert, assertEquals } from "@std/assert";
import { below, fraction, SeededRandom } from "../../src/base/random.ts";
import {
  apart,
  fingerPlaces,
  fingerTowards,
  indexAtOrAfter,
  indexNearest,
  indexOfNextHop,
  PLACES,
  pointOf,
} from "../../src/mesh/fingers.ts";

const random = new SeededRandom(1, "fingers");

function randomPlace(): number {
  return Math.floor(fraction(random) * 2 ** 26) * 2 ** 26 +
    below(random, 2 ** 26);
}

function ringOf(count: number): Float64Array {
  return new Float64Array(count).map(randomPlace).sort();
}

Deno.test("a place is the first 52 bits of an id", () => {
  assertEquals(pointOf("0".repeat(32)), 0);
  assertEquals(pointOf("f".repeat(32)), PLACES - 1);
  assertEquals(pointOf("8" + "0".repeat(31)), PLACES / 2);
});

Deno.test("places are apart by the shorter way around", () => {
  assertEquals(apart(1, PLACES - 1), 2);
  assertEquals(apart(PLACES - 1, 1), 2);
  assertEquals(apart(0, PLACES / 2), PLACES / 2);
  assertEquals(apart(7, 7), 0);
});

Deno.test("searches find what a look at every place finds", () => {
  for (let round = 0; round < 200; round++) {
    const ring = ringOf(1 + below(random, 12));
    const place = randomPlace();
    const first = ring.findIndex((one) => one >= place);
    assertEquals(indexAtOrAfter(ring, place), Math.max(first, 0));
    const least = Math.min(...[...ring].map((one) => apart(one, place)));
    assertEquals(apart(ring[indexNearest(ring, place)]!, place), least);
  }
});

Deno.test("the finger towards a place is one of the fingers", () => {
  for (let round = 0; round < 200; round++) {
    const self = randomPlace();
    const fingers = fingerPlaces(self, 0);
    const place = randomPlace();
    const finger = fingerTowards(self, place);
    assert(fingers.includes(finger), `${finger} from ${self}`);
    const least = Math.min(...fingers.map((one) => apart(one, place)));
    assertEquals(apart(finger, place), least);
  }
});

Deno.test("fingers are distinct, and none is among the neighbours", () => {
  const self = randomPlace();
  const all = fingerPlaces(self, 0);
  assertEquals(new Set(all).size, all.length);
  // 16 for each of 13 digits; the two furthest are the same place.
  assertEquals(all.length, 16 * 13 - 1);
  const few = fingerPlaces(self, PLACES / 1000);
  assert(few.every((place) => apart(place, self) > PLACES / 1000));
  assertEquals(few, all.slice(0, few.length));
});

Deno.test("the next hop is the nearest that may be tried and is nearer", () => {
  for (let round = 0; round < 500; round++) {
    const known = ringOf(below(random, 12));
    const allowed = [...known].map(() => fraction(random) < 0.6);
    const self = randomPlace();
    const place = randomPlace();
    const distances = [...known].map((one, i) =>
      allowed[i] ? apart(one, place) : Infinity
    );
    const least = Math.min(Infinity, ...distances);
    const limit = apart(self, place);
    const index = indexOfNextHop(known, place, limit, (i) => allowed[i]!);
    if (least >= limit) assertEquals(index, -1);
    else assertEquals(distances[index], least);
  }
});

/** Mean hops from random members of a static ring to the owners of keys. */
function meanHops(count: number, neighbours: number): number {
  const ring = ringOf(count);
  const lookups = 2_000;
  let hops = 0;
  for (let i = 0; i < lookups; i++) {
    const key = randomPlace();
    const owner = indexAtOrAfter(ring, key);
    let at = below(random, count);
    let left = Infinity;
    while (at !== owner) {
      const ahead = (owner - at + count) % count;
      const isNeighbour = Math.min(ahead, count - ahead) <= neighbours;
      const distance = apart(ring[at]!, key);
      assert(isNeighbour || distance < left, "every hop comes nearer");
      left = distance;
      at = isNeighbour
        ? owner
        : indexNearest(ring, fingerTowards(ring[at]!, key));
      hops++;
    }
  }
  return hops / lookups;
}

Deno.test("fingers alone find owners in few hops", () => {
  assert(meanHops(1_024, 16) < 2.4);
  assert(meanHops(65_536, 16) < 3.8);
});
