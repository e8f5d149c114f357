import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { memory, scans } from "../../scripts/bench/costs/alone.ts";
import {
  type Effort,
  type Figure,
  isMet,
  shownFigure,
} from "../../scripts/bench/costs/figures.ts";
import { handOver, idle } from "../../scripts/bench/costs/together.ts";
import { needRuntime } from "../../scripts/runtimes_found.ts";

/** As little as shows that something is measured. */
const LITTLE: Effort = {
  entries: 2_000,
  scanned: 100,
  handedBytes: 2e6,
  quietMs: 100,
  calmMs: 0,
  idleMs: 100,
  starts: 1,
  rings: [2],
};

function find(figures: readonly Figure[], start: string): number {
  const figure = figures.find(({ name }) => name.startsWith(start));
  assert(figure !== undefined, `${start} is not there`);
  return figure.value;
}

Deno.test("a figure meets its target, misses it, or has none", () => {
  assertEquals(isMet({ value: 350, most: 350 }), true);
  assertEquals(isMet({ value: 351, most: 350 }), false);
  assertEquals(isMet({ value: 0.5, least: 0.5 }), true);
  assertEquals(isMet({ value: 0.49, least: 0.5 }), false);
  assertEquals(isMet({ value: 1 }), undefined);
  const figure = { name: "a", unit: "B", value: 351 };
  assertStringIncludes(shownFigure({ ...figure, most: 350 }), "missed");
  assertStringIncludes(shownFigure({ ...figure, most: 400 }), "ok");
});

Deno.test("the costs of a node by itself are measured", async () => {
  const runtime = await needRuntime("deno");
  const room = await memory(runtime, LITTLE);
  // Two thousand entries weigh less than what a young process takes up.
  assert(Number.isFinite(find(room, "resident memory of 2000 entries")));
  assert(find(room, "storing them") > 0);
  const looks = await scans(runtime, LITTLE);
  for (const start of ["size()", "keys()", "items()"]) {
    assert(find(looks, `${start} of 100 entries`) > 0);
  }
});

Deno.test("what is handed over is measured, and read meanwhile", async () => {
  const figures = await handOver(await needRuntime("deno"), LITTLE);
  const handed = (name: string) => {
    const figure = figures.find((one) => one.name.startsWith(`${name}: `));
    const mb = /(\d+) MB a second/.exec(figure!.name)![1];
    assert(figure!.value > 0);
    return Number(mb);
  };
  // The newcomer takes about half of it, and then the rest.
  const [joined, left] = [handed("join"), handed("leave")];
  assert(joined >= 1 && left >= 1 && joined + left === 4);
  assertEquals(find(figures, "join: reads that rejected"), 0);
  assertEquals(find(figures, "leave: reads that rejected"), 0);
  assert(find(figures, "a bare socket") > 0);
});

Deno.test("what nodes take that do nothing is measured", async () => {
  const figures = await idle(await needRuntime("deno"), LITTLE);
  for (const what of ["a core", "bytes sent", "WebSocket messages"]) {
    const value = find(figures, `idle, 2 nodes: ${what}`);
    assert(Number.isFinite(value) && value >= 0);
  }
});
