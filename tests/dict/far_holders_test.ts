import { assert, assertEquals } from "@std/assert";
import { Lookups } from "../../src/testing/overheard.ts";
import { Population, ringIsKnown } from "../../src/testing/population.ts";

/** A ring in which not all are linked, and each way takes so long. */
function ringOf(wayMs: number): { population: Population; lookups: Lookups } {
  const lookups = new Lookups();
  const population = new Population({
    seed: 1,
    create: lookups.create,
    network: {
      latencyMinMs: wayMs,
      latencyMaxMs: wayMs,
      jitter: 0,
      bytesPerMs: Infinity,
      roomBytes: 1024 * 1024,
    },
    replicas: 3,
  });
  population.grow(72, 20);
  population.run(4_000);
  const isKnown = () =>
    population.nodes.length === 72 && ringIsKnown(population.nodes);
  assert(population.until(isKnown, 250, 60_000));
  lookups.write(population, 40);
  population.run(10_000);
  return { population, lookups };
}

/** Has each node look for some keys, and waits until all have an answer. */
function lookAround(population: Population, lookups: Lookups): void {
  lookups.forget();
  for (const [i, node] of population.nodes.entries()) {
    const at = 7 * i % lookups.keys.length;
    lookups.look(population, node, lookups.keys[at]!);
  }
  assert(population.until(() => lookups.underWay === 0, 100, 20_000));
  assertEquals([lookups.failed, lookups.wrong], [0, 0]);
}

Deno.test("a holder that is asked through others has the time that the way takes", () => {
  // There and back through one other node: 56 ms.
  const { population, lookups } = ringOf(14);
  lookAround(population, lookups);
  assert(lookups.hops > lookups.firstTry, "some go through others");
  assertEquals(lookups.retries, []);
});

Deno.test("control: where the way takes longer than that, the next one is asked", () => {
  const { population, lookups } = ringOf(28);
  lookAround(population, lookups);
  assert(lookups.retries.length > 0);
});
