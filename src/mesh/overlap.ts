/**
 * What two nodes must know both, where neither knows all: who is within reach
 * of the one and of the other, on the ring and in the order of the ids.
 *
 * @module
 */
import type { Id } from "../id/id.ts";
import type { MemberRecord } from "../wire/messages.ts";
import { hashId, hasPlace, mix, windowOf } from "./ring_view.ts";
import { isPresent, type Table } from "./table.ts";
import { neighbours } from "./vicinity.ts";

/** Digests of both orders. */
export type Digests = readonly [onRing: number, byId: number];

/** A digest of who is within reach of both, in each of the two orders. */
export function overlapDigests(table: Table, other: MemberRecord): Digests {
  return [digestOf(nearOnRing(table, other)), digestOf(nearById(table, other))];
}

/**
 * All that is known of those within reach of both, the dead among them, in the
 * orders in which another digest was told.
 */
export function recordsOfOverlap(
  table: Table,
  other: MemberRecord,
  told: Digests,
): MemberRecord[] {
  const [onRing, byId] = overlapDigests(table, other);
  const records = new Map<Id, MemberRecord>();
  const add = (record: MemberRecord) => records.set(record.id, record);
  if (onRing !== told[0]) nearOnRing(table, other).forEach(add);
  if (byId !== told[1]) nearById(table, other).forEach(add);
  if (records.size === 0) return [];
  for (const record of table.records) {
    if (!isPresent(record) && table.isNear(record)) add(record);
  }
  return [...records.values()];
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

function digestOf(records: readonly MemberRecord[]): number {
  let digest = 0;
  for (const { id, incarnation, health } of records) {
    digest = (digest + mix(mix(hashId(id), incarnation), health)) >>> 0;
  }
  return digest;
}
