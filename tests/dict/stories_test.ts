import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { below, SeededRandom } from "../../src/base/random.ts";
import { Dict } from "../../src/dict/dict.ts";
import type { Found } from "../../src/dict/operations.ts";
import type { CreateMachine, Outcome } from "../../src/testing/node.ts";
import { createChordMachine } from "../../src/testing/run.ts";
import { distance } from "../../src/id/ring.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import { Role } from "../../src/wire/messages.ts";
import { valueText } from "../../src/testing/history.ts";

const WIDE = { latencyMinMs: 1, latencyMaxMs: 80, jitter: 1 };

/** Writes and reads in turn at any of `nodes`: a read sees the last write. */
function assertRegister(
  ring: Ring,
  nodes: () => string,
  seed: number,
  turns: number,
): void {
  const random = new SeededRandom(seed, "register");
  const any = () => {
    const names = nodes();
    return names[below(random, names.length)]!;
  };
  for (let turn = 0; turn < turns; turn++) {
    const key = `key ${turn % 7}`;
    ring.set(any(), key, `${turn}`);
    const reader = any();
    assertEquals(ring.get(reader, key), `${turn}`, `${key} at ${reader}`);
  }
}

Deno.test("a read sees the last acknowledged write, whoever wrote and reads", () => {
  for (const seed of [1, 2, 3]) {
    const ring = new Ring({ seed, network: WIDE });
    ring.grow(5);
    assertRegister(ring, () => "ABCDE", seed, 60);
  }
});

Deno.test("reads stay right while members join, also at the joiners", () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const ring = new Ring({ seed, network: WIDE });
    ring.grow(2);
    let there = "AB";
    for (const name of "CDEFG") {
      ring.join(name, "A");
      const members = there;
      assertRegister(ring, () => members, seed, 15);
      there += name;
    }
    ring.settle();
    assertRegister(ring, () => there, seed, 30);
  }
});

Deno.test("reads stay right while members leave", () => {
  for (const seed of [1, 2, 3, 4]) {
    const ring = new Ring({ seed, network: WIDE });
    ring.grow(6);
    for (const [name, rest] of [["B", "ACDEF"], ["E", "ACDF"], ["A", "CDF"]]) {
      let left = false;
      ring.simulator.call(
        ring.node(name!),
        { type: "leave", timeoutMs: 30_000 },
        (outcome) => left = outcome.type === "ok",
      );
      assertRegister(ring, () => rest!, seed, 25);
      for (let i = 0; i < 60 && !left; i++) ring.run(500);
      assert(left, `${name} has left`);
    }
    // What reached them late is handed on, and dropped a minute later.
    ring.run(70_000);
    for (const name of "BEA") {
      assertEquals([...ring.node(name).machine.dict.copies()], []);
    }
  }
});

/** Starts a pop at `at`, and kills the first holder `afterMs` later. */
function popThroughCrash(afterMs: number): string {
  const ring = new Ring({ seed: 3 });
  ring.grow(5);
  ring.leech("L", "A");
  ring.settle();
  ring.set("L", "job", "the value");
  const first = ring.holders("job")[0]!;
  let outcome: Outcome | undefined;
  ring.simulator.call(
    ring.node("L"),
    { type: "pop", key: utf8("job"), timeoutMs: 20_000 },
    (ended) => outcome = ended,
  );
  ring.run(afterMs);
  ring.crash(first);
  ring.settle();
  ring.run(20_000);
  assert(outcome !== undefined);
  const left = ring.get("L", "job");
  if (outcome.type === "ok") {
    assertEquals(valueText((outcome.value as Found).value!), "the value");
    assertEquals(left, undefined, "what was popped is gone");
    return "popped";
  }
  assert(outcome.type === "failed" && outcome.error.applied === "maybe");
  return "unknown";
}

Deno.test("a pop whose first holder dies on the way gives the value all the same", () => {
  // 2 ms a hop: before, while and after the holder works on it.
  const ends = [0, 1, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 7]
    .map((afterMs) => popThroughCrash(afterMs));
  assertEquals(new Set(ends), new Set(["popped"]));
});

Deno.test("of many pops at once each value goes to exactly one", () => {
  const ring = new Ring({ seed: 4, network: WIDE });
  ring.grow(5);
  const values = Array.from({ length: 12 }, (_, i) => `value ${i}`);
  for (const [i, value] of values.entries()) ring.set("A", `k${i}`, value);
  const taken: string[] = [];
  let open = 0;
  for (const at of "ABCDEABCDEABCDE") {
    open++;
    ring.simulator.call(
      ring.node(at),
      { type: "popItem", timeoutMs: 5_000 },
      (outcome) => {
        open--;
        assert(outcome.type === "ok");
        const item = outcome.value as Required<Found> | undefined;
        if (item !== undefined) taken.push(valueText(item.value!));
      },
    );
  }
  ring.run(10_000);
  assertEquals(open, 0);
  assertEquals(taken.sort(), values.sort());
});

