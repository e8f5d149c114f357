/**
 * Which links there should be, and the dials that make them.
 *
 * Small meshes are full: one hop to everybody, and a process that dies is seen
 * by all at once. Larger ones keep links to the neighbours by id, which watch
 * each other, and to the neighbours by position, which share entries; the rest
 * is dialled when something is to be sent and given up when it was not used.
 *
 * @module
 */
import { jittered, pick } from "../base/random.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import { type MemberRecord, Role } from "../wire/messages.ts";
import { CloseCode } from "./close_codes.ts";
import type { Context } from "./context.ts";
import { type Dial, type DialOutcome, Dials } from "./dials.ts";
import { apart, fingerPlaces, indexNearest, pointOf } from "./fingers.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import { backoffMs, Reunion } from "./reunion.ts";
import type { RingView } from "./peers.ts";
import { memberIndex, windowOf } from "./ring_view.ts";
import { isPresent, type Source, type Table } from "./table.ts";
import {
  doorsOf,
  isDialable,
  isFullMesh,
  NEIGHBOURS,
  neighbours,
} from "./vicinity.ts";

/** A node heard of by gossip dials by itself within this many gossip times. */
const PATIENCE_GOSSIPS = 3;

/** The share of a node's links that may be to its fingers. */
const FINGERS_SHARE = 0.25;

/** The tries to reach one node. */
interface Course {
  failures: number;
  timer: Timer | undefined;
}

/** What the dialler finds out about nodes. */
export interface DiallerHandlers {
  /** A dial of a member has ended. */
  onDialled(target: Id, outcome: DialOutcome): void;
  /** The dial of a call has ended. */
  onCall(dial: Dial, outcome: DialOutcome, peer: Id | undefined): void;
}

/** Keeps the links that one node should have. */
export class Dialler {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #handlers: DiallerHandlers;
  readonly dials: Dials;
  readonly #courses = new Map<Id, Course>();
  readonly #reunion: Reunion;
  /** Heard of by gossip: they are likely to dial first. */
  readonly #patient = new Set<Id>();
  /** What the plans were made from. */
  #refreshed: readonly Id[] | undefined;
  #refreshedRing: RingView | undefined;
  #refreshedPartial = false;
  #wanted: ReadonlySet<Id> = new Set();
  /** Looks again once those who are new are so no more. */
  #roomTimer: Timer | undefined;

