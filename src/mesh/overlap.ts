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
 * first those of the ring, then as many of the order of the ids. Zeros for an
 * order in which the other is out of reach itself: what is known of the nodes
 * around it has gaps then, and two that have different gaps never agree.
 */
export function overlapDigests(table: Table, other: MemberRecord): number[] {
  return [
    ...digestsOf(table.isNearByPlace(other) ? nearOnRing(table, other) : []),
    ...digestsOf(table.isNearById(other.id) ? nearById(table, other) : []),
  ];
}

/**
 * What a node is to be told that told such digests: all that is known of those
 * within reach of both, in the parts that differ; with who is gone, but for
 * those that whoever is near has missed itself by now. To whom this node is
 * near only because it has not heard of those between: whoever is next to it.
 *
 * @param goneSinceMs who is gone for longer is not told
 */
export function recordsOfOverlap(
  table: Table,
  other: MemberRecord,
  told: readonly number[],
  goneSinceMs: number,
): MemberRecord[] {
  const orders = [
    table.isNearByPlace(other)
      ? nearOnRing(table, other)
      : aroundOnRing(table, other),
    table.isNearById(other.id)
      ? nearById(table, other)
      : aroundById(table, other),
  ];
  const differs = orders.flatMap(digestsOf).map((digest, part) =>
    digest !== told[part] && isCompared(told, part)
  );
  if (!differs.includes(true)) return [];
  const records = new Set<MemberRecord>();
  for (const [order, near] of orders.entries()) {
    for (const record of near) {
      const part = order * OVERLAP_PARTS + partOf(record.id);
      if (differs[part]) records.add(record);
    }
  }
  for (const record of table.goneSince(goneSinceMs)) {
    const part = partOf(record.id);
    const isOther = differs[part] || differs[part + OVERLAP_PARTS];
    if (isOther && table.isNear(record)) records.add(record);
  }
  return [...records];
}

/** Whether the order of a part is one that the digests were told of. */
function isCompared(told: readonly number[], part: number): boolean {
  const from = part - part % OVERLAP_PARTS;
  for (let at = from; at < from + OVERLAP_PARTS; at++) {
    if (told[at] !== 0) return true;
  }
  return false;
}

/** Who is within reach of `of` on the ring, as far as is known. */
function aroundOnRing(
  { ring, reach }: Table,
  of: MemberRecord,
): MemberRecord[] {
  if (!hasPlace(of)) return [];
  const { members, joining, leaving } = windowOf(ring, of, reach);
  return [...members, ...joining, ...leaving];
}

/** The same in the order of the ids. */
function aroundById(table: Table, { id }: MemberRecord): MemberRecord[] {
  return [id, ...neighbours(table.order, id, table.reach)]
    .map((near) => table.get(near)!);
}

/** Who is within reach of this node as well. */
function nearOnRing(table: Table, other: MemberRecord): MemberRecord[] {
  const isShared = new Set(aroundOnRing(table, other));
  return aroundOnRing(table, table.self).filter((of) => isShared.has(of));
}

function nearById(table: Table, other: MemberRecord): MemberRecord[] {
  const isShared = new Set(aroundById(table, other));
  return aroundById(table, table.self).filter((of) => isShared.has(of));
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
