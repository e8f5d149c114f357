/**
 * Each checker against a state that is right and one that is wrong: a judge that
 * never convicts is no judge.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import type { CopyView } from "../../src/dict/dict.ts";
import type { Id } from "../../src/id/id.ts";
import {
  acknowledgedOnAllHolders,
  allSettled,
  boundedQueues,
  convergedReplicas,
  EventsInVersionOrder,
  finalReadIsNewest,
  noLostWrite,
  noResurrectedDelete,
  oneRing,
  readsAreProven,
} from "../../src/testing/checkers.ts";
import { History, type Key, keyOf } from "../../src/testing/history.ts";
import { type Acknowledged, Ledger } from "../../src/testing/ledger.ts";
import type { LiveNode } from "../../src/testing/node.ts";
import { holdingOf, ringSeenBy } from "../../src/testing/truth.ts";
import {
  Health,
  type MemberRecord,
  Role,
  type Version,
} from "../../src/wire/messages.ts";
import { NO_DICT, NO_NODE_STATS } from "./toy_machine.ts";

const KEY = keyOf("a key");

interface HandMade extends LiveNode {
  readonly id: Id;
  readonly copies: Map<Id, CopyView>;
  members: MemberRecord[];
}

function version(ms: number): Version {
  return { ms, count: 0, node: "0".repeat(16) };
}

/** Puts a copy at nodes; `undefined`: a tombstone. */
function put(
  nodes: readonly HandMade[],
  key: Key,
  ms: number,
  value: string | undefined,
): void {
  const bytes = value === undefined ? undefined : utf8(value);
  for (const node of nodes) {
    node.copies.set(key.id, {
      key: key.bytes,
      value: bytes,
      version: version(ms),
      terms: undefined,
    });
  }
}

/**
 * `count` active members that know each other, named A, B, and so on in the
 * order of the ring, which starts behind `KEY`: its holders are A, B and C.
 */
function ring(count: number): HandMade[] {
  const records = Array.from({ length: count }, (_, i): MemberRecord => ({
    id: `${i}`.repeat(32),
    incarnation: 1,
    role: Role.active,
    health: Health.alive,
    position: `${KEY.id.slice(0, 8)}${(i + 1).toString(16)}`.padEnd(32, "f"),
    url: "",
  }));
  return records.map(({ id }, i) => {
    const copies = new Map<Id, CopyView>();
    const made: HandMade = {
      name: String.fromCharCode(65 + i),
      id,
      copies,
      members: [...records],
      machine: {
        id,
        stats: NO_NODE_STATS,
        pointers: undefined,
        get members() {
          return made.members;
        },
        dict: {
          ...NO_DICT,
          copyOf: (key) => copies.get(key),
          copies: () => copies.values(),
        },
      },
    };
    return made;
  });
}

function owed(
  ms: number,
  isDelete: boolean,
  safe: readonly Id[],
): Acknowledged {
  return {
    key: KEY,
    version: version(ms),
    isDelete,
    atMs: 0,
    safe: new Set(safe),
  };
}

function idsOf(nodes: readonly HandMade[]): Id[] {
  return nodes.map(({ id }) => id);
}

Deno.test("noLostWrite finds an acknowledged write that nobody holds", () => {
  const nodes = ring(4);
  const ledger = new Ledger(3);
  put(nodes.slice(0, 3), KEY, 5, "x");
  ledger.acknowledge(owed(5, false, idsOf(nodes.slice(0, 3))));
  assertEquals(noLostWrite(ledger, nodes), undefined);
  assertEquals(noLostWrite(ledger, nodes.slice(2)), undefined);
  assertMatch(noLostWrite(ledger, nodes.slice(3))!, /"a key" 5.*held by none/);
  put(nodes, KEY, 4, "older");
  assertMatch(noLostWrite(ledger, nodes)!, /held by none/);
  put([nodes[3]!], KEY, 6, "newer");
  assertEquals(noLostWrite(ledger, nodes), undefined);
});

Deno.test("acknowledgedOnAllHolders finds a claim that is not true", () => {
  const nodes = ring(4);
  const holders = idsOf(nodes.slice(0, 3));
  const written = { version: version(5), holders };
  put(nodes.slice(0, 3), KEY, 5, "x");
  const judge = (claim: typeof written) =>
    acknowledgedOnAllHolders(KEY, claim, { least: 3, replicas: 3 }, nodes);
  assertEquals(judge(written), undefined);
  assertMatch(judge({ ...written, version: version(6) })!, /held by A/);
  assertMatch(judge({ ...written, holders: holders.slice(1) })!, /wanted 3/);
  const twice = [...holders.slice(1), holders[1]!];
  assertMatch(judge({ ...written, holders: twice })!, /twice/);
  nodes[1]!.copies.clear();
  assertMatch(judge(written)!, /held by B, which has nothing/);
  put([nodes[3]!], KEY, 5, "x");
  assertEquals(judge(written), undefined);
});

