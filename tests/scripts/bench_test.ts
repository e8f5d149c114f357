import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sha256 } from "../../src/base/sha256.ts";
import {
  boundOf,
  BOUNDS,
  failuresOf,
  type Report,
  type Target,
  TARGETS,
  unmeasured,
  wasBusy,
  worseness,
} from "../../scripts/bench/judge.ts";
import { boundsMarkdown } from "../../scripts/bench/markdown.ts";
import { time } from "../../scripts/bench/micro/timing.ts";
import { run } from "../../scripts/bench/processes.ts";
import { measure, type Result, type Row } from "../../scripts/bench/rows.ts";
import { tableOf } from "../../scripts/bench/table.ts";
import { needRuntime } from "../../scripts/runtimes_found.ts";

Deno.test("a benchmark counts per operation, and compares with the row's limit", async () => {
  const row = { limit: "one", run: () => {}, count: 10, width: 1, weight: 1 };
  const rows: Row[] = [
    { ...row, name: "one", limit: undefined },
    { ...row, name: "many", weight: 1000, width: 2 },
  ];
  let cpuMs = 0;
  // Each slice is told that it took 1 ms of the processor.
  const [one, many] = await measure(rows, 2, () => Promise.resolve(cpuMs++));
  assertEquals(one!.ratio, { median: 1, least: 1, most: 1 });
  assertEquals(one!.cpuUs, 1000 * 2 / 20);
  assertEquals(many!.cpuUs, 1000 * 2 / 20_000);
  assertEquals(many!.cpuRatio, { median: 0.001, least: 0.001, most: 0.001 });
  assert(many!.perSecond > one!.perSecond);
});

Deno.test("what a row needs is put back before each slice, off the clock", async () => {
  const order: string[] = [];
  const row: Row = {
    name: "pop",
    limit: undefined,
    prepare: () => Promise.resolve(void order.push("prepare")),
    run: () => order.push("run"),
    count: 2,
    width: 1,
    weight: 1,
  };
  await measure([row], 1, () => Promise.resolve(order.push("clock")));
  const slice = ["prepare", "clock", "run", "run", "clock"];
  assertEquals(order, [...slice, ...slice]);
});

const only = (value: number) => ({ median: value, least: value, most: value });

function result(name: string, ratio: number, stalled = 0): Result {
  return {
    name,
    limit: "echo",
    width: 1,
    p50Ms: ratio * 0.02,
    p99Ms: ratio * 0.1,
    perSecond: 50_000 / ratio,
    cpuUs: ratio * 20,
    ratio: only(ratio),
    cpuRatio: only(ratio),
    stalled: only(stalled),
    longestMs: 1,
  };
}

/** A report of one row, measured on any core and on one. */
function report(...rows: readonly Result[]): Report {
  const placements = rows.map((row, i) => ({
    core: i === 0 ? "any" as const : 0,
    rounds: 5,
    results: [row],
  }));
  return { runtime: "deno", version: "1", nodes: 3, placements };
}

const judged = [...Object.keys(TARGETS), ...BOUNDS.flatMap(({ rows }) => rows)];

for (const name of new Set(judged)) {
  Deno.test(`the judge refuses a collapse of "${name}", and nothing less`, () => {
    const bound = boundOf(name, "deno");
    assert(bound < Infinity);
    const [good, bad] = [
      result(name, bound * 0.99),
      result(name, bound * 1.01),
    ];
    assertEquals(failuresOf(report(good, good)), []);
    // What one placement shows alone is the scheduler's.
    assertEquals(failuresOf(report(good, bad)), []);
    assertEquals(failuresOf(report(bad, good)), []);
    const [failure] = failuresOf(report(bad, bad));
    assertEquals(failure!.name, name);
    assertStringIncludes(failure!.words, "deno, 3 nodes");
  });
}

Deno.test("the judge refuses operations that wait for late acknowledgements", () => {
  const row = (stalled: number, best = stalled) => ({
    ...result("set, every size", 1),
    stalled: { median: stalled, least: best, most: stalled },
  });
  assertEquals(failuresOf(report(row(0.04), row(0.04))), []);
  assertEquals(failuresOf(report(row(0.2), row(0))), []);
  // A busy machine has a better round.
  assertEquals(failuresOf(report(row(0.2, 0), row(0.2, 0))), []);
  const [failure] = failuresOf(report(row(0.2), row(0.2)));
  assertStringIncludes(failure!.words, "stalls");
  const echo = { ...row(0.2), name: "echo, 256 kB", limit: undefined };
  assertEquals(failuresOf(report(echo, echo)), []);
});

