/**
 * Who is where on a ring of which this node does not know all members, found
 * out by asking who is near one place after the other.
 *
 * @module
 */
import { type Id, ZERO_ID } from "../id/id.ts";
import { advance, isInArc } from "../id/ring.ts";
import { type MemberRecord, Role } from "../wire/messages.ts";
import { type Segment, segmentAt } from "./holders.ts";
import type { Routing } from "./routing.ts";

/** How long one question may take. */
const ASK_MS = 5_000;
/** After so many questions a ring that has no end is given up. */
const QUESTIONS_MAX = 65_536;

/** The segment that has an id, or nothing if nobody could tell. */
export function surveyAt(
  routing: Routing,
  id: Id,
  replicas: number,
  done: (segments: readonly Segment[]) => void,
): void {
  routing.locate(id, ASK_MS, (records) => {
    const members = records.filter(isMember);
    const index = holderIndex(members, id);
    done(index < 0 ? [] : [segmentAt(members, index, replicas)]);
  });
}

/** All segments, or nothing if the way around the ring was not found. */
export function surveyAll(
  routing: Routing,
  replicas: number,
  done: (segments: readonly Segment[]) => void,
): void {
  const found = new Map<Id, MemberRecord>();
  let left = QUESTIONS_MAX;
  const end = () => {
    const members = [...found.values()].sort((a, b) =>
      a.position < b.position ? -1 : 1
    );
    done(members.map((_, i) => segmentAt(members, i, replicas)));
  };
  const ask = (target: Id): void => {
    routing.locate(target, ASK_MS, (records) => {
      const members = records.filter(isMember);
      const index = holderIndex(members, target);
      if (index < 0 || --left === 0) return done([]);
      for (const member of members.slice(index)) {
        if (found.has(member.id)) return end();
        found.set(member.id, member);
      }
      ask(advance(members.at(-1)!.position, 1n));
    });
  };
  ask(ZERO_ID);
}

/** The index of the one of neighbouring members that an id belongs to. */
export function holderIndex(members: readonly MemberRecord[], id: Id): number {
  const index = members.findIndex(({ position }, i) =>
    i > 0 && isInArc(id, members[i - 1]!.position, position)
  );
  // Before the first of them is what belongs to it, if they are all there are.
  return index < 0 && members.length > 0 ? 0 : index;
}

function isMember({ role }: MemberRecord): boolean {
  return role === Role.active;
}
