/**
 * What two nodes must know both, where neither knows all: who is within reach
 * of the one and of the other, on the ring and in the order of the ids.
 *
 * @module
 */
import type { Id } from "../id/id.ts";
import type { MemberRecord } from "../wire/messages.ts";
import { hashId, hasPlace, mix, windowOf } from "./ring_view.ts";
import type { Table } from "./table.ts";
import { neighbours } from "./vicinity.ts";

/** Parts in which each order is compared: most news are about few. */
export const OVERLAP_PARTS = 4;

/**
 * Digests of who is within reach of both, in parts by their ids' last digits:
 * first those of the ring, then as many of the order of the ids.
 */
export function overlapDigests(table: Table, other: MemberRecord): number[] {
  return [
    ...digestsOf(nearOnRing(table, other)),
    ...digestsOf(nearById(table, other)),
  ];
}

/**
 * All that is known of those within reach of both, in the parts of the orders
 * of which other digests were told; with who is gone, but for those that
 * whoever is near has missed itself by now.
 *
 * @param goneSinceMs who is gone for longer is not told
 */
export function recordsOfOverlap(
  table: Table,
  other: MemberRecord,
  told: readonly number[],
  goneSinceMs: number,
): MemberRecord[] {
  const own = overlapDigests(table, other);
  const differs = (order: 0 | 1, { id }: MemberRecord) => {
    const part = order * OVERLAP_PARTS + partOf(id);
    return own[part] !== told[part];
  };
  const records = new Set<MemberRecord>();
  for (const record of nearOnRing(table, other)) {
    if (differs(0, record)) records.add(record);
  }
  for (const record of nearById(table, other)) {
    if (differs(1, record)) records.add(record);
  }
  if (own.every((digest, part) => digest === told[part])) return [];
  for (const record of table.goneSince(goneSinceMs)) {
    const isOther = differs(0, record) || differs(1, record);
    if (isOther && table.isNear(record)) records.add(record);
  }
  return [...records];
}

function nearOnRing(table: Table, other: MemberRecord): MemberRecord[] {
  const { ring, self, reach } = table;
  if (!hasPlace(self) || !hasPlace(other)) return [];
  const [mine, others] = [self, other].map((of) => {
    const { members, joining, leaving } = windowOf(ring, of, reach);
    return [...members, ...joining, ...leaving];
  });
  const isShared = new Set(others);
  return mine!.filter((record) => isShared.has(record));
}

function nearById(table: Table, other: MemberRecord): MemberRecord[] {
  const { order, self, reach } = table;
  const isShared = new Set([other.id, ...neighbours(order, other.id, reach)]);
  return [self.id, ...neighbours(order, self.id, reach)]
    .filter((id) => isShared.has(id)).map((id) => table.get(id)!);
}

/** By its last digit: those who are next to each other begin with the same. */
function partOf(id: Id): number {
  return parseInt(id.at(-1)!, 16) % OVERLAP_PARTS;
}

function digestsOf(records: readonly MemberRecord[]): number[] {
  const digests = new Array<number>(OVERLAP_PARTS).fill(0);
  for (const { id, incarnation, health } of records) {
    const part = partOf(id);
    const share = mix(mix(hashId(id), incarnation), health);
    digests[part] = (digests[part]! + share) >>> 0;
  }
  return digests;
}
