/**
 * The upkeep of the ring at one node: what the stabilizer wants to ask travels
 * as messages, and who is alive is what the failure detector says.
 *
 * While there are at most 2(L + 1) members, the member table is the ring. The
 * proof of the operations begins at L + 1 members that no list passes over, and
 * rings begin with one; so up to twice that all lists are computed from the
 * table, and as many as L + 1 of them may be wrong when the operations take
 * over. Nor need joins be put in a row for that: two at once are two records,
 * which all tables unite alike, in whatever order they come. (The other choice,
 * one seed that lets joiners in one by one, would make every join wait for one
 * node, and a young ring for a seed that is down.)
 *
 * Beyond that the operations run always, and their result is compared with the
 * table. The two find different mistakes: news that got lost leave a gap in a
 * table, and a ring that was cut in two is two rings to the operations, however
 * long they run. A difference that lasts is counted, and mended from both sides.
 *
 * Data never depend on any of this; who holds what follows from the table.
 *
 * @module
 */
import { jittered } from "../base/random.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import { idAt, type Place, placeOf } from "../ring/place.ts";
import {
  padded,
  type Pointers,
  Stabilizer,
  type StabilizerEffect,
} from "../ring/stabilizer.ts";
import { type MemberRecord, type MessageOf, Role } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Gossip } from "./gossip.ts";
import type { PendingRequest, RingView } from "./peers.ts";
import type { Router } from "./relay.ts";
import type { Requests } from "./requests.ts";
import { lookUp } from "./ring_lookup.ts";
import {
  digestOf,
  pointersOf,
  type RingMessage,
  stateOf,
} from "./ring_messages.ts";
import { placeBefore, placesAfter } from "./ring_places.ts";
import { isPresent, type Table } from "./table.ts";

/** By what share of a heartbeat's time members stabilize more or less often. */
const PERIOD_JITTER = 0.2;
/**
 * How long an answer may take. Longer than a probe, which finds out who is dead:
 * giving up too soon would keep members on slow ways from ever being asked.
 */
const ANSWER_MAX_MS = 3_000;
/** A difference from the member table that is older than this is mended. */
const DIFFERENCE_MAX_MS = 5_000;

/** What the upkeep needs of the rest of the node. */
export interface RingKeeperParts {
  readonly table: Table;
  readonly router: Router;
  readonly requests: Requests;
  readonly gossip: Gossip;
}

/** Keeps one node's neighbours on the ring. */
export class RingKeeper {
  readonly #context: Context;
  readonly #parts: RingKeeperParts;
  /** Missing as long as this node is no member, or has not found its place. */
  #stabilizer: Stabilizer | undefined;
  /** The ring of the table when it was last looked at. */
  #shown: RingView | undefined;
  /** Whether the table is the ring. */
  #isSmall = true;
  #timer: Timer | undefined;
  /** The question that is under way. */
  #request: PendingRequest | undefined;
  #differsSinceMs: number | undefined;
  /** Differences from the member table that lasted. */
  repairs = 0;

  constructor(context: Context, parts: RingKeeperParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** What this node tells of its part; `undefined` when it has none. */
  get pointers(): Pointers | undefined {
    return this.#stabilizer?.pointers;
  }

  /** Follows the member table; call it when that has changed. */
  refresh(): void {
    const { ring, self } = this.#parts.table;
    if (ring === this.#shown) return;
    this.#shown = ring;
    if (self.role !== Role.active) {
      this.#stabilizer = undefined;
      return this.#rest();
    }
    const wasSmall = this.#isSmall;
    const { successors: length } = this.#context.options;
    this.#isSmall = ring.members.length <= 2 * (length + 1);
    if (this.#isSmall) {
      this.#rest();
      this.#followTable();
    } else if (this.#timer !== undefined) {
      this.#passOverDead();
    } else {
      if (wasSmall && this.#stabilizer !== undefined) this.#followTable();
      this.#tick();
    }
  }

  onMessage(message: RingMessage, from: Id): void {
    const { table, router, gossip } = this.#parts;
    const stabilizer = this.#isSmall ? undefined : this.#stabilizer;
    switch (message.type) {
      case "ringAsk":
        router.send(from, stateOf(this.pointers, table, message.request));
        return;
      case "ringSeen": {
        const state = pointersOf(stateOf(this.pointers, table, 0));
        if (this.pointers && digestOf(state) === message.state) return;
        router.send(from, { type: "ringStale" });
        return;
      }
      case "ringStale": {
        const head = stabilizer?.head;
        if (stabilizer === undefined || head === undefined) return;
        if (idAt(head) === from) this.#run(stabilizer.onStale(head));
        return;
      }
      case "ringNotify": {
        if (message.record.id !== from || stabilizer === undefined) return;
        gossip.learn([message.record]);
        const place = placeOf(message.record);
        if (this.#isMember(place)) stabilizer.onNotify(place);
      }
    }
  }

  /**
   * L; more where not all members can be known, since then no table helps when
   * all successors fail at once: as many as the table has without a gap.
   */
  get #length(): number {
    const { isPartial, reach, ring } = this.#parts.table;
    const { successors } = this.#context.options;
    const isLarge = isPartial && ring.members.length > 2 * (reach + 1);
    return isLarge ? reach : successors;
  }

  /** Nothing is asked, and nothing planned. */
  #rest(): void {
    this.#giveUp();
    this.#context.timers.cancel(this.#timer);
    this.#timer = undefined;
    this.#differsSinceMs = undefined;
  }

  /** Takes the pointers that follow from the member table. */
  #followTable(): void {
    const { ring, self } = this.#parts.table;
    const place = placeOf(self);
    this.#begin(placeBefore(ring, place), this.#expected());
  }

  #begin(predecessor: Place | undefined, successors: readonly Place[]): void {
    const place = placeOf(this.#parts.table.self);
    this.#stabilizer ??= new Stabilizer(
      place,
      this.#length,
      (other) => this.#isMember(other),
    );
    this.#stabilizer.resize(this.#length);
    this.#stabilizer.begin(predecessor, successors);
  }

