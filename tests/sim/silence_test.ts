import { assert } from "@std/assert";
import {
  Population,
  ringIsKnown,
  unaware,
} from "../../src/testing/population.ts";
import { createChordMachine } from "../../src/testing/run.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import { Health } from "../../src/wire/messages.ts";

const NODES = 100;
/** PROTOCOL, section 8: silent failures are known to all within this. */
const KNOWN_MAX_MS = 5_000;

/** A ring in one or two data centres, in which everybody knows everybody. */
function ringOf(seed: number): Population {
  const population = new Population({
    seed,
    create: createChordMachine,
    network: {
      latencyMinMs: 1,
      latencyMaxMs: 10,
      jitter: 0.2,
      bytesPerMs: Infinity,
      roomBytes: 1024 * 1024,
    },
    replicas: 3,
  });
  population.grow(NODES, 100);
  population.run(1_000);
  const isKnown = () =>
    population.nodes.length === NODES && ringIsKnown(population.nodes);
  assert(population.until(isKnown, 250, 60_000));
  population.run(10_000);
  return population;
}

Deno.test("eight of a hundred that fall silent at once are dead for all within 5 s", () => {
  // News of each go through some of the others, of which nobody knows yet.
  for (const seed of [4, 6]) {
    const population = ringOf(seed);
    const gone = Array.from({ length: 8 }, () => {
      const victim = population.pickActive()!;
      population.kill(victim, true);
      return victim.machine.id;
    });
    const isKnown = () =>
      gone.every((id) => unaware(id, population.nodes) === 0);
    const areKnown = population.until(isKnown, 20, KNOWN_MAX_MS);
    assert(areKnown, `seed ${seed}: not all known after ${KNOWN_MAX_MS} ms`);
  }
});

Deno.test("a node that stops again as soon as it goes on is not taken for dead", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const ring = new Ring({ seed });
    ring.grow(10);
    const { id } = ring.node("C").machine;
    for (let i = 0; i < 20; i++) {
      ring.pause("C");
      for (let passedMs = 0; passedMs < 2_000; passedMs += 40) {
        ring.run(40);
        for (const { name, machine } of ring.simulator.nodes) {
          const record = machine.members.find((member) => member.id === id)!;
          const isThere = record.health <= Health.suspect;
          assert(isThere, `seed ${seed}: ${name} gives C up in pause ${i}`);
        }
      }
      ring.resume("C");
      // Time for what it hears, and for what it says to that; hardly for more.
      ring.run(40);
    }
  }
});

Deno.test("a node that goes on for 10 ms between two pauses has been told what it has to refute", () => {
  for (const firstMs of [1736, 1778, 1820]) {
    const population = ringOf(1);
    const { simulator, nodes } = population;
    const paused = nodes[7]!;
    const { id } = paused.machine;
    simulator.pause(paused);
    population.run(firstMs);
    simulator.resume(paused);
    population.run(10);
    simulator.pause(paused);
    for (let passedMs = 0; passedMs < 2_000; passedMs += 40) {
      population.run(40);
      const isGivenUp = nodes.some(({ machine }) =>
        machine.member(id)!.health > Health.suspect
      );
      assert(!isGivenUp, `after ${passedMs} ms of the second pause`);
    }
  }
});