Deno.test("a scan gives every key once while members come and go", () => {
  const ring = new Ring({ seed: 5, network: WIDE });
  ring.grow(4);
  const keys = Array.from({ length: 60 }, (_, i) => `key ${i}`);
  for (const key of keys) ring.set("B", key, "v");
  ring.join("E", "A");
  ring.crash("C");
  const seen: string[] = [];
  let after: string | undefined;
  do {
    const page = ring.ask("A", {
      type: "scan",
      after,
      values: false,
      timeoutMs: 20_000,
    }) as { entries: { key: Uint8Array }[]; next: string | undefined };
    for (const { key } of page.entries) {
      seen.push(new TextDecoder().decode(key));
    }
    after = page.next;
  } while (after !== undefined);
  assertEquals(seen.sort(), keys.sort());
});

/** Cuts B off for `awayMs`, deletes meanwhile, and lets it come back. */
function comeBackAfter(awayMs: number): Ring {
  const timings = { tombstoneMs: 600_000 };
  const ring = new Ring({ seed: 6, timings });
  ring.grow(5);
  for (let i = 0; i < 20; i++) {
    const [key, value] = [utf8(`key ${i}`), utf8("v")];
    // Not by `set` and `delete`, whose promises are watched: all of it is to be
    // forgotten.
    ring.ask("A", { type: "set", key, value, timeoutMs: 5_000 });
  }
  ring.cut("B", "both");
  ring.run(60_000);
  for (let i = 0; i < 20; i++) {
    const key = utf8(`key ${i}`);
    ring.ask("A", { type: "delete", key, timeoutMs: 5_000 });
  }
  ring.run(awayMs);
  ring.heal();
  ring.run(120_000);
  return ring;
}

Deno.test("a member that was away comes back, and what was deleted does not", () => {
  const ring = comeBackAfter(300_000);
  ring.settle();
  for (let i = 0; i < 20; i++) {
    assertEquals(ring.get("B", `key ${i}`), undefined);
  }
});

Deno.test("a member away for longer than deletes are remembered stays outside", () => {
  const ring = comeBackAfter(800_000);
  const own = [...ring.node("B").machine.dict.copies()];
  assert(own.length > 5 && own.every(({ value }) => value), "as it was");
  const { machine } = ring.node("A");
  assertEquals([...machine.dict.copies()], [], "the tombstones are dropped");
  for (let i = 0; i < 20; i++) {
    assertEquals(ring.get("A", `key ${i}`), undefined);
  }
  ring.crash("B");
  ring.join("B", "A");
  ring.settle();
  for (let i = 0; i < 20; i++) {
    assertEquals(ring.get("B", `key ${i}`), undefined, "in a new process");
  }
});

Deno.test("a joiner has all that it will hold before it is active", () => {
  const ring = new Ring({ seed: 7, network: WIDE });
  ring.grow(4);
  const keys = Array.from({ length: 60 }, (_, i) => `key ${i}`);
  for (const key of keys) ring.set("A", key, "v");
  ring.join("E", "A");
  const { machine } = ring.node("E");
  const own = () => machine.members.find(({ id }) => id === machine.id)!;
  while (own().role !== Role.active) ring.run(1);
  const held = keys.filter((key) => ring.holders(key).includes("E"));
  assert(held.length > 10);
  for (const key of held) assert(ring.copies(key).includes("E"), key);
});

Deno.test("a joiner pulls each of its ranges from one holder only", () => {
  const pulled: string[] = [];
  const create: CreateMachine = (options, random, at) => {
    const machine = createChordMachine(options, random, at);
    const { dict } = machine;
    assert(dict instanceof Dict);
    const onMessage = dict.onMessage.bind(dict);
    dict.onMessage = (message, sender) => {
      if (message.type === "pullRange") pulled.push(message.after);
      onMessage(message, sender);
    };
    return machine;
  };
  const ring = new Ring({ create });
  ring.grow(4);
  // So many that they are not listed one by one.
  for (let i = 0; i < 3_000; i++) ring.set("A", `key ${i}`, "v");
  ring.join("F", "A");
  ring.settle();
  assert(pulled.length > 0);
  assertEquals(pulled.length, new Set(pulled).size, "asked twice");
});

Deno.test("joiners that come at once spread over the ring", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const ring = new Ring({ seed, network: WIDE });
    ring.grow(8);
    const arcs = [..."ABCDEFGH"].map((name) => {
      const { machine } = ring.node(name);
      return machine.members.find(({ id }) => id === machine.id)!.position;
    }).sort().map((position, i, all) =>
      Number(distance(all.at(i - 1)!, position) >> 64n) / 2 ** 64
    );
    assert(Math.max(...arcs) < 0.3, `${arcs}`);
    assert(Math.min(...arcs) > 0.02, `${arcs}`);
  }
});