Deno.test("convergedReplicas finds a missing, an old, a changed and a stray copy", () => {
  const nodes = ring(5);
  const judge = () => convergedReplicas(nodes, 3, true);
  put(nodes.slice(0, 3), KEY, 5, "x");
  assertEquals(judge(), undefined);
  put([nodes[1]!], KEY, 4, "w");
  assertMatch(judge()!, /at B: 4.*wanted 5/);
  put([nodes[1]!], KEY, 5, "y");
  assertMatch(judge()!, /at B: the same version, but other bytes/);
  put([nodes[1]!], KEY, 5, undefined);
  assertMatch(judge()!, /at B: the same version, but other bytes/);
  nodes[1]!.copies.clear();
  assertMatch(judge()!, /at B: no copy/);
  put([nodes[1]!, nodes[3]!], KEY, 5, "x");
  assertMatch(judge()!, /still at D/);
  assertEquals(convergedReplicas(nodes, 3, false), undefined);
});

Deno.test("convergedReplicas wants a copy at everybody in a ring of two", () => {
  const nodes = ring(2);
  put(nodes, KEY, 5, "x");
  assertEquals(convergedReplicas(nodes, 3, true), undefined);
  nodes[1]!.copies.clear();
  assertMatch(convergedReplicas(nodes, 3, true)!, /at B: no copy/);
});

Deno.test("noResurrectedDelete finds a value from before the delete", () => {
  const nodes = ring(4);
  const ledger = new Ledger(3);
  put(nodes.slice(0, 3), KEY, 5, undefined);
  ledger.acknowledge(owed(5, true, idsOf(nodes.slice(0, 3))));
  assertEquals(noResurrectedDelete(ledger, nodes), undefined);
  put([nodes[3]!], KEY, 4, "old");
  assertMatch(noResurrectedDelete(ledger, nodes)!, /D still has 4/);
  put([nodes[3]!], KEY, 6, "new");
  ledger.acknowledge(owed(6, false, [nodes[3]!.id]));
  assertEquals(noResurrectedDelete(ledger, nodes), undefined);
});

Deno.test("oneRing finds a member unseen, a dead one seen and two rings", () => {
  const nodes = ring(4);
  assertEquals(oneRing(nodes), undefined);
  assertMatch(oneRing(nodes.slice(1))!, /sees \[gone 0000 B C D\]/);
  const whole = nodes[0]!.members;
  nodes[0]!.members = whole.map((record) =>
    record === whole[2] ? { ...record, health: Health.dead } : record
  );
  assertMatch(oneRing(nodes)!, /A sees \[A B D\], running are \[A B C D\]/);
  nodes[0]!.members = nodes[1]!.members = whole.slice(0, 2);
  nodes[2]!.members = nodes[3]!.members = whole.slice(2);
  assertMatch(oneRing(nodes)!, /A sees \[A B\]/);
});

Deno.test("boundedQueues finds what has grown", () => {
  const nodes = ring(2);
  const bounds = {
    queuedBytes: 0,
    broadcastBytes: 0,
    castsOpen: 0,
    sendsWaiting: 0,
    repliesWaiting: 0,
    requestsInFlight: 1,
    timers: 1,
    links: 1,
    members: 1,
    callsWaiting: 0,
  };
  assertEquals(boundedQueues(nodes, bounds), undefined);
  for (
    const what of [
      "queuedBytes",
      "castsOpen",
      "timers",
      "callsWaiting",
    ] as const
  ) {
    const { machine } = nodes[1]!;
    const grown: LiveNode = {
      name: "B",
      machine: {
        ...machine,
        members: [],
        stats: { ...machine.stats, [what]: 2 },
        dict: {
          ...machine.dict,
          stats: {
            ...machine.dict.stats,
            callsWaiting: what === "callsWaiting" ? 2 : 0,
          },
        },
      },
    };
    assertMatch(boundedQueues([nodes[0]!, grown], bounds)!, RegExp(what));
  }
});

Deno.test("allSettled finds a member that is not active", () => {
  const nodes = ring(3);
  assertEquals(allSettled(nodes, nodes), undefined);
  const [first] = nodes;
  first!.members = first!.members.map((record) =>
    record.id === first!.id ? { ...record, role: Role.joining } : record
  );
  assertEquals(allSettled(nodes, nodes), "A is no active member");
});

