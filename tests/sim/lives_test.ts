/** Leases, times to live and sessions while holders and writers fail. */
import { assert, assertEquals } from "@std/assert";
import { SESSION_REMOVALS_MAX } from "../../src/base/limits.ts";
import { fromUtf8, utf8 } from "../../src/base/bytes.ts";
import type {
  DictOperation,
  Found,
  Lifetime,
} from "../../src/dict/operations.ts";
import type { CreateMachine } from "../../src/testing/node.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import { without } from "./controls/control.ts";

const KEYS = Array.from({ length: 20 }, (_, i) => `key ${i}`);
const SESSION: Lifetime = { ttlMs: 0, session: true };
/** Until everybody knows of a death, its time of grace and a removal. */
const GONE_MS = 20_000;

/** A node of this ring that has no part in any of these keys. */
function bystander(ring: Ring, names: string, key: string): string {
  const holders = ring.holders(key);
  return [...names].find((name) => !holders.includes(name))!;
}

function popping(key: string): DictOperation {
  return { type: "pop", key: utf8(key), timeoutMs: 5_000 };
}

/** What a pop is answered. */
interface Answered {
  readonly type: string;
  readonly value: Found;
}

/** How often each node's application was told of each key. */
function told(ring: Ring): Map<string, string[]> {
  const events = new Map<string, string[]>();
  ring.simulator.onNotice = (node, notice) => {
    if (notice.type !== "entry") return;
    const place = `${node.host.name} ${fromUtf8(notice.key)}`;
    const same = events.get(place) ?? [];
    same.push(notice.added ? "add" : "delete");
    events.set(place, same);
  };
  return events;
}

Deno.test("a lease outlives the first holder that gave it", () => {
  const ring = new Ring({ leaseMs: 60_000 });
  ring.grow(6);
  for (const key of KEYS) {
    const names = ring.simulator.nodes.map(({ host }) => host.name).join("");
    if (names.length < 5) break;
    const owner = bystander(ring, names, key);
    assert(ring.claim(owner, key, "mine"));
    const [first, second] = ring.holders(key);
    ring.crash(first!);
    ring.settle();
    assertEquals(ring.claim(second!, key, "theirs"), false);
    assertEquals(ring.get(second!, key), "mine");
    assert(ring.claim(owner, key, "mine still"));
    ring.join(first!, second!);
    ring.settle();
  }
});

Deno.test("a lease of an owner that is gone ends at its time, not before", () => {
  const ring = new Ring({ leaseMs: 30_000 });
  ring.grow(5);
  assert(ring.claim("A", "k", "mine"));
  const startMs = ring.nowMs;
  ring.crash("A");
  ring.settle();
  while (!ring.claim("B", "k", "theirs")) ring.run(100);
  const lastedMs = ring.nowMs - startMs;
  assert(lastedMs > 29_000 && lastedMs < 31_000, `${lastedMs} ms`);
});

Deno.test("what has run out does not come back with a node that slept, and is forgotten in time", () => {
  const ring = new Ring({ timings: { tombstoneMs: 60_000 } });
  ring.grow(5);
  // Not owed by the ledger, which would miss what is forgotten in the end.
  const set = (at: string, ttlMs: number) =>
    ring.ask(at, {
      type: "set",
      key: utf8("k"),
      value: utf8("v"),
      lifetime: { ttlMs, session: false },
      timeoutMs: 5_000,
    });
  set("A", 0);
  const [sleeper] = ring.holders("k");
  const awake = [..."ABCDE"].find((name) => name !== sleeper)!;
  ring.pause(sleeper!);
  ring.run(15_000);
  set(awake, 10_000);
  ring.run(15_000);
  assertEquals(ring.get(awake, "k"), undefined);
  ring.resume(sleeper!);
  ring.settle();
  for (const name of "ABCDE") assertEquals(ring.get(name, "k"), undefined);
  ring.run(50_000);
  assert(ring.copies("k").length >= 3, "remembered from its end on");
  ring.run(20_000);
  assertEquals(ring.copies("k").length, 0);
});

Deno.test("the end of an entry is told once to everybody, by whoever is first holder then", () => {
  const ring = new Ring();
  ring.grow(6);
  const events = told(ring);
  const lifetime = { ttlMs: 30_000, session: false };
  for (const key of KEYS) ring.set("A", key, "v", lifetime);
  ring.crash(ring.holders(KEYS[0]!)[0]!);
  ring.run(40_000);
  ring.settle();
  for (const { host } of ring.simulator.nodes) {
    for (const key of KEYS) {
      const heard = events.get(`${host.name} ${key}`);
      assertEquals(heard, ["add", "delete"], `${host.name}: ${key}`);
    }
  }
});

