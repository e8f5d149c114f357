import { assertEquals, assertNotEquals } from "@std/assert";
import { runSeed } from "../../src/testing/run.ts";
import { seedOf, swarmOptions } from "../../src/testing/swarm.ts";

const SHORT = { minutes: 1 };

Deno.test("a seed replays bit for bit: equal traces, equal ends", () => {
  for (const seed of [1, 2, 3, 4]) {
    const first = runSeed(swarmOptions(seed, SHORT));
    const second = runSeed(swarmOptions(seed, SHORT));
    assertEquals(second.traceHash, first.traceHash);
    assertEquals(second, first);
  }
});

Deno.test("printing the trace changes nothing", () => {
  let lines = 0;
  const quiet = runSeed(swarmOptions(5, SHORT));
  const loud = runSeed(swarmOptions(5, SHORT), { print: () => lines++ });
  assertEquals(loud.traceHash, quiet.traceHash);
  assertEquals(lines > quiet.events, true);
});

Deno.test("two seeds give two runs", () => {
  const hashes = [1, 2].map((seed) =>
    runSeed(swarmOptions(seed, SHORT)).traceHash
  );
  assertNotEquals(hashes[0], hashes[1]);
});

Deno.test("a seed is a number or the beginning of a commit's hash", () => {
  assertEquals(seedOf("42"), 42);
  assertEquals(seedOf("0000002a00112233445566778899aabbccddeeff"), 42);
  assertEquals(seedOf("-1"), undefined);
  assertEquals(seedOf("banana"), undefined);
});
