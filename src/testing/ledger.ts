/**
 * What the product owes: every acknowledged write, and who must keep it.
 *
 * It also decides which crash is allowed. The promise is that an acknowledged
 * write survives as long as one of the nodes that confirmed it does, until
 * repair has made enough new copies. Each key therefore has a safe set: those
 * who claim to hold its newest acknowledged write (a checker compares the claim
 * with the truth at that moment). Only what really is on enough nodes replaces
 * it, and a copy may leave it only while enough others exist. A judge that
 * looked only at real copies would spare the last one and see no bug.
 *
 * @module
 */
import { EVERYWHERE } from "../base/options.ts";
import type { CopyView } from "../dict/dict.ts";
import type { Id } from "../id/id.ts";
import type { Version } from "../wire/messages.ts";
import { compareVersions, type Key, versionText } from "./history.ts";
import type { LiveNode } from "./node.ts";
import { activeNodes, holdersOf, names, ringSeenBy } from "./truth.ts";

/** The newest write to one key that somebody was told is done. */
export interface Acknowledged {
  readonly key: Key;
  readonly version: Version;
  /** Whether it took the entry away. */
  readonly isDelete: boolean;
  readonly atMs: number;
  /** One of these must live on. */
  safe: ReadonlySet<Id>;
}

/** Whether a copy is what a delete leaves behind; what has run out is none. */
export function isTombstone({ value, terms }: CopyView): boolean {
  return value === undefined && terms === undefined;
}

/** Copies that are enough where every node is to have one. */
const ENOUGH = 2;

/** Acknowledged writes by key. */
export class Ledger {
  /** Copies of each entry. */
  readonly replicas: number;
  readonly #owed = new Map<string, Acknowledged>();
  readonly #deletes = new Map<string, Acknowledged>();

  constructor(replicas: number) {
    this.replicas = replicas;
  }

  /** The newest acknowledged write of every key that has one. */
  get owed(): Iterable<Acknowledged> {
    return this.#owed.values();
  }

  /** The newest acknowledged delete of every key that has one. */
  get deletes(): Iterable<Acknowledged> {
    return this.#deletes.values();
  }

  /** @param key its text */
  newestOf(key: string): Acknowledged | undefined {
    return this.#owed.get(key);
  }

  acknowledge(write: Acknowledged): void {
    replaceOlder(this.#owed, write);
    if (write.isDelete) replaceOlder(this.#deletes, write);
  }

  /**
   * Takes in a write whose version nobody was told: the newest copy of its kind
   * that exists is at least it, and those who really have that are its safe
   * set. None at all: it has been overwritten, and what did that is owed.
   */
  acknowledgeNewest(
    key: Key,
    isOfKind: (copy: CopyView) => boolean,
    live: readonly LiveNode[],
    atMs: number,
  ): void {
    let newest: CopyView | undefined;
    for (const node of live) {
      const copy = node.machine.dict.copyOf(key.id);
      if (copy === undefined || !isOfKind(copy)) continue;
      if (
        newest === undefined ||
        compareVersions(copy.version, newest.version) > 0
      ) newest = copy;
    }
    if (newest === undefined) return;
    const { version, value } = newest;
    const holders = holdersOf(key, version, live);
    const safe = new Set(holders.map((node) => node.machine.id));
    const isDelete = value === undefined;
    this.acknowledge({ key, version, isDelete, atMs, safe });
  }

  /** Whether every owed write keeps somebody of its safe set without `victim`. */
  permitsEndOf(victim: LiveNode, live: readonly LiveNode[]): boolean {
    const ids = new Set<Id>();
    for (const node of live) if (node !== victim) ids.add(node.machine.id);
    for (const { safe } of this.#owed.values()) {
      let survives = false;
      for (const id of safe) survives ||= ids.has(id);
      if (!survives) return false;
    }
    return true;
  }

  /** A node has dropped its copy, and was judged by what it knew just then. */
  letGo(key: string, id: Id): void {
    const write = this.#owed.get(key);
    if (write === undefined || !write.safe.has(id)) return;
    write.safe = new Set([...write.safe].filter((other) => other !== id));
  }

  /**
   * Brings the safe sets up to date with what the nodes really hold. To be
   * called often, and before each crash: between two calls at most `ended`
   * processes may have ended that could excuse a missing copy.
   *
   * @returns what is wrong with the copies that were dropped since, if anything
   */
  audit(live: readonly LiveNode[], ended: number): string | undefined {
    const byId = new Map(live.map((node) => [node.machine.id, node]));
    // The last members of a small ring cannot make more copies than they are.
    const least = Math.min(this.replicas, activeNodes(live).length);
    const enough = this.replicas === EVERYWHERE ? ENOUGH : this.replicas;
    for (const write of this.#owed.values()) {
      const holders = holdersOf(write.key, write.version, live);
      if (holders.length >= enough) {
        if (!isMadeOf(write.safe, holders)) {
          write.safe = new Set(holders.map((node) => node.machine.id));
        }
        continue;
      }
      // All of the safe set held it once: who does not any more has dropped it.
      const holding = new Set(holders.map((node) => node.machine.id));
      const droppers = [...write.safe].filter((id) =>
        byId.has(id) && !holding.has(id)
      );
      if (droppers.length === 0) continue;
      const nodes = droppers.map((id) => byId.get(id)!);
      // Who leaves hands over to all members that it knows, be they few.
      const known = Math.min(...nodes.map((node) => ringSeenBy(node).length));
      if (holders.length + ended < Math.min(least, known)) {
        const who = names(nodes);
        return `${who} dropped "${write.key.text}" ` +
          `${versionText(write.version)} while only ` +
          `[${names(holders)}] held it`;
      }
      write.safe = new Set(
        [...write.safe].filter((id) => !droppers.includes(id)),
      );
    }
    return undefined;
  }
}

function isMadeOf(safe: ReadonlySet<Id>, nodes: readonly LiveNode[]): boolean {
  return safe.size === nodes.length &&
    nodes.every((node) => safe.has(node.machine.id));
}

function replaceOlder(
  writes: Map<string, Acknowledged>,
  write: Acknowledged,
): void {
  const known = writes.get(write.key.text);
  if (
    known === undefined || compareVersions(write.version, known.version) > 0
  ) {
    writes.set(write.key.text, write);
  }
}
