import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  below,
  fraction,
  jittered,
  pick,
  SeededRandom,
  shuffled,
} from "../../src/base/random.ts";

function draws(random: SeededRandom, count: number): number[] {
  return Array.from({ length: count }, () => random.uint32());
}

Deno.test("a seed gives the same draws for ever", () => {
  // Computed by an implementation of xoshiro128** in another language.
  assertEquals(draws(new SeededRandom(42), 6), [
    660444221,
    3652823732,
    77672526,
    910233633,
    2297337756,
    3786072677,
  ]);
  assertEquals(draws(new SeededRandom(42, "network"), 3), [
    2393717761,
    3074940036,
    2713918823,
  ]);
});

Deno.test("other seeds and other streams give other draws", () => {
  const first = draws(new SeededRandom(1), 8);
  assertEquals(draws(new SeededRandom(1), 8), first);
  assertNotEquals(draws(new SeededRandom(2), 8), first);
  assertNotEquals(draws(new SeededRandom(1, "a"), 8), first);
  assertNotEquals(
    draws(new SeededRandom(1, "a"), 8),
    draws(new SeededRandom(1, "b"), 8),
  );
});

Deno.test("below() gives every integer under the limit about equally often", () => {
  const random = new SeededRandom(7);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[below(random, 10)]!++;
  for (const count of counts) assert(count > 850 && count < 1150, `${counts}`);
});

Deno.test("fraction() and jittered() stay inside their bounds and use them", () => {
  const random = new SeededRandom(8);
  let least = Infinity;
  let most = 0;
  for (let i = 0; i < 10_000; i++) {
    const share = fraction(random);
    assert(share >= 0 && share < 1);
    const ms = jittered(random, 1000, 0.2);
    least = Math.min(least, ms);
    most = Math.max(most, ms);
  }
  assert(least >= 800 && least < 805, `${least}`);
  assert(most <= 1200 && most > 1195, `${most}`);
});

Deno.test("shuffled() keeps every item, gives every order and leaves its input", () => {
  const random = new SeededRandom(9);
  const items = [1, 2, 3];
  const orders = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const order = shuffled(random, items);
    assertEquals([...order].sort(), items);
    orders.add(order.join());
  }
  assertEquals(orders.size, 6);
  assertEquals(items, [1, 2, 3]);
});

Deno.test("pick() gives one of the items, and undefined of none", () => {
  const random = new SeededRandom(10);
  const seen = new Set<number | undefined>();
  for (let i = 0; i < 100; i++) seen.add(pick(random, [1, 2, 3]));
  assertEquals([...seen].sort(), [1, 2, 3]);
  assertEquals(pick(random, []), undefined);
});