  constructor(
    context: Context,
    table: Table,
    links: Links,
    handlers: DiallerHandlers,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#handlers = handlers;
    this.dials = new Dials(context, (dial, outcome, peer) => {
      this.#onEnd(dial, outcome, peer);
    });
    this.#reunion = new Reunion(context, table, links, this.dials, (id) => {
      this.attempt(id);
    });
    table.isKept = (id) =>
      links.to(id) !== undefined || this.#reunion.isSeed(id);
  }

  /** Dials for the application. */
  connect(url: string, timeoutMs: number): Dial {
    return this.dials.start(url, undefined, timeoutMs);
  }

  /**
   * Tries to reach a node now, or joins the try that is under way.
   *
   * @returns whether it can be tried at all
   */
  attempt(id: Id, waiter?: (outcome: DialOutcome) => void): boolean {
    const url = this.#table.get(id)?.url ?? "";
    let dial = this.dials.to(id);
    if (dial === undefined) {
      if (!isDialable(url) || !this.dials.hasRoom) return false;
      const { handshakeMs } = this.#context.options.timings;
      dial = this.dials.start(url, id, handshakeMs);
    }
    if (waiter !== undefined) dial.waiters.push(waiter);
    return true;
  }

  /** Something is to be sent to a node that has no link. */
  demand(id: Id): void {
    const record = this.#table.get(id);
    if (record === undefined || !isPresent(record)) return;
    if (!isDialable(record.url)) return this.#demandDoor(id);
    if (this.dials.to(id) !== undefined) return;
    const course = this.#courses.get(id);
    // A node that is being tried in vain is not tried faster by asking.
    if (course?.timer !== undefined && course.failures > 0) return;
    this.#context.timers.cancel(course?.timer);
    if (course !== undefined) course.timer = undefined;
    this.attempt(id);
  }

  /** A node that cannot be dialled is reached through one that it dials. */
  #demandDoor(id: Id): void {
    if (this.#isFull) return;
    const doors = doorsOf(this.#table, id);
    const isKnown = (door: Id) => this.#links.to(door) !== undefined;
    if (doors.some(isKnown)) return;
    const door = pick(this.#context.random, doors);
    if (door !== undefined && door !== this.#table.self.id) this.demand(door);
  }

  /** A record has changed. */
  onRecord(
    before: MemberRecord | undefined,
    after: MemberRecord,
    source: Source,
  ): void {
    if (!isPresent(after)) {
      this.#stop(after.id);
      return;
    }
    if (before === undefined && source === "gossip") {
      this.#patient.add(after.id);
    }
    // Somebody else is there now, or the same one is somewhere else.
    if (before !== undefined && before.url !== after.url) this.#stop(after.id);
    if (before?.url !== after.url) this.#refreshed = undefined;
  }

  /** Makes the plans follow the table; call it when the table has changed. */
  refresh(): void {
    const { order, ring, isPartial } = this.#table;
    // A small mesh is full, whatever its ring is.
    const isSame = order === this.#refreshed &&
      isPartial === this.#refreshedPartial &&
      (this.#isFull || ring === this.#refreshedRing);
    if (isSame) return;
    this.#refreshed = order;
    this.#refreshedPartial = isPartial;
    this.#refreshedRing = ring;
    this.#wanted = this.#wantedOf(order);
    for (const id of this.#courses.keys()) {
      if (!this.#wanted.has(id)) this.#stop(id);
    }
    const { gossipMs } = this.#context.options.timings;
    for (const id of this.#wanted) {
      if (this.#links.to(id) !== undefined) continue;
      const isPatient = this.#patient.delete(id) &&
        this.#table.self.url !== "";
      this.#plan(
        id,
        isPatient
          ? jittered(this.#context.random, PATIENCE_GOSSIPS * gossipMs, 0.5)
          : 0,
      );
    }
    this.#patient.clear();
  }

  /** A dialled link is through its handshake. */
  onUp(link: Link): void {
    const course = this.#courses.get(link.peer);
    this.#context.timers.cancel(course?.timer);
    if (course !== undefined) course.timer = undefined;
    if (link.dial !== undefined) {
      const dial = this.dials.get(link.dial);
      const isIt = dial?.target === undefined || dial.target === link.peer;
      this.dials.end(link.dial, isIt ? "linked" : "replaced", link.peer);
    }
    this.#makeRoom();
  }

  /**
   * The last link to a node is gone.
   *
   * @param code why: the peer may have said good-bye
   * @returns whether another one may be dialled at once
   */
  onDown(link: Link, code: number): boolean {
    const { peer } = link;
    const { nowMs, options } = this.#context;
    // A link that breaks as soon as it stands must not be dialled in a circle,
    // nor one for which the peer has no room.
    const wasYoung = nowMs - link.openMs < options.timings.heartbeatMs;
    const isTurnedAway = wasYoung || code === CloseCode.normal;
    const course = wasYoung ? this.#course(peer) : this.#courses.get(peer);
    if (course !== undefined) {
      course.failures = isTurnedAway ? course.failures + 1 : 0;
    }
    if (wasYoung || this.#wanted.has(peer)) {
      this.#plan(peer, isTurnedAway ? this.#backoffMs(course) : 0);
    }
    if (this.#links.peerCount === 0) this.#reunion.onAlone(wasYoung);
    return (course?.failures ?? 0) <= 1;
  }

  /** The driver could not open a transport. */
  onFailed(number: number): void {
    const dial = this.dials.get(number);
    if (dial === undefined) return;
    // A refusal comes within a round trip; what takes longer is silence.
    const { probeMs } = this.#context.options.timings;
    const isPrompt = this.#context.nowMs - dial.startedMs <= probeMs;
    this.dials.end(number, isPrompt ? "refused" : "silent");
  }

  /** Tells everybody who waited for a dial, and plans the next. */
  #onEnd(dial: Dial, outcome: DialOutcome, peer: Id | undefined): void {
    const { target } = dial;
    if (outcome === "linked" && peer !== undefined && target === undefined) {
      this.#reunion.addSeed(dial.url, peer);
    }
    if (target !== undefined) {
      if (outcome !== "linked" && this.#wanted.has(target)) {
        const course = this.#course(target);
        course.failures++;
        this.#plan(target, this.#backoffMs(course));
      }
      this.#handlers.onDialled(target, outcome);
    } else if (dial.call !== undefined) {
      this.#handlers.onCall(dial, outcome, peer);
    } else if (outcome !== "linked") {
      this.#reunion.onSeedFailed();
    }
    for (const waiter of dial.waiters) waiter(outcome);
  }

  #course(id: Id): Course {
    let course = this.#courses.get(id);
    if (course === undefined) {
      course = { failures: 0, timer: undefined };
      this.#courses.set(id, course);
    }
    return course;
  }

  /** Dials a node after a while, if there is still reason to by then. */
  #plan(id: Id, afterMs: number): void {
    if (this.dials.to(id) !== undefined) return;
    if (!isDialable(this.#table.get(id)?.url ?? "")) return;
    const course = this.#course(id);
    if (course.timer !== undefined) return;
    course.timer = this.#context.timers.at(
      this.#context.nowMs + afterMs,
      () => {
        course.timer = undefined;
        if (this.#links.to(id) !== undefined || !this.#wanted.has(id)) return;
        if (!this.attempt(id)) this.#plan(id, this.#backoffMs(course));
      },
    );
  }

  #backoffMs(course: Course | undefined): number {
    return backoffMs(this.#context, course?.failures ?? 0);
  }

  #stop(id: Id): void {
    const course = this.#courses.get(id);
    this.#context.timers.cancel(course?.timer);
    this.#courses.delete(id);
    this.#patient.delete(id);
  }

  get #isFull(): boolean {
    return isFullMesh(this.#table, this.#context.options.linksMax);
  }

  /** The nodes that there should be a link to. */
  #wantedOf(order: readonly Id[]): ReadonlySet<Id> {
    const self = this.#table.self.id;
    if (this.#isFull) {
      return new Set(order.filter((id) => id !== self));
    }
    const wanted = new Set(neighbours(order, self));
    if (this.#table.self.url === "") {
      for (const door of doorsOf(this.#table, self)) wanted.add(door);
    }
    const { isPartial, ring, self: record } = this.#table;
    if (isPartial && record.role === Role.joining) {
      const { members } = windowOf(ring, record, NEIGHBOURS);
      for (const { id } of members) wanted.add(id);
    } else if (record.role === Role.active) {
      if (isPartial) { for (const id of this.#fingers()) wanted.add(id); }
      const { members } = this.#table.ring;
      const { length } = members;
      const at = memberIndex(members, this.#table.self);
      for (let step = 1; step <= NEIGHBOURS && at >= 0; step++) {
        wanted.add(members[(at + step) % length]!.id);
        wanted.add(members[(at - step + length * NEIGHBOURS) % length]!.id);
      }
      wanted.delete(self);
    }
    return wanted;
  }

  /**
   * The known members nearest to where the fingers of this node are, the
   * furthest first: what is handed on finds links that are open.
   */
  #fingers(): Set<Id> {
    const { ring, self } = this.#table;
    const { members } = ring;
    const places = members.map(({ position }) => pointOf(position));
    const near = this.#table.view.members;
    const own = pointOf(self.position);
    const reach = Math.max(
      ...near.map(({ position }) => apart(pointOf(position), own)),
    );
    const fingers = new Set<Id>();
    const most = this.#context.options.linksMax * FINGERS_SHARE;
    for (const place of fingerPlaces(own, reach)) {
      if (fingers.size >= most) break;
      fingers.add(members[indexNearest(places, place)]!.id);
    }
    return fingers;
  }

  /**
   * Gives up the links that were not used for longest, if there are too many.
   * Who is new has to learn first whom else it can link to; and who is known
   * and wants a link must not have to dial in a circle for it.
   */
  #makeRoom(): void {
    const { nowMs, options, timers } = this.#context;
    const { handshakeMs: newMs } = options.timings;
    while (this.#links.peerCount > options.linksMax) {
      let idle: Link | undefined;
      let isAnyNew = false;
      for (const link of this.#links.primaries) {
        if (this.#wanted.has(link.peer)) continue;
        const isNew = link.openMs + newMs > nowMs;
        isAnyNew ||= isNew;
        if (isNew) continue;
        if (idle === undefined || usedMs(link) < usedMs(idle)) idle = link;
      }
      if (idle === undefined) {
        if (!isAnyNew || this.#roomTimer?.run !== undefined) return;
        this.#roomTimer = timers.at(nowMs + newMs, () => this.#makeRoom());
        return;
      }
      const reason = "making room for other links";
      this.#links.close(idle, CloseCode.normal, reason);
    }
  }
}

function usedMs(link: Link): number {
  return Math.max(link.lastSentMs, link.lastHeardMs);
}