Deno.test("readsAreProven finds a value out of nowhere", () => {
  const history = new History();
  history.begin({
    type: "set",
    client: 1,
    node: "A",
    key: "k",
    value: "v",
    ttlMs: undefined,
    startMs: 0,
  });
  assertEquals(readsAreProven(history, "k", "v"), undefined);
  assertEquals(readsAreProven(history, "k", undefined), undefined);
  assertMatch(readsAreProven(history, "k", "w")!, /never written/);
  assertMatch(readsAreProven(history, "other", "v")!, /never written/);
});

Deno.test("finalReadIsNewest finds an old value", () => {
  const nodes = ring(3);
  put(nodes, KEY, 5, "old");
  put([nodes[1]!], KEY, 6, "new");
  assertEquals(finalReadIsNewest(nodes, KEY, "A", "new"), undefined);
  assertMatch(finalReadIsNewest(nodes, KEY, "A", "old")!, /newest is new/);
  assertMatch(finalReadIsNewest(nodes, KEY, "A", undefined)!, /nothing/);
});

Deno.test("EventsInVersionOrder finds an event told twice or late", () => {
  const order = new EventsInVersionOrder();
  const told = (ms: number, added = true) => ({ version: version(ms), added });
  assertEquals(order.check("A", "k", told(5)), undefined);
  assertEquals(order.check("A", "k", told(6)), undefined);
  assertEquals(order.check("B", "k", told(5)), undefined);
  assertEquals(order.check("A", "l", told(5)), undefined);
  assertMatch(order.check("A", "k", told(6))!, /after 6/);
  assertMatch(order.check("B", "k", told(4))!, /after 5/);
  assertEquals(order.check("A", "l", told(5, false)), undefined);
  assertMatch(order.check("A", "l", told(5, false))!, /after 5/);
});

Deno.test("Ledger permits a crash as long as somebody of the safe set lives on", () => {
  const nodes = ring(5);
  const [a, b, c] = nodes;
  const ledger = new Ledger(3);
  put([a!, b!, c!], KEY, 5, "x");
  ledger.acknowledge(owed(5, false, idsOf([a!, b!, c!])));
  assert(ledger.permitsEndOf(a!, nodes));
  const left = [c!, ...nodes.slice(3)];
  assertEquals(ledger.audit(left, 2), undefined);
  assert(!ledger.permitsEndOf(c!, left));
  put(nodes.slice(3), KEY, 5, "x");
  assertEquals(ledger.audit(left, 2), undefined);
  assert(ledger.permitsEndOf(c!, left));
});

Deno.test("Ledger.audit finds a copy dropped while too few others have it", () => {
  const nodes = ring(5);
  const ledger = new Ledger(3);
  put(nodes.slice(0, 3), KEY, 5, "x");
  ledger.acknowledge(owed(5, false, idsOf(nodes.slice(0, 3))));
  nodes[0]!.copies.clear();
  assertMatch(ledger.audit(nodes, 0)!, /A dropped "a key" 5.*\[B C\]/);
  put([nodes[3]!], KEY, 5, "x");
  assertEquals(ledger.audit(nodes, 0), undefined);
  assert(!ledger.permitsEndOf(nodes[4]!, [nodes[0]!, nodes[4]!]));
});

Deno.test("a node holds the keys between which and itself there are fewer than R members", () => {
  const places = ["2", "5", "5", "9", "c", "e", "e"];
  for (let count = 1; count <= places.length; count++) {
    const nodes = ring(count);
    const members = nodes.map(({ members }, i): MemberRecord => ({
      ...members[i]!,
      position: places[i]!.repeat(32),
      // One that is dead, and one that has no place yet, hold nothing.
      health: i === 3 ? Health.dead : Health.alive,
      role: i === 4 ? Role.joining : Role.active,
    })).reverse();
    for (const node of nodes) node.members = members;
    for (const node of nodes) {
      const seen = ringSeenBy(node);
      for (const replicas of [1, 2, 3, Infinity]) {
        const holds = holdingOf(node, replicas);
        for (const digit of "0123456789abcdef") {
          const key = digit.repeat(32);
          const first = seen.findIndex(({ position }) => position >= key);
          const holders = [...seen, ...seen]
            .slice(first < 0 ? 0 : first)
            .slice(0, Math.min(replicas, seen.length));
          const isOne = holders.some(({ id }) => id === node.id);
          assertEquals(holds(key), isOne, `${node.name} of ${count}: ${key}`);
        }
      }
    }
  }
});
