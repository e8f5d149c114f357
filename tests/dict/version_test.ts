import { assert, assertEquals } from "@std/assert";
import {
  compareVersions,
  HybridClock,
  isNewer,
} from "../../src/dict/version.ts";

const NODE = "0123456789abcdef0123456789abcdef";

Deno.test("next() grows while the wall clock stands still or goes back", () => {
  const clock = new HybridClock(NODE, 1_000);
  let last = clock.next(5_000);
  for (const wallMs of [5_000, 5_000, 4_000, 1, 5_000, 5_001]) {
    const version = clock.next(wallMs);
    assert(compareVersions(version, last) > 0, `at ${wallMs}`);
    last = version;
  }
  assertEquals(last, { ms: 5_001, count: 0, node: NODE.slice(0, 16) });
});

Deno.test("next() carries a full counter into the milliseconds", () => {
  const clock = new HybridClock(NODE, 1_000);
  let last = clock.next(7);
  for (let i = 0; i < 70_000; i++) {
    const version = clock.next(7);
    assert(isNewer(version, last));
    assert(version.count <= 0xffff);
    last = version;
  }
  assertEquals(last.ms, 8);
});

Deno.test("a version made after another was observed is larger", () => {
  const clock = new HybridClock(NODE, 1_000);
  const seen = { ms: 5_500, count: 9, node: "f".repeat(16) };
  clock.observe(seen, 5_000);
  assert(isNewer(clock.next(5_000), seen));
});

Deno.test("a version too far ahead is told and does not move the clock", () => {
  const clock = new HybridClock(NODE, 1_000);
  const wild = { ms: 6_001, count: 0, node: "f".repeat(16) };
  assert(clock.isTooFarAhead(wild, 5_000));
  assert(!clock.isTooFarAhead({ ...wild, ms: 6_000 }, 5_000));
  clock.observe(wild, 5_000);
  assertEquals(clock.next(5_000).ms, 5_000);
});

Deno.test("a clock is proved by another node until it is set ahead", () => {
  const clock = new HybridClock(NODE, 300_000);
  assert(!clock.isProved(5_000));
  clock.prove(5_000);
  assert(clock.isProved(5_000 + 29_000));
  assert(clock.isProved(-9_000_000));
  assert(!clock.isProved(5_000 + 31_000));
});

Deno.test("the writer's id breaks a tie, the same way on both sides", () => {
  const a = { ms: 1, count: 1, node: "a".repeat(16) };
  const b = { ms: 1, count: 1, node: "b".repeat(16) };
  assert(compareVersions(a, b) < 0);
  assert(compareVersions(b, a) > 0);
  assertEquals(compareVersions(a, { ...a }), 0);
});
