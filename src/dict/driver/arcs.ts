/**
 * The ring as an application sees it.
 *
 * @module
 */
import { distance, RING_SIZE } from "../../id/ring.ts";
import { Health, type MemberRecord, Role } from "../../wire/messages.ts";
import type { Arc } from "./options.ts";

/** The arcs of all active members, by position. */
export function arcsOf(members: readonly MemberRecord[]): Arc[] {
  const active = members
    .filter(({ role, health }) =>
      role === Role.active && health <= Health.suspect
    )
    .sort((a, b) =>
      a.position < b.position || (a.position === b.position && a.id < b.id)
        ? -1
        : 1
    );
  return active.map(({ id, url, position }, i) => {
    const after = active.at(i - 1)!.position;
    // From a position to itself it is once around, if nobody else is there.
    const length = distance(after, position) ||
      (active.length === 1 ? RING_SIZE : 0n);
    const share = Number(length * 1_000_000n / RING_SIZE) / 1_000_000;
    return { id, url, after, through: position, share };
  });
}
