/**
 * The checkers of members, copies and registers, each against what is right and
 * what is wrong.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import type { CopyView } from "../../src/dict/dict.ts";
import type { Id } from "../../src/id/id.ts";
import { linearizable, poppedOnce } from "../../src/testing/calm.ts";
import {
  deadlinesEnd,
  idleIsCheap,
  oneRing,
} from "../../src/testing/checkers.ts";
import { Copies } from "../../src/testing/copy_checkers.ts";
import { keyOf, type Operation } from "../../src/testing/history.ts";
import { Ledger } from "../../src/testing/ledger.ts";
import { Beliefs, tablesAgree } from "../../src/testing/member_checkers.ts";
import type { LiveNode } from "../../src/testing/node.ts";
import { Health, type MemberRecord, Role } from "../../src/wire/messages.ts";
import { NO_DICT, NO_NODE_STATS } from "./toy_machine.ts";

const KEY = keyOf("a key");

interface HandMade extends LiveNode {
  readonly id: Id;
  members: MemberRecord[];
  copy: CopyView | undefined;
}

function recordOf(name: string): MemberRecord {
  return {
    id: name.repeat(32),
    incarnation: 3,
    role: Role.active,
    health: Health.alive,
    position: name.repeat(32),
    url: "",
  };
}

/** Members that know each other, named by these letters from a to f. */
function ring(names: string): HandMade[] {
  const records = [...names].map(recordOf);
  return records.map(({ id }, i) => {
    const node: HandMade = {
      name: names[i]!,
      id,
      members: records,
      copy: undefined,
      machine: {
        id,
        get members() {
          return node.members;
        },
        pointers: undefined,
        stats: NO_NODE_STATS,
        dict: { ...NO_DICT, copyOf: () => node.copy },
      },
    };
    return node;
  });
}

/** What is found after a node has changed its mind about another one. */
function changed(
  before: Partial<MemberRecord>,
  after: Partial<MemberRecord>,
  who = "b",
): string | undefined {
  const nodes = ring("ab");
  const beliefs = new Beliefs();
  const tell = (change: Partial<MemberRecord>) => {
    nodes[0]!.members = nodes[1]!.members.map((record) =>
      record.id === who.repeat(32) ? { ...record, ...change } : record
    );
    return beliefs.check(nodes);
  };
  return (tell(before) ?? tell(after))?.[0];
}

const { alive, suspect, dead, left } = Health;

Deno.test("what nodes believe may only change as the rules have it", () => {
  assertEquals(changed({}, { incarnation: 4 }), undefined);
  assertEquals(changed({}, { health: dead }), undefined);
  const refuted = { health: alive, incarnation: 4 };
  assertEquals(changed({ health: dead }, refuted), undefined);
  assertEquals(changed({}, { incarnation: 2 }), "incarnationsRise");
  assertEquals(changed({ health: dead }, { health: alive }), "deadStayDead");
  assertEquals(changed({ health: dead }, { health: suspect }), "deadStayDead");
  assertEquals(changed({ health: left }, refuted), "deadStayDead");
  assertEquals(changed({}, { health: suspect }, "a"), "selfIsAlive");
  assertEquals(changed({}, { health: dead }, "a"), "selfIsAlive");
  assertEquals(changed({}, { health: left }, "a"), undefined);
});

Deno.test("tablesAgree() wants the records of all that run, and of no others", () => {
  const nodes = ring("abc");
  assertEquals(tablesAgree(nodes), undefined);
  const gone = { ...recordOf("d"), health: dead };
  nodes[0]!.members = [...nodes[0]!.members, gone];
  assertEquals(tablesAgree(nodes), undefined);
  nodes[0]!.members = [...nodes[1]!.members, recordOf("d")];
  assertMatch(tablesAgree(nodes) ?? "", /knows dddd, which does not run/);
  nodes[0]!.members = nodes[1]!.members.slice(0, 2);
  assertMatch(tablesAgree(nodes) ?? "", /a misses c/);
  nodes[0]!.members = nodes[1]!.members.map((record) =>
    record.id === nodes[2]!.id ? { ...record, incarnation: 2 } : record
  );
  assertMatch(tablesAgree(nodes) ?? "", /a knows c as alive, role 2, incar/);
});

