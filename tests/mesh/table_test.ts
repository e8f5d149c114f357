import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  below,
  fraction,
  pick,
  type Random,
  SeededRandom,
} from "../../src/base/random.ts";
import { type Id, randomId } from "../../src/id/id.ts";
import { memberIndex, newcomers } from "../../src/mesh/ring_view.ts";
import { Table } from "../../src/mesh/table.ts";
import { doorsOf, guestsOf } from "../../src/mesh/vicinity.ts";
import { Health, type MemberRecord, Role } from "../../src/wire/messages.ts";

const AWAY_MAX_MS = 1_000_000;

function recordOf(id: Id, change: Partial<MemberRecord> = {}): MemberRecord {
  return {
    id,
    incarnation: 1,
    role: Role.active,
    health: Health.alive,
    position: id,
    url: "ws://a.test/",
    ...change,
  };
}

function tableOf(records: Iterable<MemberRecord>): Table {
  const [self, ...others] = records;
  const table = new Table(self!, 0, AWAY_MAX_MS, () => {});
  for (const record of others) table.apply(record, "gossip", 0);
  return table;
}

function records(random: Random, count: number): MemberRecord[] {
  return Array.from({ length: count }, () => recordOf(randomId(random)));
}

/** A later record of the same node, whatever may have happened to it. */
function changed(record: MemberRecord, random: Random): MemberRecord {
  return {
    ...record,
    incarnation: record.incarnation + 1,
    role: pick(random, [Role.leaf, Role.joining, Role.active, Role.leaving])!,
    health: pick(random, [Health.alive, Health.suspect, Health.dead])!,
    // Few places, so that some have more than one node.
    position: fraction(random) < 0.5
      ? record.position
      : `${below(random, 4)}`.repeat(32),
  };
}

Deno.test("order and ring are what sorting all records would give, after any changes", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed);
    const table = tableOf(records(random, 40));
    for (let i = 0; i < 200; i++) {
      const known = table.records.filter(({ id }) => id !== table.self.id);
      const next = fraction(random) < 0.2
        ? recordOf(randomId(random))
        : changed(pick(random, known)!, random);
      table.apply(next, "gossip", i);
      assertRight(table);
    }
  }
});

function assertRight(table: Table): void {
  const present = table.records
    .filter(({ health }) => health <= Health.suspect);
  assertEquals(table.order, present.map(({ id }) => id).sort());
  const inRole = (role: Role) =>
    present.filter((record) => record.role === role)
      .sort((a, b) => a.position + a.id < b.position + b.id ? -1 : 1);
  const { ring } = table;
  assertEquals(ring.members, inRole(Role.active));
  assertEquals(ring.joining, inRole(Role.joining));
  assertEquals(ring.hash, tableOf(table.records).ring.hash);
  for (const [i, member] of ring.members.entries()) {
    assertEquals(memberIndex(ring.members, member), i);
  }
}

Deno.test("newcomers() names who was neither a member nor a joiner before", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed);
    const table = tableOf(records(random, 12));
    const before = table.ring;
    for (let i = 0; i < 5; i++) {
      const known = table.records.slice(1);
      const next = fraction(random) < 0.4
        ? recordOf(randomId(random), { role: pick(random, [Role.active, 1])! })
        : changed(pick(random, known)!, random);
      table.apply(next, "gossip", i);
    }
    const { ring: after } = table;
    const old = new Set(
      [...before.members, ...before.joining].map(({ id }) => id),
    );
    const news = (members: readonly MemberRecord[]) =>
      members.map(({ id }) => id).filter((id) => !old.has(id));
    assertEquals(newcomers(before, after), {
      members: news(after.members),
      joining: news(after.joining),
    });
  }
});

Deno.test("two tables that differ in one node differ in one part, which is told whole", () => {
  const random = new SeededRandom(3);
  const all = records(random, 200);
  const [a, b] = [tableOf(all), tableOf(all)];
  const PARTS = 25;
  assertEquals(a.parts(PARTS), b.parts(PARTS));
  assertEquals([...b.recordsBeyond(a.parts(PARTS))], []);
  const victim = all[77]!;
  b.apply({ ...victim, health: Health.dead }, "gossip", 5);
  const told = [...b.recordsBeyond(a.parts(PARTS))];
  assert(told.length < 30, `${told.length} records`);
  assertEquals(told.find(({ id }) => id === victim.id)?.health, Health.dead);
  assertEquals(
    b.parts(PARTS).filter((part, i) => part !== a.parts(PARTS)[i]).length,
    1,
  );
  for (const record of told) a.apply(record, "table", 6);
  assertEquals(a.digest, b.digest);
});

Deno.test("the parts of a table add up to its digest, and say when it changed", () => {
  const table = tableOf(records(new SeededRandom(4), 50));
  for (const count of [1, 2, 7, 256]) {
    const sum = table.parts(count).reduce((a, b) => (a + b) >>> 0, 0);
    assertEquals(sum, table.digest);
  }
  const [, other] = table.records;
  table.apply({ ...other!, health: Health.suspect }, "detector", 9);
  assertEquals(table.changedMs, 9);
  table.apply({ ...other!, health: Health.suspect }, "detector", 11);
  assertEquals(table.changedMs, 9);
});

Deno.test("who is a door of one that cannot be dialled has it as a guest, and nobody else", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed);
    const share = fraction(random);
    const all = records(random, 2 + below(random, 40)).map((record) =>
      fraction(random) < share ? { ...record, url: "" } : record
    );
    const table = tableOf(all);
    const idsOf = (isGuest: boolean) =>
      all.filter(({ url }) => (url === "") === isGuest).map(({ id }) => id);
    const guests = idsOf(true);
    for (const door of idsOf(false)) {
      const wanted = guests.filter((id) => doorsOf(table, id).includes(door));
      assertEquals(guestsOf(table, door).sort(), wanted.sort());
    }
  }
});

Deno.test("the view of a ring that is not known whole is another one when a record in it changes, and only then", () => {
  const [self, ...others] = records(new SeededRandom(5), 40);
  const bounds = { fullTableMax: 8, successors: 2 };
  const table = new Table(self!, 0, AWAY_MAX_MS, () => {}, bounds);
  for (const record of others) table.apply(record, "gossip", 0);
  table.isPartial = true;
  const { view } = table;
  assertEquals(view.members.length, 2 * table.reach + 1);
  // Neighbours go on saying that they do not know all either.
  table.isPartial = true;
  assertStrictEquals(table.view, view);
  const near = view.members.find(({ id }) => id !== self!.id)!;
  const far = others.find((record) => !view.members.includes(record))!;
  table.apply({ ...far, health: Health.suspect }, "gossip", 1);
  assertStrictEquals(table.view, view);
  table.apply({ ...near, health: Health.suspect }, "gossip", 2);
  const now = table.view.members.find(({ id }) => id === near.id);
  assertEquals(now?.health, Health.suspect);
  assertEquals(table.view.hash, view.hash);
});
