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
import { Health, type MemberRecord, Role } from "../../src/wire/messages.ts";

/** Two neighbours of a ring of 60 that know four on each side, and all others. */
function pair(): { here: Table; there: Table; others: MemberRecord[] } {
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
  const [a, b] = [records[30]!, records[31]!];
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
