/**
 * The network in which every node has everything: whole runs, and what must be
 * caught in them.
 */
import { assert, assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { EVERYWHERE } from "../../src/base/options.ts";
import type { Dict } from "../../src/dict/dict.ts";
import { EventsInVersionOrder } from "../../src/testing/checkers.ts";
import type { CreateMachine } from "../../src/testing/node.ts";
import { createChordMachine, runSeed } from "../../src/testing/run.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import { Violation } from "../../src/testing/simulator.ts";
import { swarmOptions } from "../../src/testing/swarm.ts";

const SYNC = { replicas: EVERYWHERE };

/** A node in whose eyes nothing ever differs. */
const blind: CreateMachine = (options, random, at) => {
  const machine = createChordMachine(options, random, at);
  const dict = machine.dict as Dict;
  const onMessage = dict.onMessage.bind(dict);
  dict.onMessage = (message, from) =>
    onMessage(
      message.type === "digest" ? { ...message, parts: [] } : message,
      from,
    );
  return machine;
};

/** What ends a story, if it is a violation. */
function endOf(story: () => void): string {
  try {
    story();
  } catch (error) {
    if (error instanceof Violation) return error.check;
    throw error;
  }
  return "nothing";
}

Deno.test("every node has every entry, pages too", () => {
  const ring = new Ring(SYNC);
  ring.found("A");
  ring.leech("P", "A");
  ring.leech("Q", "A");
  ring.settle();
  ring.set("P", "k", "of a page");
  assertEquals(ring.copies("k"), ["A", "P", "Q"]);
  assertEquals(ring.pop("Q", "k"), "of a page");
  assertEquals(ring.get("A", "k"), undefined);
});

Deno.test("two that each had a ring of its own become one, with all they had", () => {
  const ring = new Ring(SYNC);
  ring.found("A");
  ring.found("B");
  for (let i = 0; i < 300; i++) {
    ring.set("A", `a${i}`, "v");
    ring.set("B", `b${i}`, "v");
  }
  ring.connect("A", "B");
  ring.settle();
  for (let i = 0; i < 300; i++) {
    assertEquals(ring.copies(`a${i}`), ["A", "B"]);
    assertEquals(ring.copies(`b${i}`), ["A", "B"]);
  }
});

Deno.test("halves that were apart converge, and no delete comes back", () => {
  const ring = new Ring(SYNC);
  ring.grow(6);
  for (const key of ["same", "left", "right", "gone"]) ring.set("A", key, "v");
  ring.split("ABC", "DEF");
  ring.run(20_000);
  ring.set("A", "left", "of the left");
  ring.set("E", "right", "of the right");
  ring.set("A", "same", "of the left");
  ring.set("F", "same", "of the right");
  ring.delete("B", "gone");
  ring.heal();
  ring.settle();
  for (const name of "ABCDEF") {
    assertEquals(ring.get(name, "left"), "of the left");
    assertEquals(ring.get(name, "right"), "of the right");
    assertEquals(ring.get(name, "same"), "of the right");
    assertEquals(ring.get(name, "gone"), undefined);
  }
});

Deno.test("a page that stands still costs each write a second, and then none", () => {
  const ring = new Ring(SYNC);
  ring.found("A");
  ring.leech("P", "A");
  ring.leech("Q", "A");
  ring.settle();
  ring.pause("P");
  const startMs = ring.nowMs;
  ring.set("A", "k", "v");
  const firstMs = ring.nowMs - startMs;
  assert(firstMs >= 1_000 && firstMs < 2_000, `${firstMs} ms`);
  ring.run(15_000);
  const laterMs = ring.nowMs;
  ring.set("A", "k", "w");
  assert(ring.nowMs - laterMs < 100, `${ring.nowMs - laterMs} ms`);
  ring.resume("P");
  ring.settle();
  assertEquals(ring.copies("k"), ["A", "P", "Q"]);
});

Deno.test("of two nodes the one that goes on waits until the other is given up", () => {
  const ring = new Ring(SYNC);
  ring.found("A");
  ring.leech("P", "A");
  ring.settle();
  ring.pause("P");
  const value = utf8("v");
  const set = { type: "set", key: value, value, timeoutMs: 20_000 } as const;
  const startMs = ring.nowMs;
  assertEquals(ring.attempt("A", { ...set, timeoutMs: 3_000 }).type, "failed");
  assertEquals(ring.attempt("A", set).type, "ok");
  const waitedMs = ring.nowMs - startMs;
  assert(waitedMs > 4_000 && waitedMs < 15_000, `${waitedMs} ms`);
});

Deno.test("each node compares with two others in a round, however many there are", () => {
  const asked = new Map<number, number>();
  for (const count of [4, 16]) {
    let digests = 0;
    const create: CreateMachine = (options, random, at) => {
      const machine = createChordMachine(options, random, at);
      const dict = machine.dict as Dict;
      const onMessage = dict.onMessage.bind(dict);
      dict.onMessage = (message, from) => {
        if (message.type === "digest") digests++;
        onMessage(message, from);
      };
      return machine;
    };
    const ring = new Ring({ ...SYNC, create });
    ring.grow(count);
    ring.set("A", "k", "v");
    ring.run(10_000);
    digests = 0;
    ring.run(60_000);
    asked.set(count, digests / count);
  }
  // Six rounds, two others, two arcs, of which one passes the line's end.
  for (const each of asked.values()) assert(each > 28 && each < 40, `${each}`);
});

Deno.test("a node that comes is filled by one other at a time", () => {
  const from = new Set<string>();
  let pulls = 0;
  const create: CreateMachine = (options, random, at) => {
    const machine = createChordMachine(options, random, at);
    const dict = machine.dict as Dict;
    const onMessage = dict.onMessage.bind(dict);
    dict.onMessage = (message, sender) => {
      if (message.type === "pullRange") {
        pulls++;
        from.add(machine.id);
      }
      assert(message.type !== "push" || message.request === 0, "a push");
      onMessage(message, sender);
    };
    return machine;
  };
  const ring = new Ring({ ...SYNC, create });
  ring.grow(5);
  const [pages, perPage] = [8, 1024];
  for (let i = 0; i < pages * perPage; i++) ring.set("A", `key ${i}`, "v");
  ring.join("F", "A");
  ring.settle();
  assert(pulls >= pages && pulls < 3 * pages, `${pulls} pages`);
  assert(from.size <= 2, `${from.size} sources`);
  // It may be alone with entries of its own as well: nobody pushes then either.
  ring.found("G");
  ring.set("G", "own", "v");
  ring.connect("G", "A");
  ring.settle();
  assertEquals(ring.copies("own"), [..."ABCDEFG"]);
});

Deno.test("convergedReplicas convicts nodes that find no difference", () => {
  const end = endOf(() => {
    const ring = new Ring({ ...SYNC, create: blind });
    ring.found("A");
    ring.set("A", "k", "v");
    ring.join("B", "A");
    ring.settle();
  });
  assertEquals(end, "convergedReplicas");
  // So do whole runs, in which there are partitions.
  const options = swarmOptions(1, { sync: true, minutes: 3 });
  assert(options.faults.split > 0);
  assertEquals(runSeed(options).violation, undefined);
  const { violation } = runSeed(options, { create: blind });
  assertEquals(violation?.check, "convergedReplicas");
});

Deno.test("a network that forgets its deletes is convicted", () => {
  const end = endOf(() => {
    const ring = new Ring({
      ...SYNC,
      timings: { tombstoneMs: 1_000, antiEntropyMs: 1_000 },
    });
    ring.grow(4);
    ring.set("A", "k", "v");
    ring.pause("D");
    ring.run(15_000);
    ring.delete("A", "k");
    ring.run(15_000);
    ring.resume("D");
    ring.settle();
  });
  assert(/noLostWrite|copiesAreDroppedSafely|noResurrected/.test(end), end);
});

Deno.test("toldOfAll convicts a node that stores in silence", () => {
  const order = new EventsInVersionOrder();
  const ring = new Ring(SYNC);
  ring.found("A");
  ring.set("A", "k", "v");
  assert(order.checkLast(ring.simulator.nodes)?.includes("was told nothing"));
});
