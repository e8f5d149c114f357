/**
 * Coming and going: `join`, `leave` and `settled`.
 *
 * A joiner first takes its place as `joining`, and waits until all linked
 * nodes know: they send it their writes from then on, while it pulls what was
 * written before. Only when it has both does it become `active`, and with that
 * a holder; `join` ends when all linked nodes know that, too. A leaver is out of the ring
 * at once, so that nothing new comes, and stays until all it has is elsewhere.
 *
 * @module
 */
import { type ChordError, NoPeerError, TimeoutError } from "../base/errors.ts";
import type { Timer } from "../base/timers.ts";
import { type Id, randomId, ZERO_ID } from "../id/id.ts";
import {
  isCrowded,
  positionBetween,
  positionInLargestGap,
} from "../id/ring.ts";
import type { Context } from "../mesh/context.ts";
import type { CallNumber } from "../mesh/events.ts";
import type { Peers } from "../mesh/peers.ts";
import { type MemberRecord, Role } from "../wire/messages.ts";
import type { Repair } from "./repair.ts";
import type { Replica } from "./replica.ts";
import type { Sweep } from "./sweep.ts";

/** How often a joiner looks for a better place when others join as well. */
const PLACES_TRIED_MAX = 8;

/** How long it may take to find out who is near a place. */
const LOCATE_MS = 5_000;
/** How long to wait when nobody could tell. */
const LOCATE_AGAIN_MS = 500;

/** Asks for those who are near a place, in the order of the ring. */
type Locate = (
  place: Id,
  timeoutMs: number,
  done: (members: readonly MemberRecord[]) => void,
) => void;

type Kind = "join" | "leave" | "settled";

interface Waiter {
  readonly kind: Kind;
  readonly timer: Timer;
}

/** This node's standing in the ring. */
export class Residence {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #repair: Repair;
  readonly #sweep: Sweep;
  readonly #waiters = new Map<CallNumber, Waiter>();
  /** Whether the linked nodes know the role that this node has now. */
  #isKnown = true;
  /** Roles taken so far. */
  #taken = 0;
  #placesTried = 0;
  #isLocating = false;
  readonly #locate: Locate;

  constructor(
    parts: {
      context: Context;
      peers: Peers;
      replica: Replica;
      repair: Repair;
      sweep: Sweep;
      locate: Locate;
    },
  ) {
    this.#locate = parts.locate;
    this.#context = parts.context;
    this.#peers = parts.peers;
    this.#replica = parts.replica;
    this.#repair = parts.repair;
    this.#sweep = parts.sweep;
  }

  /** Calls that wait here. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Whether every local range has its copies, and nothing is to hand on. */
  get isSettled(): boolean {
    return this.#replica.share.isSettled && this.#sweep.isClean;
  }

  /** Where everybody is a member, a call needs no `join` before it. */
  takePart(): void {
    const { self } = this.#peers;
    if (this.#replica.share.isWhole && self.role === Role.leaf) {
      this.#begin(undefined);
    }
  }

  /** @param place where this node was before, if it was */
  join(call: CallNumber, timeoutMs: number, place?: Id): void {
    this.#wait(call, "join", timeoutMs);
    const { role } = this.#peers.self;
    if (role === Role.leaf) this.#begin(place);
    else if (role === Role.leaving) this.#comeBack();
    this.progress();
  }

