import { assert } from "@std/assert";
import { spawnMember, textSocket } from "../api/fixture.ts";

/** On both sides of every size at which the kernel or Deno does another thing. */
const SIZES = [0, 64, 900, 1000, 1024, 1100, 4000, 16_000, 60_000, 66_000];

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1]!;
}

async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

Deno.test("no value size makes a dialling node wait for a delayed acknowledgement", async (t) => {
  const member = await spawnMember();
  const sock = textSocket({ replicas: 1 });
  try {
    await sock.connect(member.url);
    for (const size of SIZES.concat(130_000, 262_144)) {
      await t.step(`${size} bytes`, async () => {
        const value = "x".repeat(size);
        const single: number[] = [];
        const several: number[] = [];
        for (let i = 0; i < 15; i++) {
          single.push(await timeOf(() => sock.set("key", value)));
          several.push(
            await timeOf(() =>
              // Each in a turn of its own, none waiting for the one before.
              Promise.all([0, 1, 2, 3].map(async (at) => {
                for (let turn = 0; turn < at; turn++) await null;
                await sock.set(`key ${at}`, value);
              }))
            ),
          );
        }
        const [one, four] = [median(single), median(several)];
        assert(one < 25, `one took ${one.toFixed(1)} ms`);
        assert(four < 35, `four took ${four.toFixed(1)} ms`);
      });
    }
  } finally {
    await sock.close();
    await member.kill();
  }
});
