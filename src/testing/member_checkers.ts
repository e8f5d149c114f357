/**
 * What must be true of what nodes believe of each other.
 *
 * @module
 */
import type { Id } from "../id/id.ts";
import { isPresent } from "../mesh/table.ts";
import { Health, type MemberRecord } from "../wire/messages.ts";
import type { Finding } from "./checkers.ts";
import type { InvariantName } from "./invariants.ts";
import type { LiveNode } from "./node.ts";
import { nearById, reachOf, recordOf } from "./truth.ts";

/** The records that each node had when it was looked at last. */
export class Beliefs {
  readonly #byNode = new WeakMap<LiveNode, Map<Id, MemberRecord>>();
  /** The list in which they were: there is another one after each change. */
  readonly #lists = new WeakMap<LiveNode, readonly MemberRecord[]>();

  /** Looks at all nodes; gives what is wrong first, and by which rule. */
  check(live: readonly LiveNode[]): [InvariantName, Finding] | undefined {
    for (const node of live) {
      // Who cannot know all forgets, and may hear old news once more.
      if (node.machine.window !== undefined) {
        this.#byNode.delete(node);
        this.#lists.delete(node);
        const wrong = this.#judge(node, undefined, recordOf(node)!);
        if (wrong !== undefined) return wrong;
        continue;
      }
      const { members } = node.machine;
      if (this.#lists.get(node) === members) continue;
      this.#lists.set(node, members);
      const known = this.#byNode.get(node) ?? new Map<Id, MemberRecord>();
      this.#byNode.set(node, known);
      for (const record of members) {
        const before = known.get(record.id);
        // Records are replaced, never changed.
        if (before === record) continue;
        known.set(record.id, record);
        const wrong = this.#judge(node, before, record);
        if (wrong !== undefined) return wrong;
      }
    }
    return undefined;
  }

  #judge(
    { name, machine }: LiveNode,
    before: MemberRecord | undefined,
    after: MemberRecord,
  ): [InvariantName, Finding] | undefined {
    const { id, incarnation, health } = after;
    if (
      id === machine.id && health !== Health.alive && health !== Health.left
    ) return ["selfIsAlive", `${name} believes itself ${healthText(health)}`];
    if (before === undefined) return undefined;
    const who = `${name} knew ${id.slice(0, 4)} as ${textOf(before)}, ` +
      `and knows it as ${textOf(after)}`;
    if (incarnation < before.incarnation) return ["incarnationsRise", who];
    const isBack = !isPresent(before) && isPresent(after);
    // Who has left stays away, however often it comes.
    const isTooEarly = incarnation === before.incarnation ||
      before.health === Health.left;
    return isBack && isTooEarly ? ["deadStayDead", who] : undefined;
  }
}

/** All nodes have the same records: of exactly the nodes that run. */
export function tablesAgree(live: readonly LiveNode[]): Finding {
  const ids = live.map(({ machine }) => machine.id).sort();
  for (const node of live) {
    const { id, members } = node.machine;
    const seen = node.machine.window;
    const present = members.filter(isPresent);
    // Of a ring too large to be known whole only who is near counts.
    const wanted = seen && new Set(nearById(ids, id, reachOf(node.machine)));
    const records = seen === undefined
      ? present
      : [...nearOf(node, present), ...seen];
    const known = new Map(records.map((record) => [record.id, record]));
    for (const other of live) {
      const record = known.get(other.machine.id);
      const own = recordOf(other)!;
      known.delete(own.id);
      if (record === undefined) {
        if (wanted !== undefined && !wanted.has(own.id)) continue;
        return `${node.name} misses ${other.name}`;
      }
      if (record === own || isSame(record, own)) continue;
      return `${node.name} knows ${other.name} as ${textOf(record)}, ` +
        `and it is ${textOf(own)}`;
    }
    const [stranger] = known.keys();
    if (stranger === undefined) continue;
    return `${node.name} knows ${stranger.slice(0, 4)}, which does not run`;
  }
  return undefined;
}

/** Who a node takes for near it in the order of the ids. */
function nearOf(
  { machine }: LiveNode,
  present: readonly MemberRecord[],
): MemberRecord[] {
  const ids = present.map(({ id }) => id).sort();
  const near = new Set(nearById(ids, machine.id, reachOf(machine)));
  return present.filter(({ id }) => near.has(id));
}

function isSame(a: MemberRecord, b: MemberRecord): boolean {
  return a.incarnation === b.incarnation && a.role === b.role &&
    a.health === b.health && a.position === b.position && a.url === b.url;
}

function textOf({ incarnation, role, health }: MemberRecord): string {
  return `${healthText(health)}, role ${role}, incarnation ${incarnation}`;
}

function healthText(health: MemberRecord["health"]): string {
  const known = Object.entries(Health).find(([, value]) => value === health);
  return known?.[0] ?? `${health}`;
}
