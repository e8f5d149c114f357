/**
 * Rings without a network, for tests of what only looks at one.
 *
 * @module
 */
import type { Id } from "../../src/id/id.ts";
import type { Peers } from "../../src/mesh/peers.ts";
import { buildRing } from "../../src/mesh/ring_view.ts";
import { Health, type MemberRecord, Role } from "../../src/wire/messages.ts";

/** An id that begins with these digits. */
export function at(digits: string): Id {
  return digits.padEnd(32, "0");
}

/** A member whose id is its position. */
export function member(
  digits: string,
  role: Role = Role.active,
  health: Health = Health.alive,
): MemberRecord {
  const id = at(digits);
  return { id, incarnation: 1, role, health, position: id, url: "" };
}

/** A node's view that a test can change. */
export class View {
  self: MemberRecord;
  records: MemberRecord[];

  constructor(self: MemberRecord, others: readonly MemberRecord[]) {
    this.self = self;
    this.records = [self, ...others];
  }

  /** Takes `record` in, in place of an older one. */
  set(record: MemberRecord): void {
    this.records = this.records.filter(({ id }) => id !== record.id);
    this.records.push(record);
    if (record.id === this.self.id) this.self = record;
  }

  /** The part of `Peers` that shares and holders look at. */
  get peers(): Peers {
    // deno-lint-ignore no-this-alias -- the getters below follow the view
    const view = this;
    const looked = {
      get self() {
        return view.self;
      },
      get ring() {
        return buildRing(view.records);
      },
      member: (id: Id) => view.records.find((record) => record.id === id),
    };
    return looked as unknown as Peers;
  }
}
