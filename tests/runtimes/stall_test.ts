import { assert } from "@std/assert";
import { type RuntimeName, runtimeTest } from "../../scripts/runtimes_found.ts";
import { Member } from "./members.ts";

/** On both sides of every size at which the kernel or Deno does another thing. */
const SIZES = [64, 1000, 1024, 1100, 4000, 16_000, 60_000, 66_000, 262_144];
const TRIES = 9;

/** A delayed acknowledgement costs 40 ms. */
const MEDIAN_MS_MAX = 25;

const pairs: readonly (readonly [from: RuntimeName, to: RuntimeName])[] = [
  ["deno", "bun"],
  ["deno", "node22"],
  ["bun", "deno"],
  ["node22", "deno"],
  ["node22", "bun"],
];

for (const [from, to] of pairs) {
  await runtimeTest(
    [from, to],
    `no value size makes ${from} wait for an acknowledgement of ${to}`,
    async (runtimes) => {
      await using member = await Member.start(runtimes[to]);
      const options = { seeds: [member.url], isLeaf: true };
      await using leaf = await Member.start(runtimes[from], options);
      for (const size of SIZES) {
        const value = "x".repeat(size);
        const times: number[] = [];
        for (let i = 0; i < TRIES; i++) {
          const startMs = performance.now();
          await leaf.call("set", "key", value);
          times.push(performance.now() - startMs);
        }
        const median = times.toSorted((a, b) => a - b)[TRIES >> 1]!;
        assert(median < MEDIAN_MS_MAX, `${size} bytes took ${median} ms`);
      }
    },
  );
}