  /** The list that follows from the member table. */
  #expected(): readonly Place[] {
    const { ring, self } = this.#parts.table;
    const length = this.#length;
    return padded(placesAfter(ring, placeOf(self), length), length);
  }

  /** Whether who is at a place is a member, as far as is known. */
  #isMember(place: Place): boolean {
    const record = this.#parts.table.get(idAt(place));
    return record !== undefined && isPresent(record) &&
      record.role === Role.active && placeOf(record) === place;
  }

  #tick(): void {
    const { timers, nowMs, random, options } = this.#context;
    const { heartbeatMs } = options.timings;
    const afterMs = jittered(random, heartbeatMs, PERIOD_JITTER);
    this.#timer = timers.at(nowMs + afterMs, () => this.#tick());
    if (this.#request !== undefined) return;
    if (this.#stabilizer === undefined) return this.#join();
    this.#stabilizer.resize(this.#length);
    this.#passOverDead();
    // First: while the head is asked there is no room for another question.
    this.#compare(this.#stabilizer);
    this.#run(this.#stabilizer.stabilize());
  }

  /** JOIN: finds the member before this one, and takes its list whole. */
  #join(): void {
    const { ring, self } = this.#parts.table;
    const place = placeOf(self);
    lookUp(
      ring,
      place,
      (at, done) => {
        this.#ask(at, (state) => {
          // It may have left the ring meanwhile, or be elsewhere in it.
          if (placeOf(this.#parts.table.self) !== place) return;
          done(state?.member === true ? pointersOf(state) : undefined);
        });
      },
      (other) => this.#isMember(other),
      (before, { successors }) => {
        this.#begin(before, successors);
        this.#run(this.#stabilizer!.stabilize());
      },
    );
  }

  /**
   * Drops every head that is no member any more. The failure detector decides
   * that, not a question without an answer: it asks others, too.
   */
  #passOverDead(): void {
    const stabilizer = this.#stabilizer;
    const head = stabilizer?.head;
    if (stabilizer === undefined || head === undefined) return;
    if (this.#isMember(head)) return;
    this.#giveUp();
    const { successors } = stabilizer.pointers;
    if (successors.some((place) => this.#isMember(place))) {
      this.#run(stabilizer.onSilence(head));
      return this.#passOverDead();
    }
    // All of them at once: the proof allows for anything but that.
    this.#followTable();
  }

  #run(effects: readonly StabilizerEffect[]): void {
    const { router, table } = this.#parts;
    for (const effect of effects) {
      const to = idAt(effect.to);
      const isMember = this.#isMember(effect.to);
      if (effect.type === "ask") {
        const { head } = this.#stabilizer!;
        if (isMember) this.#askNext(effect.to);
        else if (effect.to === head) this.#passOverDead();
        else this.#run(this.#stabilizer!.onSilence(effect.to));
      } else if (isMember && effect.type === "check") {
        router.send(to, { type: "ringSeen", state: digestOf(effect.seen) });
      } else if (isMember) {
        router.send(to, { type: "ringNotify", record: table.self });
      }
    }
  }

  /** One question of the stabilizer. */
  #askNext(place: Place): void {
    const stabilizer = this.#stabilizer!;
    this.#ask(place, (state) => {
      if (stabilizer !== this.#stabilizer) return;
      if (state === undefined) stabilizer.abandon();
      else if (!state.member) this.#run(stabilizer.onSilence(place));
      else this.#run(stabilizer.onAnswer(place, pointersOf(state)));
    });
  }

  /** Asks a member for its pointers; `undefined`: it did not answer in time. */
  #ask(
    place: Place,
    done: (state: MessageOf<"ringState"> | undefined) => void,
  ): void {
    const { requests, gossip } = this.#parts;
    const end = (state: MessageOf<"ringState"> | undefined) => {
      this.#request = undefined;
      if (state !== undefined) gossip.learn(recordsOf(state));
      done(state);
    };
    const request = requests.beginVital(ANSWER_MAX_MS, {
      onAnswer: (answer) =>
        end(answer.type === "ringState" ? answer : undefined),
      onFailure: () => end(undefined),
    });
    this.#request = request;
    request.send(idAt(place), { type: "ringAsk", request: request.number });
  }

  #giveUp(): void {
    this.#request?.cancel();
    this.#request = undefined;
    this.#stabilizer?.abandon();
  }

  /** Compares with the member table, and mends a difference that lasts. */
  #compare(stabilizer: Stabilizer): void {
    const { nowMs } = this.#context;
    const { successors } = stabilizer.pointers;
    const [first, ...others] = this.#expected();
    if ([first, ...others].every((place, i) => place === successors[i])) {
      this.#differsSinceMs = undefined;
      return;
    }
    this.#differsSinceMs ??= nowMs;
    if (nowMs - this.#differsSinceMs < DIFFERENCE_MAX_MS) return;
    this.#differsSinceMs = nowMs;
    this.repairs++;
    if (first === undefined || stabilizer.head === undefined) return;
    this.#parts.gossip.compare(idAt(stabilizer.head));
    this.#run(stabilizer.consider(first));
  }
}

function recordsOf(state: MessageOf<"ringState">): readonly MemberRecord[] {
  const { predecessor, successors } = state;
  return predecessor === undefined ? successors : [predecessor, ...successors];
}
