import { assert, assertEquals, assertMatch } from "@std/assert";
import { below, SeededRandom } from "../../src/base/random.ts";
import {
  type Id,
  idFromBigInt,
  idToBigInt,
  MAX_ID,
  randomId,
  ZERO_ID,
} from "../../src/id/id.ts";
import {
  advance,
  distance,
  isBetween,
  isCrowded,
  isInArc,
  next,
  positionBetween,
  positionInLargestGap,
  RING_SIZE,
} from "../../src/id/ring.ts";

/** Ids with many coincidences: few values, the ends of the ring among them. */
function fewIds(): Id[] {
  return [0n, 1n, 2n, RING_SIZE / 2n, RING_SIZE - 2n, RING_SIZE - 1n]
    .map(idFromBigInt);
}

Deno.test("next() is one more, and after the last id the first", () => {
  const random = new SeededRandom(7);
  const ids = [
    ...fewIds(),
    ...Array.from({ length: 100 }, () => randomId(random)),
  ];
  for (const id of ids) {
    for (const end of ["", "0", "9", "a", "f", "ff", "9fff"]) {
      const from = id.slice(0, 32 - end.length) + end;
      assertEquals(next(from), advance(from, 1n));
    }
  }
});

/** The definition, by walking: how far `id` and `to` are from `from`. */
function isBetweenByWalking(id: Id, from: Id, to: Id): boolean {
  const whole = from === to ? RING_SIZE : distance(from, to);
  const part = distance(from, id);
  return part > 0n && part < whole;
}

Deno.test("isBetween() is what a walk clockwise finds, for all triples of close ids", () => {
  for (const a of fewIds()) {
    for (const b of fewIds()) {
      for (const c of fewIds()) {
        assertEquals(isBetween(b, a, c), isBetweenByWalking(b, a, c));
      }
    }
  }
});

Deno.test("isBetween() is what a walk clockwise finds, for random ids", () => {
  const random = new SeededRandom(1);
  for (let i = 0; i < 2000; i++) {
    const [a, b, c] = [randomId(random), randomId(random), randomId(random)];
    assertEquals(isBetween(b, a, c), isBetweenByWalking(b, a, c));
    // The way there and the way back share no id.
    assert(isBetween(b, a, c) !== isBetween(b, c, a));
  }
});

Deno.test("the arc from an id to itself is the whole ring without that id", () => {
  const random = new SeededRandom(2);
  for (let i = 0; i < 100; i++) {
    const [a, b] = [randomId(random), randomId(random)];
    assert(isBetween(b, a, a));
    assert(!isBetween(a, a, a));
    assert(isInArc(a, a, a));
  }
});

Deno.test("isInArc() is isBetween() with the far end", () => {
  for (const from of fewIds()) {
    for (const id of fewIds()) {
      for (const to of fewIds()) {
        const wanted = isBetween(id, from, to) || id === to;
        assertEquals(isInArc(id, from, to), wanted);
      }
    }
  }
});

Deno.test("the arcs between neighbours cover every id exactly once", () => {
  const random = new SeededRandom(3);
  for (let count = 1; count <= 8; count++) {
    const ring = Array.from({ length: count }, () => randomId(random)).sort();
    for (const id of [...ring, randomId(random), ZERO_ID, MAX_ID]) {
      const owners = ring.filter((to, i) =>
        isInArc(id, ring[(i + count - 1) % count]!, to)
      );
      assertEquals(owners.length, 1);
    }
  }
});

Deno.test("advance() by distance() arrives, from everywhere to everywhere", () => {
  const random = new SeededRandom(4);
  for (let i = 0; i < 500; i++) {
    const [a, b] = [randomId(random), randomId(random)];
    assertEquals(advance(a, distance(a, b)), b);
    assertEquals(BigInt.asUintN(128, distance(a, b) + distance(b, a)), 0n);
  }
  assertEquals(distance(MAX_ID, ZERO_ID), 1n);
  assertEquals(distance(ZERO_ID, ZERO_ID), 0n);
});

Deno.test("a joiner lands in the middle half of a widest gap", () => {
  const random = new SeededRandom(5);
  for (let i = 0; i < 300; i++) {
    const count = 1 + below(random, 12);
    const taken = Array.from({ length: count }, () => randomId(random)).sort();
    const position = positionInLargestGap(taken, random);
    assertMatch(position, /^[0-9a-f]{32}$/);
    const after = taken.findIndex((id) => id > position);
    const next = after < 0 ? 0 : after;
    const previous = taken[(next + count - 1) % count]!;
    const gap = distance(previous, taken[next]!) || RING_SIZE;
    const widest = taken.reduce((most, id, at) => {
      const width = distance(id, taken[(at + 1) % count]!) || RING_SIZE;
      return width > most ? width : most;
    }, 0n);
    assertEquals(gap, widest);
    const offset = distance(previous, position);
    assert(offset >= widest / 4n && offset <= widest - widest / 4n);
  }
});

Deno.test("two joiners at once do not land on the same position", () => {
  const random = new SeededRandom(6);
  const positions = new Set<Id>();
  for (let i = 0; i < 200; i++) {
    positions.add(positionInLargestGap([ZERO_ID], random));
  }
  assert(positions.size > 190);
});

Deno.test("a ring that grows by largest gaps stays even", () => {
  for (let seed = 0; seed < 10; seed++) {
    const random = new SeededRandom(seed);
    const taken: Id[] = [];
    for (let i = 0; i < 64; i++) {
      taken.push(positionInLargestGap(taken, random));
      taken.sort();
    }
    const gaps = taken.map((id, at) =>
      distance(id, taken[(at + 1) % taken.length]!)
    );
    const widest = gaps.reduce((a, b) => a > b ? a : b);
    const share = Number(idToBigInt(idFromBigInt(widest))) /
      (Number(RING_SIZE) / 64);
    assert(share < 3, `the widest of 64 gaps is ${share} times the mean`);
  }
});

Deno.test("isCrowded() is true next to another position while there is room", () => {
  const at = (digits: string) => digits.padEnd(32, "0");
  assertEquals(isCrowded(at("8"), []), false);
  assertEquals(isCrowded(at("8"), [at("0")]), false);
  assertEquals(isCrowded(at("8"), [at("0"), at("81")]), true);
  assertEquals(isCrowded(at("4"), [at("0"), at("8"), at("c")]), false);
  assertEquals(isCrowded(at("01"), [at("0")]), true);
});

Deno.test("a position between neighbours is in the widest of their gaps, never beyond them", () => {
  const random = new SeededRandom(5, "between");
  const at = (share: number) =>
    advance(ZERO_ID, BigInt(Math.floor(share * 1000)) * RING_SIZE / 1000n);
  // Around the end of the numbers, and most of the ring is not among them.
  const run = [at(0.95), at(0.97), at(0.03), at(0.04)];
  for (let i = 0; i < 100; i++) {
    const position = positionBetween(run, random);
    assert(isBetween(position, run[1]!, run[2]!), position);
  }
});
