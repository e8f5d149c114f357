/** Who is found at which url. */
import { assertEquals } from "@std/assert";
import { idleIsCheap } from "../../src/testing/checkers.ts";
import { createChordMachine } from "../../src/testing/run.ts";
import { Ring } from "../../src/testing/scenarios.ts";

Deno.test("who comes back without knowing anybody is found by those who once connected to it", () => {
  for (const others of ["B", "BC"]) {
    const ring = new Ring();
    ring.found("A");
    for (const name of others) ring.join(name, "A");
    ring.settle();
    // Who is linked to a leaf is not alone, and still has lost the others.
    ring.leech("L", "B");
    ring.settle();
    ring.set("B", "kept", "by the others");
    ring.leave("A");
    ring.settle();
    ring.found("A");
    ring.settle();
    assertEquals(ring.get("A", "kept"), "by the others");
  }
});

Deno.test("nodes that were all given the url of one of them do not take each other for dead", () => {
  const ring = new Ring({
    create: (options, random, at) =>
      createChordMachine({ ...options, url: "ws://a.test/" }, random, at),
  });
  ring.found("A");
  ring.settle();
  for (const name of "BCD") ring.join(name, "A");
  ring.settle();
  // A dial may have found another one than was meant: once.
  ring.run(20_000);
  const before = ring.simulator.nodes.map(({ machine }) => machine.stats);
  for (let i = 0; i < 100; i++) {
    ring.run(100);
    for (const { name, machine } of ring.simulator.nodes) {
      const gone = machine.members.filter(({ health }) => health > 0);
      assertEquals(gone, [], `what ${name} believes`);
    }
  }
  assertEquals(idleIsCheap(ring.simulator.nodes, before, 10_000), undefined);
  ring.set("B", "k", "v");
  for (const name of "ABCD") assertEquals(ring.get(name, "k"), "v");
});