Deno.test("a session's entries end when writer and first holder crash at once", () => {
  const ring = new Ring();
  ring.grow(6);
  for (const key of KEYS) ring.set("F", key, "v", SESSION);
  ring.set("F", "plain", "v");
  const [first] = ring.holders(KEYS[0]!).filter((name) => name !== "F");
  ring.crash("F");
  ring.unplug(first!);
  ring.run(GONE_MS);
  ring.settle();
  const reader = ring.simulator.nodes[0]!.host.name;
  for (const key of KEYS) assertEquals(ring.get(reader, key), undefined);
  assertEquals(ring.get(reader, "plain"), "v");
});

Deno.test("a session ends for a leaf that goes dark, not for one that lives", () => {
  const ring = new Ring();
  ring.grow(4);
  ring.leech("Y", "A");
  ring.leech("Z", "B");
  ring.settle();
  ring.set("Y", "dark", "v", SESSION);
  ring.set("Z", "lives", "v", SESSION);
  ring.unplug("Y");
  ring.run(60_000);
  assertEquals(ring.get("A", "dark"), undefined);
  assertEquals(ring.get("A", "lives"), "v");
});

Deno.test("a writer that is back before its time of grace is over keeps its session", () => {
  const ring = new Ring({ timings: { sessionGraceMs: 60_000 } });
  ring.grow(5);
  for (const key of KEYS) ring.set("E", key, "v", SESSION);
  ring.split("ABCD", "E");
  ring.run(30_000); // Long enough to be taken for dead.
  ring.heal();
  ring.settle();
  ring.run(60_000);
  for (const key of KEYS) assertEquals(ring.get("A", key), "v");
});

Deno.test("a session ends on the side that lost its writer, and after it everywhere", () => {
  const ring = new Ring();
  ring.grow(6);
  ring.set("F", "k", "v", SESSION);
  ring.split("ABCD", "EF");
  ring.run(GONE_MS);
  assertEquals(ring.get("A", "k"), undefined);
  assertEquals(ring.get("F", "k"), "v");
  ring.heal();
  ring.settle();
  for (const name of "ABCDEF") assertEquals(ring.get(name, "k"), undefined);
  // Who hears that its entry has gone sets it again.
  ring.set("F", "k", "again", SESSION);
  ring.run(GONE_MS);
  assertEquals(ring.get("A", "k"), "again");
});

Deno.test("a session is that of whoever wrote or touched last", () => {
  const ring = new Ring();
  ring.grow(5);
  for (const key of ["set", "plain", "touched"]) {
    ring.set("D", key, "v", SESSION);
  }
  ring.set("A", "set", "w", SESSION);
  ring.set("A", "plain", "w");
  const timeoutMs = 5_000;
  const key = utf8("touched");
  ring.ask("A", { type: "touch", key, ttlMs: 600_000, timeoutMs });
  ring.crash("D");
  ring.run(GONE_MS);
  ring.settle();
  assertEquals(ring.get("B", "set"), "w");
  assertEquals(ring.get("B", "plain"), "w");
  assertEquals(ring.get("B", "touched"), "v");
  ring.crash("A");
  ring.run(GONE_MS);
  assertEquals(ring.get("B", "set"), undefined);
  assertEquals(ring.get("B", "plain"), "w");
  assertEquals(ring.get("B", "touched"), undefined);
});

/**
 * Entries of a session of A, from when all clocks were 9 minutes ahead, whose
 * first holder D came when they were right again.
 */
function farAheadRing(create?: CreateMachine): { ring: Ring; keys: string[] } {
  const ring = new Ring(create === undefined ? {} : { create });
  ring.grow(3);
  for (const { clock } of ring.simulator.nodes) {
    clock.jump(ring.nowMs, 9 * 60_000);
  }
  const all = Array.from({ length: 100 }, (_, i) => `far ${i}`);
  for (const key of all) ring.set("A", key, "v", SESSION);
  for (const { clock } of ring.simulator.nodes) clock.setRight(ring.nowMs);
  ring.join("D", "A");
  ring.settle();
  const keys = all.filter((key) => ring.holders(key)[0] === "D");
  assert(keys.length > 2);
  return { ring, keys };
}