Deno.test("a value that was popped while it was set does not come back", () => {
  let popped = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const ring = new Ring({ seed, network: WIDE });
    ring.grow(4);
    const [first, second] = ring.holders("k");
    const ends: Outcome[] = [];
    const note = (outcome: Outcome) => void ends.push(outcome);
    const key = utf8("k");
    const { simulator } = ring;
    simulator.call(
      ring.node(second!),
      { type: "set", key, value: utf8("once"), timeoutMs: 5_000 },
      note,
    );
    ring.run(seed % 8 * 10);
    simulator.call(
      ring.node(first!),
      { type: "pop", key, timeoutMs: 5_000 },
      note,
    );
    ring.run(6_000);
    assert(ends.length === 2 && ends.every(({ type }) => type === "ok"));
    const found = ends.some((end) =>
      end.type === "ok" && (end.value as Found).value !== undefined
    );
    if (found) popped++;
    assertEquals(ring.get("A", "k"), found ? undefined : "once", `${seed}`);
  }
  assert(popped > 5 && popped < 40, `${popped} of 40 pops found the value`);
});

Deno.test("what a node kept while it was away is restored, unless newer is there", () => {
  for (const seed of [1, 2, 3]) {
    const ring = new Ring({ seed, network: WIDE });
    ring.grow(4);
    for (const key of ["same", "changed", "deleted"]) ring.set("A", key, "old");
    const kept = ring.simulator.nodes
      .flatMap(({ machine }) => [...machine.dict.copies()])
      .map(({ key, value, version }) => ({
        key,
        value,
        version,
        terms: undefined,
      }));
    ring.set("B", "changed", "new");
    ring.delete("C", "deleted");
    const { version } = kept[0]!;
    const lost = {
      key: utf8("lost"),
      value: utf8("kept"),
      version,
      terms: undefined,
    };
    ring.leech("Z", "A");
    ring.ask("Z", {
      type: "restore",
      entries: [...kept, lost],
      timeoutMs: 30_000,
    });
    ring.settle();
    for (const node of "ABCDZ") {
      assertEquals(
        ["same", "changed", "deleted", "lost"]
          .map((key) => ring.get(node, key)),
        ["old", "new", undefined, "kept"],
      );
    }
    // None of it was a leaf's to keep.
    ring.sweep();
    assertEquals(ring.node("Z").machine.dict.stats.entries, 0);
  }
});

Deno.test("who comes back to its place is given it, unless others are there", () => {
  const ring = new Ring({ seed: 1 });
  ring.grow(4);
  const placeOf = (name: string) => {
    const { machine } = ring.node(name);
    return machine.members.find(({ id }) => id === machine.id)!.position;
  };
  const place = placeOf("C");
  ring.crash("C");
  ring.settle();
  const join = { type: "join", position: place, timeoutMs: 30_000 } as const;
  ring.leech("E", "A");
  ring.settle();
  ring.ask("E", join);
  assertEquals(placeOf("E"), place);
  ring.leech("F", "A");
  ring.settle();
  ring.ask("F", join);
  assertNotEquals(placeOf("F"), place);
  ring.settle();
});

Deno.test("members that come back together have their places", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const ring = new Ring({ seed, network: WIDE });
    ring.grow(5);
    const placeOf = (name: string) => {
      const { machine } = ring.node(name);
      return machine.members.find(({ id }) => id === machine.id)!.position;
    };
    const before = [..."BCDE"].map(placeOf);
    for (const name of "BCDE") ring.crash(name);
    ring.settle();
    for (const name of "FGHI") ring.leech(name, "A");
    ring.settle();
    let joined = 0;
    before.forEach((position, i) => {
      const { simulator } = ring;
      const operation = { type: "join", position, timeoutMs: 30_000 } as const;
      simulator.call(ring.node("FGHI"[i]!), operation, ({ type }) => {
        if (type === "ok") joined++;
      });
      ring.run(seed * 7 % 60);
    });
    ring.settle();
    assertEquals(joined, 4);
    assertEquals([..."FGHI"].map(placeOf), before, `seed ${seed}`);
  }
});

Deno.test("a read asks the next holder in time, where round trips are long, too", () => {
  const ring = new Ring({ network: { latencyMinMs: 350, latencyMaxMs: 350 } });
  ring.grow(5);
  ring.set("A", "key", "value");
  ring.run(20_000);
  const [first] = ring.holders("key");
  const reader = [..."ABCDE"].find((name) =>
    !ring.holders("key").includes(name)
  )!;
  ring.pause(first!);
  const found = ring.ask(reader, {
    type: "get",
    key: utf8("key"),
    read: "first",
    timeoutMs: 2_000,
  }) as Found;
  assertEquals(found.value && valueText(found.value), "value");
});
