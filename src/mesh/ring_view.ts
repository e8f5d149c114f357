/**
 * The ring that follows from a member table.
 *
 * @module
 */
import type { Id } from "../id/id.ts";
import { isInArc } from "../id/ring.ts";
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

/** Those with a place, by what they do there. */
type Lists = Pick<RingView, "members" | "joining" | "leaving">;

/** One ring, which never changes. */
class Ring implements RingView {
  readonly members: readonly MemberRecord[];
  readonly joining: readonly MemberRecord[];
  readonly leaving: readonly MemberRecord[];
  readonly hash: number;

  constructor({ members, joining, leaving }: Lists, hash: number) {
    this.members = members;
    this.joining = joining;
    this.leaving = leaving;
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
const EMPTY: RingView = new Ring({ members: [], joining: [], leaving: [] }, 0);

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
  const changed = (list: readonly MemberRecord[], role: Role) =>
    spliced(list, ofRole(out, role), ofRole(into, role));
  return new Ring({
    members: changed(ring.members, Role.active),
    joining: changed(ring.joining, Role.joining),
    leaving: changed(ring.leaving, Role.leaving),
  }, (ring.hash - shareOf(out) + shareOf(into)) >>> 0);
}

/** Whether a node has a place on the ring, in its order or next to it. */
export function hasPlace({ role }: MemberRecord): boolean {
  return role !== Role.leaf;
}

/**
 * How far `index` is clockwise from where `self` is or would be, negative for
 * what is before it; of a node without a place nothing is near.
 */
export function rankFrom(
  { members }: RingView,
  self: MemberRecord,
  index: number,
): number {
  if (!hasPlace(self)) return Infinity;
  const count = members.length;
  const ahead = (index - slotOf(members, self) + count) % count;
  return ahead > count / 2 ? ahead - count : ahead;
}

/**
 * The part of the ring around `self`: `reach` members on each side of it, and
 * who is joining or leaving between them. All of it for a node without a place.
 */
export function windowOf(
  ring: RingView,
  self: MemberRecord,
  reach: number,
): RingView {
  const { members } = ring;
  const count = members.length;
  const width = 2 * reach + 1;
  if (count <= width || !hasPlace(self)) return ring;
  const start = (slotOf(members, self) - reach + count) % count;
  const end = start + width;
  const near = end <= count
    ? members.slice(start, end)
    : [...members.slice(0, end - count), ...members.slice(start)];
  const from = members[start]!.position;
  const to = members[(end - 1) % count]!.position;
  const isBetween = ({ position }: MemberRecord) => isInArc(position, from, to);
  const joining = ring.joining.filter(isBetween);
  const leaving = ring.leaving.filter(isBetween);
  let hash = 0;
  for (const record of [...near, ...joining, ...leaving]) {
    hash += shareOf(record);
  }
  return new Ring({ members: near, joining, leaving }, hash >>> 0);
}

/** Whether two rings are made of the very same records. */
export function isSameRing(a: RingView, b: RingView): boolean {
  const isSame = (
    one: readonly MemberRecord[],
    other: readonly MemberRecord[],
  ) =>
    one.length === other.length &&
    one.every((record, i) => record === other[i]);
  return a.hash === b.hash && isSame(a.members, b.members) &&
    isSame(a.joining, b.joining) && isSame(a.leaving, b.leaving);
}

/**
 * The members around the first holder of an id, in the order of the ring: up to
 * `reach` on each side of it, and all of them of a part that was cut out.
 */
export function around(
  view: RingView,
  self: MemberRecord,
  id: Id,
  reach: number,
): MemberRecord[] {
  const { members } = view;
  const count = members.length;
  if (count === 0) return [];
  const first = view.indexOf(id);
  const isCut = count === 2 * reach + 1 && hasPlace(self);
  const before = isCut
    ? rankFrom(view, self, first) + reach
    : Math.min(reach, (count - 1) >> 1);
  const length = Math.min(count, 2 * reach + 1);
  return Array.from(
    { length },
    (_, i) => members[(first - before + i + count) % count]!,
  );
}

/** The index of a node in a list by position, then id; -1: it is not in it. */
export function memberIndex(
  members: readonly MemberRecord[],
  member: Pick<MemberRecord, "id" | "position">,
): number {
  const at = slotOf(members, member);
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

function isInRing(record: MemberRecord): boolean {
  return record.health <= Health.suspect && hasPlace(record);
}

function ofRole(
  record: MemberRecord | undefined,
  role: Role,
): MemberRecord | undefined {
  return record?.role === role ? record : undefined;
}

/** Records never change, and a window is cut anew with each change of a ring. */
const SHARES = new WeakMap<MemberRecord, number>();

/** What a record adds to the hash: health and url do not change who holds what. */
function shareOf(record: MemberRecord | undefined): number {
  if (record === undefined) return 0;
  const known = SHARES.get(record);
  if (known !== undefined) return known;
  const place = mix(hashId(record.id), hashId(record.position));
  const share = mix(place, record.role);
  SHARES.set(record, share);
  return share;
}

/** A copy without one record and with another; the list itself if neither. */
function spliced(
  list: readonly MemberRecord[],
  out: MemberRecord | undefined,
  into: MemberRecord | undefined,
): readonly MemberRecord[] {
  if (out === undefined && into === undefined) return list;
  const copy = list.slice();
  if (out !== undefined) copy.splice(slotOf(copy, out), 1);
  if (into !== undefined) copy.splice(slotOf(copy, into), 0, into);
  return copy;
}

/** The index of the first one at or after a node's place. */
function slotOf(
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
