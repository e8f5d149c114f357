import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Child } from "../../scripts/children.ts";
import { picture } from "../../scripts/demo/picture.ts";
import { Latencies, shownMs } from "../../scripts/latencies.ts";
import { countsOf, runtimesOf } from "../../scripts/test.ts";

const NODE = new URL("../../scripts/demo/node.ts", import.meta.url);

Deno.test("the test task counts what the runner's closing line says", () => {
  const line = "\x1b[0m\x1b[32mok\x1b[0m | 12 passed (3 steps) | 0 failed " +
    "| 2 ignored \x1b[38;5;245m(5s)\x1b[0m\n";
  assertEquals(countsOf(`a ... ok (1ms)\n\n${line}\n`), {
    passed: 12,
    failed: 0,
    skipped: 2,
  });
  assertEquals(countsOf("FAILED | 1 passed | 2 failed (1 step) (9ms)\n"), {
    passed: 1,
    failed: 2,
    skipped: 0,
  });
});

Deno.test("the test task is not fooled by a run without a closing line", () => {
  assertEquals(countsOf("error: Type checking failed.\n"), undefined);
  assertEquals(countsOf("said: ok | 5 passed | 0 failed\n"), undefined);
});

Deno.test("the test task reads which runtimes ran from the names of tests", () => {
  const line = "\x1b[38;5;245m./a.ts => \x1b[0mit works [bun, node22] ... " +
    "\x1b[0m\x1b[32mok\x1b[0m (1s)";
  assertEquals(runtimesOf(line), ["bun", "node22"]);
  assertEquals(runtimesOf("it works [bun] ... FAILED (1s)"), ["bun"]);
  assertEquals(runtimesOf("it works [workerd] ... ignored (0ms)"), []);
  assertEquals(runtimesOf("a list [a, b] ... ok (0ms)"), []);
});

Deno.test("quantiles are times that were measured", () => {
  const latencies = new Latencies();
  assert(Number.isNaN(latencies.quantile(0.5)));
  latencies.add(...Array.from({ length: 100 }, (_, i) => 100 - i));
  assertEquals(latencies.count, 100);
  assertEquals(latencies.quantile(0), 1);
  assertEquals(latencies.quantile(0.5), 51);
  assertEquals(latencies.quantile(0.99), 100);
  assertEquals(latencies.over(90), 10);
});

Deno.test("times are shown in the unit that a reader wants", () => {
  assertEquals(shownMs(0.0425), "43 µs");
  assertEquals(shownMs(4.256), "4.26 ms");
  assertEquals(shownMs(425.6), "426 ms");
});

Deno.test("the picture has each member where it is, and its share of the ring", () => {
  const marks = [
    { name: "B", through: "8" + "0".repeat(31), share: 0.25, entries: 7 },
    { name: "A", through: "4" + "0".repeat(31), share: 0.75, entries: 12 },
  ];
  const [line, a, b] = picture(marks).split("\n");
  assertEquals(line!.indexOf("B") - line!.indexOf("A"), 16);
  assertMatch(a!, /A {2}at 40000000….* 75% .*12 entries/);
  assertMatch(b!, /B {2}at 80000000….* 25% .*7 entries/);
});

Deno.test("a child process answers, says what went wrong, and ends when told", async () => {
  const child = new Child("node", NODE);
  try {
    assertMatch(await child.call<string>("listen"), /^ws:\/\/127\.0\.0\.1:\d+/);
    await assertRejects(() => child.call("fly"), Error, "node said: TypeError");
    // Asked just before the end: it may have been answered or not.
    const asked = child.call("listen").catch(() => {});
    await child.kill();
    await asked;
    await assertRejects(() => child.call("listen"), Error, "it has ended");
  } finally {
    await child.kill();
  }
});
