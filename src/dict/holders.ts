/**
 * Who must have a copy of a key: the first R active members at or after the
 * key's hash (successor placement with R - 1 further replicas: Dabek et al.,
 * "Wide-area cooperative storage with CFS", SOSP 2001, section 4.1).
 *
 * @module
 */
import { EVERYWHERE } from "../base/options.ts";
import type { Id } from "../id/id.ts";
import { distance, isInArc } from "../id/ring.ts";
import type { RingView } from "../mesh/peers.ts";
import { memberIndex } from "../mesh/ring_view.ts";
import type { MemberRecord } from "../wire/messages.ts";
import type { Arc } from "./table.ts";

/**
 * The members from the key's first holder on: the holders, then who would
 * stand in for one.
 */
export function candidatesOf(
  ring: RingView,
  id: Id,
  count: number,
): MemberRecord[] {
  const { members } = ring;
  const candidates: MemberRecord[] = [];
  const first = ring.indexOf(id);
  for (let i = 0; i < Math.min(count, members.length); i++) {
    candidates.push(members[(first + i) % members.length]!);
  }
  return candidates;
}

/** Whether `node` is one of the first `replicas` members at or after `id`. */
export function isHolder(
  ring: RingView,
  node: Id,
  id: Id,
  replicas: number,
): boolean {
  const { members } = ring;
  const first = ring.indexOf(id);
  for (let i = 0; i < Math.min(replicas, members.length); i++) {
    if (members[(first + i) % members.length]!.id === node) return true;
  }
  return false;
}

/** The joining members that would be holders of `id` were they active. */
export function joinersOf(
  ring: RingView,
  id: Id,
  replicas: number,
): readonly MemberRecord[] {
  const { members } = ring;
  if (ring.joining.length === 0 || members.length < replicas) {
    return ring.joining;
  }
  // As a joiner before the last holder displaces it, so does the last holder
  // bound the arc in which a joiner becomes one.
  const last = members[(ring.indexOf(id) + replicas - 1) % members.length]!;
  return ring.joining.filter((joiner) =>
    distance(id, joiner.position) < distance(id, last.position)
  );
}

/**
 * The leaving members that would be holders of an id of the arc were they
 * active: what they have may be nowhere else yet. A single id is the arc that
 * begins and ends there.
 */
export function leaversOf(
  ring: RingView,
  { after, through }: Arc,
  replicas: number,
): readonly MemberRecord[] {
  const { members, leaving } = ring;
  if (leaving.length === 0 || members.length < replicas) return leaving;
  const first = ring.indexOf(through);
  const last = members[(first + replicas - 1) % members.length]!;
  return leaving.filter(({ position }) =>
    isInArc(position, after, last.position)
  );
}

/** The arc between two neighbours on the ring, and who has copies of it. */
export interface Segment extends Arc {
  /** In the order of the ring: the first holder first. */
  readonly holders: readonly Id[];
}

/** The segment that ends at the member with this index. */
export function segmentAt(
  members: readonly MemberRecord[],
  index: number,
  replicas: number,
): Segment {
  const count = members.length;
  const holders: Id[] = [];
  for (let i = 0; i < Math.min(replicas, count); i++) {
    holders.push(members[(index + i) % count]!.id);
  }
  return {
    after: members[(index + count - 1) % count]!.position,
    through: members[index]!.position,
    holders,
  };
}

/**
 * The segments of which `node` has copies, its own first. Where everybody has
 * copies of everything all others are one: a segment for each member would be
 * as many comparisons, all with the same nodes.
 */
export function segmentsOf(
  members: readonly MemberRecord[],
  node: Pick<MemberRecord, "id" | "position">,
  replicas: number,
): Segment[] {
  const own = memberIndex(members, node);
  if (own < 0) return [];
  const segments: Segment[] = [];
  if (replicas === EVERYWHERE && members.length > 1) {
    const mine = segmentAt(members, own, replicas);
    const { holders } = mine;
    return [mine, { after: mine.through, through: mine.after, holders }];
  }
  for (let i = 0; i < Math.min(replicas, members.length); i++) {
    const index = (own - i + members.length) % members.length;
    segments.push(segmentAt(members, index, replicas));
  }
  return segments;
}

/** The index of the segment that has `id`, or -1. */
export function segmentWith(segments: readonly Segment[], id: Id): number {
  return segments.findIndex(({ after, through }) =>
    isInArc(id, after, through)
  );
}
