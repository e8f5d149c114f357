/**
 * Entries that end with the node that wrote them.
 *
 * Every holder watches the writers of its copies, and the first holder removes
 * what a writer left behind: at once when it has left, after a while when it
 * is dead or unheard of, unless it comes back. So no writer has to renew
 * anything, and a first holder's death changes nothing but who removes.
 *
 * @module
 */
import { SESSION_REMOVALS_MAX } from "../base/limits.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers } from "../mesh/peers.ts";
import { type EntryRecord, Health, type Version } from "../wire/messages.ts";
import type { Share } from "./share.ts";
import type { Table } from "./table.ts";

/** How long to wait after one that failed. */
const RETRY_MS = 1_000;

/** How often a far writer is asked for a sign of life. */
const SIGN_MS = 5_000;
/** How long that may take. */
const SIGN_TIMEOUT_MS = 2_000;
/** After so many questions in vain it is out of sight. */
const SILENCES_MAX = 3;

/** What the watch works with. */
export interface SessionParts {
  readonly context: Context;
  readonly peers: Peers;
  readonly share: Share;
  readonly table: Table;
  /** Removes a key that has this version; says whether it is not there now. */
  readonly remove: (
    key: EntryRecord["key"],
    version: Version,
    done: (isGone: boolean) => void,
  ) => void;
}

/** The sessions of which one node holds copies. */
export class Sessions {
  readonly #parts: SessionParts;
  /** The hashes of each writer's entries. */
  readonly #byOwner = new Map<Id, Set<Id>>();
  readonly #ownerOf = new Map<Id, Id>();
  /** Since when a writer is out of sight. */
  readonly #goneSinceMs = new Map<Id, number>();
  /** Writers of which nobody tells this node: when to ask next, how often in vain. */
  readonly #far = new Map<Id, { dueMs: number; silences: number }>();
  #removals = 0;
  #wake: Timer | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** What is under a hash from now on. */
  note(id: Id, entry: EntryRecord | undefined): void {
    const isSession = entry?.value !== undefined && entry.terms?.session;
    const owner = isSession ? entry.terms.owner : undefined;
    const before = this.#ownerOf.get(id);
    if (owner === before) return;
    if (before !== undefined) this.#drop(id, before);
    if (owner === undefined) return;
    this.#ownerOf.set(id, owner);
    const ids = this.#byOwner.get(owner);
    if (ids !== undefined) ids.add(id);
    else this.#byOwner.set(owner, new Set([id]));
    if (!this.#isThere(owner)) this.#checkIn(0);
  }

  /** Who is there has changed, or what this node is the first holder of. */
  check(): void {
    for (const [owner, ids] of this.#byOwner) {
      const leftMs = this.#graceLeft(owner);
      if (leftMs > 0) {
        if (leftMs < Infinity) this.#checkIn(leftMs);
      } else if (this.#removals === 0) {
        this.#end(ids);
      }
    }
  }

  #drop(id: Id, owner: Id): void {
    this.#ownerOf.delete(id);
    const ids = this.#byOwner.get(owner)!;
    ids.delete(id);
    if (ids.size > 0) return;
    this.#byOwner.delete(owner);
    this.#goneSinceMs.delete(owner);
    this.#far.delete(owner);
  }

  #isThere(owner: Id): boolean {
    const { peers } = this.#parts;
    const health = peers.member(owner)?.health;
    const isAway = health !== undefined && health > Health.suspect;
    if (!isAway && !peers.hearsOf(owner)) return this.#isHeard(owner);
    this.#far.delete(owner);
    return (health ?? Health.dead) <= Health.suspect;
  }

  /**
   * Of a ring that is not known whole a writer may be far: nobody tells of its
   * end, so it is asked for a sign of life again and again.
   */
  #isHeard(owner: Id): boolean {
    const { peers, context: { nowMs } } = this.#parts;
    const far = this.#far.get(owner) ?? { dueMs: nowMs, silences: 0 };
    this.#far.set(owner, far);
    if (nowMs >= far.dueMs) {
      far.dueMs = nowMs + SIGN_MS;
      const onEnd = (isHeard: boolean) => {
        far.silences = isHeard ? 0 : far.silences + 1;
        this.#checkIn(0);
      };
      const request = peers.request(SIGN_TIMEOUT_MS, {
        onAnswer: () => onEnd(true),
        onFailure: () => onEnd(false),
      });
      const { number = 0 } = request ?? {};
      request?.send(owner, { type: "ping", request: number });
    }
    this.#checkIn(far.dueMs - nowMs);
    return far.silences < SILENCES_MAX;
  }

  /** How long a writer has still to come back; `Infinity`: it is there. */
  #graceLeft(owner: Id): number {
    const { peers, context: { nowMs, options } } = this.#parts;
    if (this.#isThere(owner)) {
      this.#goneSinceMs.delete(owner);
      return Infinity;
    }
    if (peers.member(owner)?.health === Health.left) return 0;
    const sinceMs = this.#goneSinceMs.get(owner) ?? nowMs;
    this.#goneSinceMs.set(owner, sinceMs);
    return sinceMs + options.timings.sessionGraceMs - nowMs;
  }

  /** Removes what is this node's to remove; the rest is others'. */
  #end(ids: ReadonlySet<Id>): void {
    const { share, table, remove } = this.#parts;
    // A copy: what is removed at once leaves the set.
    for (const id of [...ids]) {
      if (this.#removals >= SESSION_REMOVALS_MAX) return;
      const entry = share.isFirst(id) ? table.get(id) : undefined;
      if (entry === undefined) continue;
      this.#removals++;
      remove(entry.key, entry.version, (isGone) => {
        this.#removals--;
        // No delete is newer than a version from a clock that is far wrong.
        const isStill = table.get(id)?.version === entry.version;
        this.#checkIn(isGone && !isStill ? 0 : RETRY_MS);
      });
    }
  }

  #checkIn(ms: number): void {
    const { timers, nowMs } = this.#parts.context;
    const atMs = nowMs + ms;
    if (this.#wake?.run !== undefined && this.#wake.atMs <= atMs) return;
    timers.cancel(this.#wake);
    this.#wake = timers.at(atMs, () => this.check());
  }
}
