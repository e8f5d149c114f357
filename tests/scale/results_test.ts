import { assert, assertEquals } from "@std/assert";
import { type Results, tableOf, valuesOf } from "../../scripts/scale.ts";
import { problemsOf, SPECS, type Values } from "../../scripts/scale/figures.ts";
import { jobsFor } from "../../scripts/scale/jobs.ts";
import { REASONS } from "../../scripts/scale/reasons.ts";

const results: Results = JSON.parse(
  await Deno.readTextFile(new URL("results.json", import.meta.url)),
);
const values = valuesOf(results);

Deno.test("every figure of the kept results is as wanted, or it is said why not", () => {
  assertEquals(problemsOf(values, SPECS, REASONS), []);
  for (const id of Object.keys(REASONS)) {
    const isKnown = SPECS.some((spec) => spec.id === id);
    assert(isKnown, `a reason for "${id}", which is no figure`);
  }
});

Deno.test("the kept results are what the jobs measure", () => {
  const jobs = jobsFor(false);
  const small = jobsFor(true);
  for (const [name, { sizes }] of Object.entries(results)) {
    const known = [jobs[name]?.sizes, small[name]?.sizes];
    assert(known.includes(sizes), `${name}: ${sizes}`);
  }
  // The one that is quick enough to be made again.
  assertEquals(results.hops!.values, jobs.hops!.run());
});

Deno.test("control: a figure that is missing or misses is found, and one with a reason is not", () => {
  const wanted: Values = Object.fromEntries(
    SPECS.map(({ id, max, min }) => [id, max ?? min ?? 1]),
  );
  assertEquals(problemsOf(wanted, SPECS, {}), []);
  for (const { id, max, min } of SPECS) {
    const { [id]: _, ...rest } = wanted;
    assertEquals(problemsOf(rest, SPECS, {}), [`${id} was not measured`]);
    const worse = max !== undefined
      ? max + 0.01
      : min !== undefined
      ? min - 0.01
      : NaN;
    const missed = problemsOf({ ...wanted, [id]: worse }, SPECS, {});
    assertEquals(missed.length, 1, id);
    if (Number.isNaN(worse)) continue;
    const why = { [id]: "for a reason" };
    assertEquals(problemsOf({ ...wanted, [id]: worse }, SPECS, why), []);
  }
});

Deno.test("the table has a line for each figure", () => {
  const lines = tableOf(values).join("\n").split("\n")
    .filter((line) => !line.startsWith("  MISSED"));
  assertEquals(lines.length, SPECS.length + 1);
});
