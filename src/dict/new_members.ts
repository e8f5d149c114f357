/**
 * Members that came a moment ago: not every writer knows of them yet.
 *
 * @module
 */
import { type Id, keyId } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers } from "../mesh/peers.ts";
import type { EntryRecord } from "../wire/messages.ts";
import { candidatesOf, joinersOf } from "./holders.ts";
import type { Share } from "./share.ts";

/** How long a member is new: writers may not know of it yet. */
const NEW_MEMBER_MS = 10_000;

/** The new members, as one node sees them. */
export class NewMembers {
  readonly #context: Context;
  readonly #peers: Peers;
  /** Until when each counts as new; the oldest first. */
  readonly #untilMs = new Map<Id, number>();
  /** Whether the ring was known whole when it changed last. */
  #wasWhole = true;

  constructor(context: Context, peers: Peers) {
    this.#context = context;
    this.#peers = peers;
  }

  note(ids: readonly Id[]): void {
    const { nowMs } = this.#context;
    for (const [id, untilMs] of this.#untilMs) {
      if (untilMs >= nowMs) break;
      this.#untilMs.delete(id);
    }
    for (const id of ids) {
      this.#untilMs.delete(id);
      this.#untilMs.set(id, nowMs + NEW_MEMBER_MS);
    }
  }

  /**
   * Those of new members that were not seen catching up, and so may bring what
   * nobody here has. Of a ring that is not known whole others come into sight
   * all the time: of these only who holds the same as this node.
   */
  strangersOf(members: readonly Id[], share: Share): readonly Id[] {
    const isWhole = !this.#peers.isPartial && this.#wasWhole;
    this.#wasWhole = !this.#peers.isPartial;
    if (isWhole) return members;
    return members.filter((id) =>
      share.portions.some(({ segment }) => segment.holders.includes(id))
    );
  }

  /** A writer has another ring: members that it may not know must not miss it. */
  forward(entry: EntryRecord, from: Id): void {
    if (this.#untilMs.size === 0) return;
    const { nowMs, options: { replicas } } = this.#context;
    const { ring, self } = this.#peers;
    const id = keyId(entry.key);
    const all = [
      ...candidatesOf(ring, id, replicas),
      ...joinersOf(ring, id, replicas),
    ];
    for (const member of all) {
      if (member.id === self.id || member.id === from) continue;
      if ((this.#untilMs.get(member.id) ?? 0) < nowMs) continue;
      // Number 0 is no request's: the answer is dropped.
      this.#peers.send(member.id, {
        type: "push",
        request: 0,
        entries: [entry],
      });
    }
  }
}