  leave(call: CallNumber, timeoutMs: number): void {
    const { ring, self } = this.#peers;
    const isLast = ring.members.every(({ id }) => id === self.id);
    if (isLast && this.#replica.table.live > 0) {
      this.#context.failure(
        call,
        new NoPeerError(
          `Cannot leave the ring: this is its last member, and it holds ` +
            `${this.#replica.table.live} entries; let another node join ` +
            `first, or close() to give them up`,
        ),
      );
      return;
    }
    this.#wait(call, "leave", timeoutMs);
    if (self.role === Role.active || self.role === Role.joining) {
      this.#take(Role.leaving, self.position);
    }
    this.#sweep.request();
    this.progress();
  }

  settled(call: CallNumber, timeoutMs: number): void {
    this.#wait(call, "settled", timeoutMs);
    this.progress();
  }

  /** The application no longer waits; a leave that nobody waits for ends. */
  cancel(call: CallNumber): void {
    const kind = this.#forget(call);
    if (kind === "leave") this.#stay();
  }

  /** The socket closes: nobody gets what they waited for. */
  close(error: ChordError): void {
    for (const call of [...this.#waiters.keys()]) {
      this.#forget(call);
      this.#context.failure(call, error);
    }
  }

  /** Something has changed that a waiter may have waited for. */
  progress(): void {
    if (this.#peers.ring.members.length > 0) this.takePart();
    this.#becomeActive();
    this.#becomeLeaf();
    const { role } = this.#peers.self;
    if (role === Role.active && this.#isKnown) this.#resolve("join");
    if (role === Role.leaf) this.#resolve("leave");
    if (this.isSettled && role !== Role.joining) this.#resolve("settled");
  }

  /**
   * Who was there before has its place, unless somebody else has it now: how
   * wide the gaps are says little while others come back as well.
   */
  #begin(place: Id | undefined): void {
    if (this.#peers.isPartial) return this.#beginFar(place);
    const { ring } = this.#peers;
    const taken = this.#positions();
    const isFree = place !== undefined && !taken.includes(place);
    const position = isFree
      ? place
      : positionInLargestGap(taken, this.#context.random);
    this.#placesTried = isFree ? PLACES_TRIED_MAX : 1;
    // Without anybody to take data from, this node founds the ring.
    const isFounder = ring.members.length === 0;
    this.#take(isFounder ? Role.active : Role.joining, position);
  }

  /** The same where not all are known: who is near is asked for first. */
  #beginFar(place: Id | undefined): void {
    if (this.#isLocating) return;
    this.#isLocating = true;
    const { random, timers, nowMs } = this.#context;
    this.#locate(place ?? randomId(random), LOCATE_MS, (records) => {
      this.#isLocating = false;
      const isWanted = this.#peers.self.role === Role.leaf &&
        [...this.#waiters.values()].some(({ kind }) => kind === "join");
      if (!isWanted) return;
      const members = records.filter(({ role }) => role === Role.active);
      if (members.length < 2) {
        timers.at(nowMs + LOCATE_AGAIN_MS, () => this.#retryJoin());
        return;
      }
      const run = members.map(({ position }) => position);
      this.#placesTried = 1;
      const isFree = place !== undefined && !run.includes(place);
      const position = isFree ? place : positionBetween(run, random);
      this.#take(Role.joining, position);
    });
  }

  #retryJoin(): void {
    const isWanted = [...this.#waiters.values()].some(({ kind }) =>
      kind === "join"
    );
    if (isWanted && this.#peers.self.role === Role.leaf) this.#begin(undefined);
  }

  /** The positions of the others that are in the ring, sorted. */
  #positions(): Id[] {
    const { ring, self } = this.#peers;
    // Who was at this node's url is gone, whether the others know it or not.
    return [...ring.members, ...ring.joining]
      .filter(({ id, url }) =>
        id !== self.id && (url === "" || url !== self.url)
      )
      .map(({ position }) => position).sort();
  }

  /**
   * Others chose at the same time, perhaps the same place. Whoever sees that
   * moves: the other one may have looked before there was anything to see.
   */
  #findBetterPlace(): boolean {
    const { ring, self } = this.#peers;
    // Of a part of the ring nobody can tell how wide its gaps are for a ring.
    if (self.role !== Role.joining || this.#peers.isPartial) return false;
    if (this.#placesTried >= PLACES_TRIED_MAX) return false;
    if (ring.joining.length <= 1) return false;
    const taken = this.#positions();
    if (!isCrowded(self.position, taken)) return false;
    this.#placesTried++;
    const position = positionInLargestGap(taken, this.#context.random);
    this.#take(Role.joining, position);
    return true;
  }

  /** Has missed what was written while it was leaving. */
  #comeBack(): void {
    const { ring, self } = this.#peers;
    const isFounder = ring.members.length === 0;
    this.#take(isFounder ? Role.active : Role.joining, self.position);
  }

  #becomeActive(): void {
    const { self, ring } = this.#peers;
    if (self.role !== Role.joining || !this.#isKnown) return;
    // With nobody left to take data from, this node has what there is.
    const isReady = this.#replica.share.isReady ||
      this.#context.lacks("activeOnceReady");
    if (ring.members.length === 0 || isReady) {
      this.#take(Role.active, self.position);
    }
  }

  #becomeLeaf(): void {
    if (this.#peers.self.role !== Role.leaving) return;
    const isEmpty = this.#replica.table.size === 0 ||
      (this.#peers.ring.members.length === 0 && this.#replica.table.live === 0);
    if (!isEmpty) return;
    this.#replica.table.clear();
    this.#take(Role.leaf, ZERO_ID);
  }

  /** Takes a role, and makes sure that the others know. */
  #take(role: Role, position: Id): void {
    this.#peers.setRole(role, position);
    const taken = ++this.#taken;
    this.#isKnown = false;
    this.#repair.isHeld = role === Role.joining;
    this.#peers.announce(() => {
      if (taken !== this.#taken || this.#findBetterPlace()) return;
      this.#isKnown = true;
      this.#repair.isHeld = false;
      this.#repair.pump();
      this.progress();
    });
  }

  #wait(call: CallNumber, kind: Kind, timeoutMs: number): void {
    const { timers, nowMs } = this.#context;
    const timer = timers.at(nowMs + timeoutMs, () => {
      this.#waiters.delete(call);
      this.#context.failure(call, tooLate(kind, timeoutMs));
      if (kind === "leave") this.#stay();
    });
    this.#waiters.set(call, { kind, timer });
  }

  #forget(call: CallNumber): Kind | undefined {
    const waiter = this.#waiters.get(call);
    this.#context.timers.cancel(waiter?.timer);
    this.#waiters.delete(call);
    return waiter?.kind;
  }

  /** What was not handed on must not be lost: back into the ring. */
  #stay(): void {
    const isWanted = [...this.#waiters.values()].some(({ kind }) =>
      kind === "leave"
    );
    if (isWanted || this.#peers.self.role !== Role.leaving) return;
    this.#comeBack();
  }

  #resolve(kind: Kind): void {
    for (const [call, waiter] of this.#waiters) {
      if (waiter.kind !== kind) continue;
      this.#forget(call);
      this.#context.result(call, undefined);
    }
  }
}

function tooLate(kind: Kind, timeoutMs: number): TimeoutError {
  const doing = {
    join: "join the ring: its share could not be pulled",
    leave: "leave the ring: its copies could not be handed on",
    settled: "settle: not every local range has its copies",
  }[kind];
  return new TimeoutError(
    `Cannot ${doing} within ${timeoutMs} ms; raise "timeoutMs", or check that ` +
      `the other members are up`,
    "maybe",
  );
}
