/**
 * The world as it is, which no node can see: who runs, who holds what.
 *
 * @module
 */
import type { CopyView } from "../dict/dict.ts";
import { type Id, keyId } from "../id/id.ts";
import {
  Health,
  type MemberRecord,
  Role,
  type Version,
} from "../wire/messages.ts";
import { compareVersions, type Key } from "./history.ts";
import type { LiveNode, MachineView } from "./node.ts";

/** A node's own record: what it thinks of its part in the ring. */
export function recordOf({ machine }: LiveNode): MemberRecord | undefined {
  const { id } = machine;
  if (machine.member !== undefined) return machine.member(id);
  return machine.members.find((member) => member.id === id);
}

/** The nodes that call themselves active members, in the order of the ring. */
export function activeNodes<Node extends LiveNode>(
  live: readonly Node[],
): Node[] {
  const active: { node: Node; position: Id }[] = [];
  for (const node of live) {
    const self = recordOf(node);
    if (self?.role === Role.active) {
      active.push({ node, position: self.position });
    }
  }
  active.sort((a, b) =>
    compareIds(a.position, b.position) ||
    compareIds(a.node.machine.id, b.node.machine.id)
  );
  return active.map(({ node }) => node);
}

/** Rings by the lists of members that they follow from. */
const rings = new WeakMap<readonly MemberRecord[], readonly MemberRecord[]>();

/** Whether somebody has a place on the ring, as far as its record says. */
function isOnRing({ role, health }: MemberRecord): boolean {
  return role === Role.active && health <= Health.suspect;
}

/** The order of the ring. */
function byPlace(a: MemberRecord, b: MemberRecord): number {
  return compareIds(a.position, b.position) || compareIds(a.id, b.id);
}

/** The ring as one node sees it: a node has another list after each change. */
export function ringSeenBy({ machine }: LiveNode): readonly MemberRecord[] {
  const { members } = machine;
  const known = rings.get(members);
  if (known !== undefined) return known;
  const ring = members.filter(isOnRing).sort(byPlace);
  rings.set(members, ring);
  return ring;
}

/** A node that knew fewer than these on each side would be none of a ring. */
const REACH_MIN = 4;

/** How far a node knows all on both sides of it, if it says so. */
export function reachOf({ reach }: MachineView): number {
  return Math.max(REACH_MIN, reach ?? Infinity);
}

/** The `reach` nearest on both sides of one of sorted ids, and that one. */
export function nearById(
  ids: readonly Id[],
  self: Id,
  reach: number,
): readonly Id[] {
  const count = ids.length;
  if (count <= 2 * reach + 1) return ids;
  const at = ids.indexOf(self);
  return Array.from(
    { length: 2 * reach + 1 },
    (_, i) => ids[(at - reach + i + count) % count]!,
  );
}

/**
 * Says which keys a node is a holder of by its own view: those for which fewer
 * than R members lie between the key and itself. One look at each member is
 * enough for all keys; a large ring changes too often for it to be sorted.
 */
export function holdingOf(
  { machine: { id, members } }: LiveNode,
  replicas: number,
): (key: Id) => boolean {
  const self = members.find((member) => member.id === id);
  if (self === undefined || !isOnRing(self)) return () => false;
  // The last R before it on either side of the end of the number line.
  const below: MemberRecord[] = [];
  const beyond: MemberRecord[] = [];
  for (const member of members) {
    if (member === self || !isOnRing(member)) continue;
    keepLast(byPlace(member, self) < 0 ? below : beyond, member, replicas);
  }
  const before = [...below, ...beyond][replicas - 1]?.position;
  if (before === undefined) return () => true;
  const { position } = self;
  if (below.length < replicas) return (key) => key <= position || key > before;
  return (key) => key <= position && key > before;
}

/** Keeps the last few of those that come, the very last one first. */
function keepLast(
  last: MemberRecord[],
  member: MemberRecord,
  count: number,
): void {
  if (last.length === count && byPlace(member, last[count - 1]!) < 0) return;
  const at = last.findIndex((other) => byPlace(other, member) < 0);
  last.splice(at < 0 ? last.length : at, 0, member);
  if (last.length > count) last.pop();
}

/** Gives, for any key, the first R of the ring at or after its place. */
export function placement<Node extends LiveNode>(
  live: readonly Node[],
  replicas: number,
): (id: Id) => Node[] {
  const ring = activeNodes(live);
  const positions = ring.map((node) => recordOf(node)!.position);
  const count = Math.min(replicas, ring.length);
  return (id) => {
    const first = positions.findIndex((position) => position >= id);
    const start = first < 0 ? 0 : first;
    return Array.from(
      { length: count },
      (_, i) => ring[(start + i) % ring.length]!,
    );
  };
}

/** The nodes that hold this version of a key or a newer one. */
export function holdersOf<Node extends LiveNode>(
  key: Key,
  version: Version,
  live: readonly Node[],
): Node[] {
  return live.filter((node) => {
    const copy = node.machine.dict.copyOf(key.id);
    return copy !== undefined && compareVersions(copy.version, version) >= 0;
  });
}

/** The newest copy of a key that exists anywhere. */
export function newestOf(
  id: Id,
  live: readonly LiveNode[],
): CopyView | undefined {
  let newest: CopyView | undefined;
  for (const node of live) {
    const copy = node.machine.dict.copyOf(id);
    if (copy !== undefined && isNewer(copy, newest)) newest = copy;
  }
  return newest;
}

/** Where the key of each copy is: a copy never changes. */
const places = new WeakMap<CopyView, Id>();

function placeOf(copy: CopyView): Id {
  const known = places.get(copy);
  if (known !== undefined) return known;
  const id = keyId(copy.key);
  places.set(copy, id);
  return id;
}

/** The newest copy of every key that exists anywhere. */
export function newestCopies(live: readonly LiveNode[]): Map<Id, CopyView> {
  const newest = new Map<Id, CopyView>();
  for (const node of live) {
    for (const copy of node.machine.dict.copies()) {
      const id = placeOf(copy);
      if (isNewer(copy, newest.get(id))) newest.set(id, copy);
    }
  }
  return newest;
}

/** The names of nodes, for messages. */
export function names(nodes: readonly LiveNode[]): string {
  return nodes.map((node) => node.name).join(" ");
}

function isNewer(copy: CopyView, than: CopyView | undefined): boolean {
  return than === undefined || compareVersions(copy.version, than.version) > 0;
}

function compareIds(a: Id, b: Id): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