/** Sixteen members of which each knows four on each side, in either order. */
function largeRing(): HandMade[] {
  const digits = "0123456789abcdef";
  // Whose ids are next to each other are not so on the ring.
  const positionOf = (name: string) =>
    digits[(7 * digits.indexOf(name)) % 16]!.repeat(32);
  const records = [...digits].map((name) => ({
    ...recordOf(name),
    position: positionOf(name),
  }));
  const byPlace = records.toSorted((a, b) => a.position < b.position ? -1 : 1);
  const near = (list: readonly MemberRecord[], at: number) =>
    [-4, -3, -2, -1, 0, 1, 2, 3, 4].map((step) => list.at((at + step) % 16)!);
  return ring(digits).map((node, at) => {
    const window = near(byPlace, byPlace.indexOf(records[at]!));
    const members = [...new Set([...near(records, at), ...window])];
    const machine = { ...node.machine, id: node.id, window, reach: 4 };
    const made = { ...node, members, machine };
    Object.defineProperty(machine, "members", { get: () => made.members });
    return made;
  });
}

Deno.test("where nobody knows all, each has to know those near it in both orders, and no others near it", () => {
  const nodes = largeRing();
  assertEquals([tablesAgree(nodes), oneRing(nodes)], [undefined, undefined]);
  const [first] = nodes as [HandMade];
  const right = first.members;
  assertEquals(right.length, 13);
  // Next to 0 by its id only.
  first.members = right.filter(({ id }) => !id.startsWith("1"));
  assertMatch(tablesAgree(nodes) ?? "", /0 misses 1/);
  assertEquals(oneRing(nodes), undefined);
  const old = { incarnation: 2 };
  first.members = right.map((record) =>
    record.id.startsWith("1") ? { ...record, ...old } : record
  );
  assertMatch(tablesAgree(nodes) ?? "", /0 knows 1 as alive.*nation 2, and/);
  // What is said to be far away may be wrong for a while.
  const far = recordOf("8");
  first.members = [...right, { ...far, ...old }];
  assertEquals(tablesAgree(nodes), undefined);
  first.members = [...right, { ...far, id: "01".padEnd(32, "0") }];
  assertMatch(tablesAgree(nodes) ?? "", /0 knows 0100, which does not run/);
});

Deno.test("also who does not know all may not believe itself dead, but may forget others", () => {
  const [node] = largeRing() as [HandMade];
  const beliefs = new Beliefs();
  const right = node.members;
  const finds = (change: Partial<MemberRecord>, who: string) => {
    node.members = right.map((record) =>
      record.id.startsWith(who) ? { ...record, ...change } : record
    );
    return beliefs.check([node])?.[0];
  };
  assertEquals(finds({ incarnation: 4 }, "1"), undefined);
  assertEquals(finds({ incarnation: 2 }, "1"), undefined);
  assertEquals(finds({ health: suspect }, "0"), "selfIsAlive");
});

Deno.test("whoever sees only its next ones on a large ring sees too few", () => {
  const nodes = largeRing();
  const { machine } = nodes[3]!;
  const few = machine.window!.slice(3, 6);
  nodes[3] = { ...nodes[3]!, machine: { ...machine, window: few } };
  assertMatch(oneRing(nodes) ?? "", /3 sees 3 members near it, .* of the 9/);
});

function copyAt(ms: number): CopyView {
  const version = { ms, count: 0, node: "0".repeat(16) };
  return { key: KEY.bytes, value: utf8("v"), version, terms: undefined };
}

Deno.test("a copy may become newer, and go when three others have it", () => {
  const nodes = ring("abcd");
  const [dropper, ...others] = nodes as [HandMade, ...HandMade[]];
  const ledger = new Ledger(3);
  const copies = new Copies(ledger);
  const rises = (ms: number) =>
    copies.versionsNeverFall(dropper, KEY.id, copyAt(ms));
  assertEquals([rises(5), rises(5), rises(7)], Array(3).fill(undefined));
  assertMatch(rises(6) ?? "", /a had "a key" 7\.0\.0000, and has 6\.0/);
  const drops = (ms: number, holders: number, ended = 0) => {
    rises(ms);
    for (const [i, node] of others.entries()) {
      node.copy = i < holders ? copyAt(9) : undefined;
    }
    const judge = copies.copiesAreDroppedSafely.bind(copies);
    return judge(dropper, KEY.id, nodes, ended);
  };
  assertEquals(drops(9, 0), undefined, "nobody is owed it");
  const { version } = copyAt(9);
  const safe = new Set<Id>();
  ledger.acknowledge({ key: KEY, version, isDelete: false, atMs: 0, safe });
  assertEquals(drops(9, 3), undefined);
  assertMatch(drops(9, 2) ?? "", /a drops "a key" 9.* while only \[b c\]/);
  assertEquals(drops(9, 2, 1), undefined, "one has ended since");
  assertEquals(drops(8, 0), undefined, "an old copy is nobody's loss");
});

