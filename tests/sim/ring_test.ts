/**
 * The upkeep of the ring in the simulated world, with real failure detectors
 * and successor lists of two, so that seven members keep up a ring.
 */
import { assert, assertEquals } from "@std/assert";
import { ringOf, RingWatch, unevenRing } from "../../src/testing/ring_watch.ts";
import { Ring } from "../../src/testing/scenarios.ts";

const NAMES = "ABCDEFGHI";
const L = 2;

/** Nine members whose ring is as it should be. */
function nine(): Ring {
  const ring = new Ring({ successors: L });
  ring.grow(NAMES.length);
  return ring;
}

/** How often members had to mend what differed from their tables. */
function repairs(ring: Ring): number {
  return ring.simulator.nodes
    .reduce((sum, { machine }) => sum + machine.stats.ringRepairs, 0);
}

Deno.test("members that join at once come to be one ideal ring, without the table", () => {
  const ring = nine();
  assertEquals(unevenRing(ring.simulator.nodes, L), ["idealRing", undefined]);
  const state = ringOf(ring.simulator.nodes, L);
  assert(state !== undefined);
  assertEquals(new RingWatch().look(state), undefined);
  assertEquals(repairs(ring), 0);
});