/** A report of one row, from a machine that gave a share of its core. */
function sharedReport(row: Result, share: number): Report {
  const echoes = { ...result("echoes", 1), limit: undefined };
  const perSecond = share * 1e6 / echoes.cpuUs;
  const both = report(row, row);
  const placements = both.placements.map(({ results, ...rest }) => ({
    ...rest,
    results: [{ ...echoes, perSecond }, ...results],
  }));
  return { ...both, placements };
}

Deno.test("on a busy machine the judge goes by processor time, and says so", () => {
  const slow = result("get, remote", 100);
  const waiting = { ...slow, cpuRatio: only(1) };
  assertEquals(failuresOf(sharedReport(waiting, 0.9)).length, 1);
  assertEquals(failuresOf(sharedReport(waiting, 0.5)), []);
  const [failure] = failuresOf(sharedReport(slow, 0.5));
  assertStringIncludes(failure!.words, "processor time");
  assert(!wasBusy(sharedReport(slow, 0.9)));
  assert(wasBusy(sharedReport(slow, 0.5)));
  assertStringIncludes(tableOf(sharedReport(slow, 0.5)), "was busy");
});

Deno.test("the judge knows no row that nobody measures", () => {
  const rows = [...new Set(judged)].map((name) => result(name, 1));
  const whole = { core: "any", rounds: 5, results: rows } as const;
  const measured = { ...report(), placements: [whole] };
  assertEquals(unmeasured(measured), []);
  const less = { ...whole, results: rows.slice(1) };
  assertEquals(unmeasured({ ...measured, placements: [less] }), [
    rows[0]!.name,
  ]);
});

Deno.test("a bound that is looser than twice the target says why, also in the README", async () => {
  const url = new URL("../../README.md", import.meta.url);
  const words = (text: string) => text.replace(/[\s|-]+/g, " ");
  const readme = words(await Deno.readTextFile(url));
  for (const { because } of BOUNDS) assert(because.length > 20);
  for (const line of boundsMarkdown()) {
    assertStringIncludes(readme, words(line));
  }
  const doubled = (target: Target) =>
    "timeMost" in target
      ? 2 * target.timeMost
      : "rateLeast" in target
      ? 2 / target.rateLeast
      : 0;
  for (const [name, target] of Object.entries(TARGETS)) {
    const isExcused = BOUNDS.some(({ rows }) => rows.includes(name));
    assert(isExcused || boundOf(name, "deno") === doubled(target), name);
  }
});

Deno.test("a bound of one runtime is no bound of another", () => {
  const own = BOUNDS.find(({ runtime }) => runtime !== undefined)!;
  const [row] = own.rows;
  assertEquals(boundOf(row!, own.runtime!), own.timeMost);
  assert(boundOf(row!, "another") !== own.timeMost);
});

Deno.test("worse is more, whether the target is a time, a rate or a moment", () => {
  const { ratio, ...rest } = result("a", 2);
  const measured = { ...rest, ratio };
  assertEquals(worseness({ timeMost: 1 }, measured), 2);
  assertEquals(worseness({ rateLeast: 1 }, measured), 2);
  assertEquals(worseness({ rateLeast: 0.5 }, measured), 1);
  assertEquals(worseness({ usMost: 20 }, measured), 2);
});

Deno.test("the judge refuses a real ring whose nodes answer 45 ms late", async () => {
  const rounds = 1;
  const rows = ["get, remote", "set, 3 copies", "get, every size"];
  const results = await run({
    runtime: await needRuntime("deno"),
    core: undefined,
    nodes: 3,
    rounds,
    scale: 0.02,
    only: rows,
    lateMs: 45,
  });
  const late: Report = {
    runtime: "deno",
    version: Deno.version.deno,
    nodes: 3,
    placements: [{ core: "any", rounds, results }],
  };
  assertEquals(results.map(({ name }) => name), ["echo", "echoes", ...rows]);
  const failures = failuresOf(late);
  assertEquals(failures.map(({ name }) => name), rows);
  // The last one has no echo to be slower than: its operations stall.
  assertStringIncludes(failures.at(-1)!.words, "stalls");
  assertStringIncludes(tableOf(late), "missed  at most 1.2");
});

Deno.test("the work of a case that is timed is done, and counted by its weight", () => {
  const input = new Uint8Array(64);
  const hashes = (count: number) => () => {
    for (let i = 0; i < count; i++) sha256(input);
  };
  const group = "hashes";
  const [one, many, each] = time([
    { group, name: "one", run: hashes(1) },
    { group, name: "fifty", run: hashes(50) },
    { group, name: "of fifty, each", run: hashes(50), weight: 50 },
  ], { rounds: 5, batchMs: 0.2 });
  // Whoever left the work out would find them the same.
  assert(many!.median > 5 * one!.median);
  assert(each!.median < many!.median / 5);
  assert(one!.low <= one!.median && one!.median <= one!.high);
});