Deno.test("who drops a copy is judged by what it knew just then, not by what it hears later", () => {
  const nodes = ring("abcd");
  const [dropper, ...others] = nodes as [HandMade, ...HandMade[]];
  const ledger = new Ledger(3);
  const copies = new Copies(ledger);
  const copy = copyAt(5);
  for (const node of nodes.slice(0, 3)) node.copy = copy;
  copies.versionsNeverFall(dropper, KEY.id, copy);
  const safe = new Set(nodes.slice(0, 3).map(({ id }) => id));
  const { version } = copy;
  ledger.acknowledge({ key: KEY, version, isDelete: false, atMs: 0, safe });
  const all = dropper.members;
  dropper.members = all.slice(0, 3);
  dropper.copy = undefined;
  const finding = copies.copiesAreDroppedSafely(dropper, KEY.id, nodes, 1);
  assertEquals(finding, undefined);
  dropper.members = all;
  assertEquals(ledger.audit(nodes, 0), undefined);
  // A copy that is gone without having been judged is found all the same.
  others[0]!.copy = undefined;
  assertMatch(ledger.audit(nodes, 0) ?? "", /b dropped "a key".*only \[c\]/);
});

Deno.test("deadlinesEnd() wants a reason for each deadline", () => {
  const [node] = ring("a") as [HandMade];
  const withTimers = (
    timers: number,
    requestsInFlight: number,
    waiting = 0,
  ): LiveNode => ({
    name: "a",
    machine: {
      ...node.machine,
      dict: {
        ...node.machine.dict,
        routes: { hopsMost: 0, stepsBack: 0, waiting },
      },
      members: [],
      stats: { ...NO_NODE_STATS, timers, requestsInFlight },
    },
  });
  assertEquals(deadlinesEnd([withTimers(30, 0)]), undefined);
  assertMatch(deadlinesEnd([withTimers(60, 0)]) ?? "", /a has 60 deadlines/);
  assertEquals(deadlinesEnd([withTimers(60, 20)]), undefined);
  assertEquals(deadlinesEnd([withTimers(60, 0, 20)]), undefined);
});

Deno.test("idleIsCheap() convicts who sends much while nothing happens", () => {
  const [node] = ring("a") as [HandMade];
  const after = (framesSent: number, bytesSent: number) => {
    const stats = { ...NO_NODE_STATS, framesSent, bytesSent };
    const machine = { ...node.machine, members: [], stats };
    return idleIsCheap([{ name: "a", machine }], [NO_NODE_STATS], 10_000);
  };
  assertEquals(after(120, 7_000), undefined);
  assertMatch(after(300, 7_000) ?? "", /a sends 30.0 frames and 700 bytes/);
  assertMatch(after(120, 20_000) ?? "", /a sends 12.0 frames and 2000 bytes/);
});

function operation(
  change: Partial<Operation> & Pick<Operation, "type">,
): Operation {
  return {
    client: 1,
    node: "a",
    key: "k",
    value: undefined,
    ttlMs: undefined,
    startMs: 0,
    endMs: 1,
    ending: "ok",
    found: undefined,
    didChange: false,
    ...change,
  };
}

Deno.test("linearizable() takes what has no known end for what may be", () => {
  const set = operation({ type: "set", value: "1", startMs: 0, endMs: 5 });
  const get = (startMs: number, found: string | undefined) =>
    operation({ type: "get", startMs, endMs: startMs + 1, found });
  assertEquals(
    linearizable([set, get(2, undefined), get(6, "1")], 0),
    undefined,
  );
  const old = [set, get(2, "1"), get(4, undefined)];
  assertMatch(linearizable(old, 0) ?? "", /no order of the operations on "k"/);
  const lost = { ...set, ending: "maybe" as const };
  const later = [lost, get(6, undefined), get(9, "1")];
  assertEquals(linearizable(later, 0), undefined);
  assertMatch(
    linearizable([...later, get(12, undefined)], 0) ?? "",
    /no order/,
  );
  const mortal = { ...set, ttlMs: 10 };
  assertEquals(
    linearizable([mortal, get(6, "1"), get(16, undefined)], 0),
    undefined,
  );
  assertMatch(linearizable([mortal, get(6, undefined)], 0) ?? "", /no order/);
  const refused = { ...set, ending: "no" as const };
  assertMatch(linearizable([refused, get(6, "1")], 0) ?? "", /no order/);
});

Deno.test("poppedOnce() convicts a value that two were given", () => {
  const pop = (found: string | undefined, node: string) =>
    operation({ type: "pop", found, node, didChange: found !== undefined });
  const good = [pop("1", "a"), pop(undefined, "b"), pop("2", "b")];
  assertEquals(poppedOnce(good), undefined);
  assertMatch(
    poppedOnce([...good, pop("1", "c")]) ?? "",
    /popped at a and at c/,
  );
});
