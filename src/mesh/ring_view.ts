/**
 * The ring that follows from a member table.
 *
 * @module
 */
import type { Id } from "../id/id.ts";
import { Health, type MemberRecord, Role } from "../wire/messages.ts";
import type { RingView } from "./peers.ts";

/** 32 bits that depend on every character of `id` (FNV-1a). */
export function hashId(id: Id): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < id.length; i++) {
    hash = Math.imul(hash ^ id.charCodeAt(i), 0x0100_0193);
  }
  return hash >>> 0;
}

/** 32 bits that depend on every bit of both (after splitmix32). */
export function mix(a: number, b: number): number {
  let z = (a + Math.imul(b + 1, 0x9e37_79b9)) >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** The ring of the records that are in one. */
export function buildRing(records: Iterable<MemberRecord>): RingView {
  const members: MemberRecord[] = [];
  const joining: MemberRecord[] = [];
  let hash = 0;
  for (const record of records) {
    if (record.health > Health.suspect) continue;
    if (record.role === Role.active) members.push(record);
    else if (record.role === Role.joining) joining.push(record);
    else continue;
    // Health and url are left out: they do not change who holds what.
    const place = mix(hashId(record.id), hashId(record.position));
    hash = (hash + mix(place, record.role)) >>> 0;
  }
  return new Ring(members.sort(byPosition), joining.sort(byPosition), hash);
}

/** One ring, which never changes. */
class Ring implements RingView {
  readonly members: readonly MemberRecord[];
  readonly joining: readonly MemberRecord[];
  readonly hash: number;

  constructor(
    members: readonly MemberRecord[],
    joining: readonly MemberRecord[],
    hash: number,
  ) {
    this.members = members;
    this.joining = joining;
    this.hash = hash;
  }

  indexOf(id: Id): number {
    let low = 0;
    let high = this.members.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.members[middle]!.position < id) low = middle + 1;
      else high = middle;
    }
    return low === this.members.length ? 0 : low;
  }
}

function byPosition(a: MemberRecord, b: MemberRecord): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