Deno.test("what a clock far ahead wrote is popped once, and not before others may be newer", () => {
  const { ring, keys } = farAheadRing();
  for (const key of keys) {
    const outcome = ring.attempt("B", popping(key));
    assert(outcome.type === "failed" && outcome.error.code === "clock");
    assertEquals(outcome.error.applied, "no");
    assertEquals(ring.get("B", key), "v");
  }
  // Until it is ahead by no more than a version may be.
  ring.run(5 * 60_000);
  for (const key of keys) {
    assertEquals([1, 2].map(() => ring.pop("B", key)), ["v", undefined]);
    assertEquals(ring.get("C", key), undefined);
  }
});

Deno.test("a pop that is older than what it takes out gives it away twice", () => {
  const { ring, keys } = farAheadRing(without("replacedIsObserved"));
  ring.run(5 * 60_000);
  const twice = keys.filter((key) =>
    [1, 2].every(() => {
      const { type, value } = ring.attempt("B", popping(key)) as Answered;
      return type === "ok" && value.value !== undefined;
    })
  );
  assertEquals(twice, keys);
});

Deno.test("a session that a clock far ahead wrote ends once others may be newer", () => {
  const { ring, keys } = farAheadRing();
  ring.crash("A");
  ring.run(5 * 60_000);
  for (const key of keys) assertEquals(ring.get("B", key), undefined);
});

Deno.test("what a clock far ahead wrote, and others refused, stands in nobody's way", () => {
  for (const rank of [0, 1, 2]) {
    const ring = new Ring();
    ring.grow(6);
    const key = Array.from({ length: 200 }, (_, i) => `key ${i}`)
      .find((key) => ring.holders(key)[rank] === "A")!;
    ring.set("B", key, "old");
    const { clock } = ring.node("A");
    clock.jump(ring.nowMs, 60 * 60_000);
    const value = utf8("wild");
    const attempts: DictOperation[] = [
      { type: "set", key: utf8(key), value, timeoutMs: 5_000 },
      // To a read-modify-write the first holder gives its version.
      ...rank === 0 ? [popping(key)] : [],
    ];
    for (const attempt of attempts) {
      const outcome = ring.attempt("A", attempt);
      assert(outcome.type === "failed" && outcome.error.code === "clock");
      assertEquals(outcome.error.applied, "no");
    }
    ring.run(30_000);
    for (const name of "ABCDEF") assertEquals(ring.get(name, key), "old");
    ring.set("B", key, "new");
    for (const name of "ABCDEF") assertEquals(ring.get(name, key), "new");
    ring.crash("A");
    ring.settle();
    assertEquals(ring.pop("B", key), "new");
  }
});

Deno.test("without leases a key is nobody's, though its version is ahead of the clocks", () => {
  const ring = new Ring();
  ring.grow(3);
  ring.node("A").clock.jump(ring.nowMs, 1_000);
  ring.set("A", "k", "v", SESSION);
  assertEquals(ring.pop("B", "k"), "v");
});

Deno.test("a first holder that slept does not run again what another one has run since", () => {
  const ring = new Ring({ leaseMs: 600_000 });
  ring.grow(6);
  for (const key of KEYS) {
    const owner = bystander(ring, "ABCDEF", key);
    const [first] = ring.holders(key);
    ring.pause(first!);
    const set = (value: string) =>
      ring.ask(owner, {
        type: "set",
        key: utf8(key),
        value: utf8(value),
        timeoutMs: 30_000,
      });
    set("1"); // It waits at the sleeper, and is done by the next one.
    set("2");
    ring.resume(first!);
    ring.settle();
    assertEquals(ring.get(owner, key), "2");
  }
});

Deno.test("a writer with many entries is cleared away a few at a time, all of them", () => {
  const ring = new Ring();
  ring.grow(4);
  const keys = Array.from({ length: 600 }, (_, i) => `of D ${i}`);
  for (const key of keys) ring.set("D", key, "v", SESSION);
  ring.crash("D");
  let most = 0;
  for (let i = 0; i < 4_000; i++) {
    ring.run(5);
    for (const { machine } of ring.simulator.nodes) {
      most = Math.max(most, machine.dict.stats.callsWaiting);
    }
  }
  assert(most > 0 && most <= SESSION_REMOVALS_MAX, `${most} at once`);
  for (const key of keys) assertEquals(ring.get("A", key), undefined);
});
