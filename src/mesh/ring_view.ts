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

/** The ring of nobody. */
const EMPTY: RingView = new Ring([], [], 0);

/** The ring of the records that are in one. */
export function buildRing(records: Iterable<MemberRecord>): RingView {
  let ring = EMPTY;
  for (const record of records) ring = replaced(ring, undefined, record);
  return ring;
}

/**
 * The ring after one node's record has changed: the same object if that is no
 * matter of the ring. A large ring changes often, one record at a time.
 */
export function replaced(
  ring: RingView,
  before: MemberRecord | undefined,
  after: MemberRecord,
): RingView {
  const out = before !== undefined && isInRing(before) ? before : undefined;
  const into = isInRing(after) ? after : undefined;
  if (out === undefined && into === undefined) return ring;
  return new Ring(
    spliced(ring.members, ofRole(out, Role.active), ofRole(into, Role.active)),
    spliced(
      ring.joining,
      ofRole(out, Role.joining),
      ofRole(into, Role.joining),
    ),
    (ring.hash - shareOf(out) + shareOf(into)) >>> 0,
  );
}

/** The index of a node in a list by position, then id; -1: it is not in it. */
export function memberIndex(
  members: readonly MemberRecord[],
  member: Pick<MemberRecord, "id" | "position">,
): number {
  const at = placeOf(members, member);
  return members[at]?.id === member.id ? at : -1;
}

/**
 * The members, and then the joiners, of one ring that were neither in another.
 * Two rings of which one grew out of the other differ in few places.
 */
export function newcomers(
  before: RingView,
  after: RingView,
): { readonly members: Id[]; readonly joining: Id[] } {
  const { members: old, joining } = before;
  const now = after.members;
  let start = 0;
  const least = Math.min(old.length, now.length);
  while (start < least && old[start] === now[start]) start++;
  let [end, oldEnd] = [now.length, old.length];
  while (end > start && oldEnd > start && now[end - 1] === old[oldEnd - 1]) {
    end--;
    oldEnd--;
  }
  const known = new Set(joining.map(({ id }) => id));
  for (let i = start; i < oldEnd; i++) known.add(old[i]!.id);
  const isNew = (record: MemberRecord) => !known.has(record.id);
  const ids = (records: readonly MemberRecord[]) =>
    records.filter(isNew).map(({ id }) => id);
  return {
    members: ids(now.slice(start, end)),
    joining: ids(after.joining),
  };
}

function isInRing({ health, role }: MemberRecord): boolean {
  return health <= Health.suspect &&
    (role === Role.active || role === Role.joining);
}

function ofRole(
  record: MemberRecord | undefined,
  role: Role,
): MemberRecord | undefined {
  return record?.role === role ? record : undefined;
}

/** What a record adds to the hash: health and url do not change who holds what. */
function shareOf(record: MemberRecord | undefined): number {
  if (record === undefined) return 0;
  const place = mix(hashId(record.id), hashId(record.position));
  return mix(place, record.role);
}

/** A copy without one record and with another; the list itself if neither. */
function spliced(
  list: readonly MemberRecord[],
  out: MemberRecord | undefined,
  into: MemberRecord | undefined,
): readonly MemberRecord[] {
  if (out === undefined && into === undefined) return list;
  const copy = list.slice();
  if (out !== undefined) copy.splice(placeOf(copy, out), 1);
  if (into !== undefined) copy.splice(placeOf(copy, into), 0, into);
  return copy;
}

/** The index of the first one at or after a node's place. */
function placeOf(
  list: readonly MemberRecord[],
  { id, position }: Pick<MemberRecord, "id" | "position">,
): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = list[middle]!;
    const isBefore = other.position < position ||
      (other.position === position && other.id < id);
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}
