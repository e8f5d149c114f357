import { assert, assertEquals } from "@std/assert";
import { beyondCost } from "../../scripts/scale/beyond.ts";
import { Crowd } from "../../scripts/scale/churn.ts";
import { killHalf } from "../../scripts/scale/half.ts";
import { watchPauses } from "../../scripts/scale/pauses.ts";
import { staticHops } from "../../scripts/scale/static_rings.ts";
import { createChordMachine } from "../../src/testing/run.ts";

const PAUSING = {
  seed: 1,
  nodes: 20,
  share: 0.1,
  everyMs: 10_000,
  hours: 0.05,
};

Deno.test("who pauses for up to 2 s is not taken for dead", () => {
  const { pauses, falseDeaths } = watchPauses({
    ...PAUSING,
    pauseMaxMs: 2_000,
  });
  assert(pauses > 10, `${pauses} pauses`);
  assertEquals(falseDeaths, 0);
});

Deno.test("control: who pauses for up to 20 s is, and it is counted", () => {
  const { falseDeaths } = watchPauses({ ...PAUSING, pauseMaxMs: 20_000 });
  assert(falseDeaths > 0);
});

Deno.test("where not all are linked, what was asked through a node that ends is asked again", () => {
  const result = killHalf({ seed: 1, nodes: 70, keys: 200, silently: false });
  assert(result.acknowledged === 200 && result.lookups === 200);
  assertEquals([result.failed, result.wrong, result.unexplained], [0, 0, 0]);
  assert(result.slowestMs < 10_000, `${result.slowestMs} ms`);
  // What is lost is lost: all of its holders were in the half.
  assert(result.orphaned > 0 && result.lost === result.orphaned);
});

Deno.test("lookups while nodes come and go are counted, and none is wrong", () => {
  const crowd = new Crowd({
    seed: 1,
    nodes: 20,
    joinsPerSecond: 50,
    keys: 50,
  });
  const result = crowd.live({
    silently: true,
    meanLifeMs: 30_000,
    warmUpMs: 1_000,
    countedMs: 20_000,
    lookupsPerSecond: 50,
  });
  assert(result.deaths > 5, `${result.deaths} deaths`);
  assert(result.lookups > 900, `${result.lookups} lookups`);
  assertEquals(result.wrong, 0);
  // Silent deaths at this rate cannot all go unnoticed by who looks for keys.
  assert(result.firstTry > 0.5 && result.firstTry < 1);
  assert(result.askedMax > 1);
});

Deno.test("hops fall with what nodes know, and full membership needs one", () => {
  const of = { seed: 1, nodes: 4_096, lookups: 500 };
  const fingers = staticHops(of, { isFull: false, cache: 0 });
  const cached = staticHops(of, { isFull: false, cache: 1_024 });
  const full = staticHops(of, { isFull: true, cache: 0 });
  assert(fingers.mean > cached.mean + 0.5 && cached.mean > full.mean + 0.5);
  assert(full.mean <= 1 && full.p99 === 1);
});

const BEYOND = {
  seed: 1,
  nodes: 64,
  bound: 8,
  meanLifeMs: 120_000,
  countedMs: 20_000,
};

Deno.test("beyond the bound a node sends no more than it may, and finds all", () => {
  const { bytes, deaths, failed, lookups, wrong } = beyondCost(BEYOND);
  assert(bytes < 900, `${bytes} B/s`);
  assert(deaths > 5 && lookups > 200);
  assertEquals([failed, wrong], [0, 0]);
});

Deno.test("control: where all news go to everybody it sends a multiple", () => {
  const { bytes } = beyondCost(BEYOND, (options, random, at) => {
    const lacks = (rule: string) => rule === "newsStayNear";
    const sabotage = { lacks, isUnlucky: () => false };
    return createChordMachine({ ...options, sabotage }, random, at);
  });
  assert(bytes > 1_800, `${bytes} B/s`);
});
