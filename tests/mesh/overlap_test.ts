/** What two nodes compare that do not know all. */
import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../../src/base/random.ts";
import { type Id, randomId } from "../../src/id/id.ts";
import {
  OVERLAP_PARTS,
  overlapDigests,
  recordsOfOverlap,
} from "../../src/mesh/overlap.ts";
import { Table } from "../../src/mesh/table.ts";
import { neighbours } from "../../src/mesh/vicinity.ts";
import { Health, type MemberRecord, Role } from "../../src/wire/messages.ts";

/**
 * Two of a ring of 60 that know four on each side, and all others.
 *
 * @param apart how far from each other they are in the order of the ids
 */
function pair(
  apart = 1,
): { here: Table; there: Table; others: MemberRecord[] } {
  const random = new SeededRandom(1);
  const records = Array.from({ length: 60 }, (): MemberRecord => ({
    id: randomId(random),
    incarnation: 1,
    role: Role.active,
    health: Health.alive,
    position: randomId(random),
    url: "",
  })).sort((a, b) => a.id < b.id ? -1 : 1);
  const tableOf = (self: MemberRecord) => {
    const bounds = { fullTableMax: 8, successors: 2 };
    const table = new Table(self, 0, Infinity, () => {}, bounds);
    for (const record of records) table.apply(record, "gossip", 0);
    table.isPartial = true;
    return table;
  };
  const [a, b] = [records[30]!, records[30 + apart]!];
  const others = records.filter((record) => record !== a && record !== b);
  return { here: tableOf(a), there: tableOf(b), others };
}

/** What `here` tells `there`, of those who went after `sinceMs` as well. */
function told(here: Table, there: Table, sinceMs = 0): MemberRecord[] {
  const digests = overlapDigests(there, here.self);
  return recordsOfOverlap(here, there.self, digests, sinceMs);
}

Deno.test("nothing is told where both know the same of whom both must know", () => {
  const { here, there, others } = pair();
  assertEquals(told(here, there), []);
  const far = others.find((record) =>
    !here.isNear(record) && !there.isNear(record)
  )!;
  here.apply({ ...far, incarnation: 2 }, "gossip", 1);
  assertEquals(told(here, there), []);
});

Deno.test("only the parts that differ are told, with all that is new in them", () => {
  const { here, there } = pair();
  // Next to both by its id.
  const id = here.order[here.order.indexOf(here.self.id) - 1]!;
  here.apply({ ...here.get(id)!, incarnation: 2 }, "gossip", 1);
  const records = told(here, there);
  const partOf = (id: Id) => parseInt(id.at(-1)!, 16) % OVERLAP_PARTS;
  assertEquals(records.find((record) => record.id === id)?.incarnation, 2);
  for (const record of records) {
    assertEquals(partOf(record.id), partOf(id));
  }
  // Who tells no digests knows nothing.
  assert(recordsOfOverlap(here, there.self, [], 0).length > records.length);
});

Deno.test("who is gone is told of for a while", () => {
  const { here, there } = pair();
  const id = here.order[here.order.indexOf(here.self.id) - 1]!;
  here.apply({ ...here.get(id)!, health: Health.dead }, "gossip", 5);
  const isTold = (sinceMs: number) =>
    told(here, there, sinceMs).some((record) => record.id === id);
  assertEquals([isTold(4), isTold(5), isTold(6)], [true, true, false]);
});

Deno.test("who is far in an order is not compared with in it", () => {
  const { here, there } = pair(6);
  const digests = overlapDigests(there, here.self);
  assert(!there.isNear(here.self) && digests.every((digest) => digest === 0));
  // Both know some of those between, but neither has to know them all.
  const between = here.order[here.order.indexOf(here.self.id) + 3]!;
  here.apply({ ...here.get(between)!, incarnation: 2 }, "gossip", 1);
  assertEquals(told(here, there), []);
  const everything = digests.map(() => 1);
  assert(recordsOfOverlap(here, there.self, everything, 0).length > 0);
});

Deno.test("who takes a far node for a neighbour is told who is nearer", () => {
  const { here, there: { self } } = pair(20);
  const asking = new Table(self, 0, Infinity, () => {}, {
    fullTableMax: 8,
    successors: 2,
  });
  asking.isPartial = true;
  asking.apply(here.self, "hello", 0);
  const records = told(here, asking);
  for (const record of records) asking.apply(record, "table", 0);
  for (const id of neighbours(here.order, self.id)) {
    assert(asking.get(id) !== undefined, id);
  }
});
