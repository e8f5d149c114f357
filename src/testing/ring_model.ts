/**
 * The ring's upkeep alone, in a world with perfect failure detection: members
 * join and fail at random, messages take any time and overtake each other, and
 * the invariants are checked after every step.
 *
 * A member may fail only where the proof of the operations allows it: (F1) every
 * other member keeps a live successor; (F2) if it is a principal, more than
 * L + 1 members were. Here a question and its answer are two moments, so an
 * answer on its way counts as a list of who is to get it; without that, one run
 * in some thousands has too few principals.
 *
 * @module
 */
import { below, fraction, pick, SeededRandom } from "../base/random.ts";
import { isBetween } from "../id/ring.ts";
import type { Place } from "../ring/place.ts";
import {
  type Pointers,
  Stabilizer,
  type StabilizerEffect,
  type StabilizerRules,
  ZAVE_RULES,
} from "../ring/stabilizer.ts";
import {
  idealRing,
  principalsOf,
  principalsStay,
  RING_INVARIANTS,
  type RingInvariant,
  type RingMember,
} from "./ring_checkers.ts";
import { report, Violation } from "./violation.ts";

/** What a run of the model depends on. */
export interface RingModelOptions {
  readonly seed: number;
  /** L: entries of the successor lists, less than 16. */
  readonly length: number;
  /** Events before everything calms down. */
  readonly steps: number;
  /**
   * How the ring begins: with L + 1 members that know each other; or with more
   * than 2(L + 1), whose lists come from tables in which up to L + 1 of them may
   * be missing; or with one.
   */
  readonly start: "base" | "tables" | "one";
  /** The operations; those that were proved unless another is given. */
  readonly rules?: StabilizerRules;
  /** What is checked, besides I7; all if nothing is said. */
  readonly invariants?: readonly RingInvariant[];
  /**
   * Which failures are let happen: those that (F1) and (F2) allow unless
   * something else is said; without answers: those on their way do not count.
   */
  readonly failures?: "F1" | "F1 and F2 without answers";
}

/** How a run ended. */
export interface RingModelResult {
  /** What went wrong first, if anything. */
  readonly violation: Violation | undefined;
  readonly joins: number;
  readonly failures: number;
}

type Letter =
  | { readonly type: "notify" | "stale" | "lookUp" }
  | { readonly type: "check"; readonly seen: Pointers }
  | { readonly type: "found"; readonly pointers: Pointers }
  /** An answer is known by the number of its question. */
  | { readonly type: "ask"; readonly number: number }
  | {
    readonly type: "state";
    readonly number: number;
    readonly pointers: Pointers;
  };

/** A message on its way, for as long as chance wants. */
interface Parcel {
  readonly from: Place;
  readonly to: Place;
  readonly letter: Letter;
}

/** Members beyond L that there are at most. */
const MORE_MEMBERS_MAX = 8;
const JOIN_SHARE = 0.05;
const FAIL_SHARE = 0.08;
/** A member gives up a question, or hears of another one by other ways. */
const GIVE_UP_SHARE = 0.03;
const HEARSAY_SHARE = 0.05;
const DELIVER_SHARE = 0.7;
/** Places are this far apart, so that padding names nobody. */
const GRID = 16;
const PLACES = 0x1_0000 / GRID;

/** One run: first everything happens, then the ring must become ideal. */
export function runRingModel(options: RingModelOptions): RingModelResult {
  const model = new RingModel(options);
  let violation: Violation | undefined;
  try {
    model.run();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
  }
  return { violation, joins: model.joins, failures: model.failures };
}

class RingModel {
  readonly #options: RingModelOptions;
  readonly #random: SeededRandom;
  /** The live members, in the order of the ring. */
  #members: Stabilizer[] = [];
  readonly #parcels: Parcel[] = [];
  /** Places that somebody has, had, or is to have. */
  readonly #taken = new Set<Place>();
  /** The question that each member waits for an answer to. */
  readonly #asked = new Map<Place, number>();
  #questions = 0;
  #principals: readonly Place[] = [];
  joins = 0;
  failures = 0;

  constructor(options: RingModelOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed, "ring model");
    this.#begin();
  }

  run(): void {
    this.#judge(true);
    for (let step = 0; step < this.#options.steps; step++) this.#step();
    // Each round mends at least one entry of one list.
    const rounds = 4 * (this.#members.length + this.#options.length);
    for (let round = 0; round < rounds && !this.#isIdeal(); round++) {
      for (const member of [...this.#members]) this.#stabilize(member);
      while (this.#parcels.length > 0) this.#deliver();
    }
    if (!this.#isIdeal()) report("idealRing", idealRing(this.#state()));
  }

  #begin(): void {
    const { length, start } = this.#options;
    const count = { base: length + 1, tables: 2 * length + 3, one: 1 }[start];
    for (let i = 0; i < count; i++) this.#add(this.#newPlace());
    const places = this.#members.map(({ self }) => self);
    const doubtful = places.filter(() => fraction(this.#random) < 0.5)
      .slice(0, length + 1);
    for (const member of this.#members) {
      const known = start !== "tables"
        ? places
        : places.filter((place) =>
          place === member.self || !doubtful.includes(place) ||
          fraction(this.#random) < 0.5
        );
      const at = known.indexOf(member.self);
      const next = [...known.slice(at + 1), ...known.slice(0, at)];
      const alone = Array.from({ length }, () => member.self);
      member.begin(next.at(-1), next.length > 0 ? next : alone);
    }
  }

  #step(): void {
    let chance = fraction(this.#random);
    const falls = (share: number) => (chance -= share) < 0;
    const member = pick(this.#random, this.#members)!;
    if (falls(JOIN_SHARE)) this.#lookUp();
    else if (falls(FAIL_SHARE)) this.#fail();
    else if (falls(GIVE_UP_SHARE)) this.#giveUp(member);
    else if (falls(HEARSAY_SHARE)) this.#consider(member);
    else if (fraction(this.#random) < DELIVER_SHARE) this.#deliver();
    else this.#stabilize(member);
  }

  #stabilize(member: Stabilizer): void {
    this.#send(member.self, member.stabilize());
  }

  #giveUp(member: Stabilizer): void {
    this.#asked.delete(member.self);
    member.abandon();
  }

  /** A member table may tell of anybody, alive or not. */
  #consider(member: Stabilizer): void {
    const place = pick(this.#random, [...this.#taken])!;
    this.#send(member.self, member.consider(place));
  }

  /** A joiner asks a member whether it follows it. */
  #lookUp(): void {
    const { length } = this.#options;
    if (this.#members.length >= length + MORE_MEMBERS_MAX) return;
    const from = this.#newPlace();
    const fitting = this.#members.filter(({ self, head }) =>
      isBetween(from, self, head!)
    );
    const to = pick(this.#random, fitting)?.self;
    if (to === undefined) return;
    this.#parcels.push({ from, to, letter: { type: "lookUp" } });
  }

  /** One member stops for ever, if the proof lets it. */
  #fail(): void {
    const victim = pick(this.#random, this.#members)!;
    const others = this.#members.filter((member) => member !== victim);
    const isLeft = (place: Place) => others.some(({ self }) => self === place);
    const { length, failures } = this.#options;
    const coming = failures === undefined ? this.#coming() : [];
    const lists = [...others.map(asMember), ...coming]
      .filter(({ place }) => place !== victim.self);
    const isSafe = lists.every(({ pointers }) =>
      pointers.successors.some(isLeft)
    );
    if (others.length === 0 || !isSafe) return;
    if (failures !== "F1") {
      const members = this.#members.map(asMember);
      const principals = principalsOf(members, [...members, ...coming]);
      const isOne = principals.includes(victim.self);
      if (isOne && principals.length <= length + 1) return;
    }
    this.#members = others;
    this.failures++;
    this.#judge(true);
  }

  /** The lists that members will have when what is on its way has come. */
  #coming(): RingMember[] {
    const { length, rules = ZAVE_RULES } = this.#options;
    const lists: RingMember[] = [];
    for (const { from, to, letter } of this.#parcels) {
      if (letter.type !== "state" && letter.type !== "found") continue;
      if (letter.type === "state" && !this.#isAwaited(to, letter)) continue;
      const { successors } = letter.pointers;
      const own = this.#find(to)?.pointers.successors;
      const taken = own === undefined
        ? successors
        : rules.take(own, from, successors, length);
      const pointers = { predecessor: undefined, successors: taken };
      lists.push({ place: to, pointers });
    }
    return lists;
  }

  /** Whether anybody is there who waits for this answer. */
  #isAwaited(by: Place, { number }: { readonly number: number }): boolean {
    return this.#asked.get(by) === number && this.#find(by) !== undefined;
  }

  /** Any message that is on its way arrives. */
  #deliver(): void {
    if (this.#parcels.length === 0) return;
    const at = below(this.#random, this.#parcels.length);
    const [{ from, to, letter }] = this.#parcels.splice(at, 1) as [Parcel];
    const before = this.#pointersAt(from, to);
    this.#onLetter(from, to, letter);
    const after = this.#pointersAt(from, to);
    this.#judge(false, after.some((pointers, i) => pointers !== before[i]));
  }

  #pointersAt(...places: Place[]): (Pointers | undefined)[] {
    return places.map((place) => this.#find(place)?.pointers);
  }

  #onLetter(from: Place, to: Place, letter: Letter): void {
    if (letter.type === "found") return this.#join(to, from, letter.pointers);
    const member = this.#find(to);
    if (member === undefined) return this.#onDead(from, to, letter);
    const { pointers } = member;
    switch (letter.type) {
      case "ask":
        this.#post(to, from, { ...letter, type: "state", pointers });
        return;
      case "lookUp":
        if (!isBetween(from, to, member.head!)) return;
        this.#post(to, from, { type: "found", pointers });
        return;
      case "check":
        if (sameText(letter.seen, pointers)) return;
        this.#post(to, from, { type: "stale" });
        return;
      case "state":
        if (!this.#isAwaited(to, letter)) return;
        this.#asked.delete(to);
        return this.#send(to, member.onAnswer(from, letter.pointers));
      case "stale":
        return this.#send(to, member.onStale(from));
      case "notify":
        return member.onNotify(from);
    }
  }

  /** Who asks the dead learns that they are. */
  #onDead(from: Place, to: Place, { type }: Letter): void {
    if (type !== "ask" && type !== "check") return;
    const member = this.#find(from);
    if (member !== undefined) this.#send(from, member.onSilence(to));
  }

  #join(place: Place, before: Place, { successors }: Pointers): void {
    const member = this.#add(place);
    member.begin(before, successors);
    this.joins++;
    this.#stabilize(member);
  }

  #send(from: Place, effects: readonly StabilizerEffect[]): void {
    for (const { to, ...letter } of effects) {
      if (letter.type === "ask") {
        const number = ++this.#questions;
        this.#asked.set(from, number);
        this.#post(from, to, { type: "ask", number });
      } else this.#post(from, to, letter);
    }
  }

  #post(from: Place, to: Place, letter: Letter): void {
    this.#parcels.push({ from, to, letter });
  }

  #add(place: Place): Stabilizer {
    const member = new Stabilizer(
      place,
      this.#options.length,
      (other) => this.#find(other) !== undefined,
      this.#options.rules ?? ZAVE_RULES,
    );
    this.#members = [...this.#members, member]
      .sort((a, b) => a.self < b.self ? -1 : 1);
    return member;
  }

  #find(place: Place): Stabilizer | undefined {
    return this.#members.find(({ self }) => self === place);
  }

  #newPlace(): Place {
    let place: Place;
    do {
      const at = GRID * below(this.#random, PLACES);
      place = at.toString(16).padStart(4, "0");
    } while (this.#taken.has(place));
    this.#taken.add(place);
    return place;
  }

  #state(): { length: number; members: RingMember[] } {
    return {
      length: this.#options.length,
      members: this.#members.map(asMember),
    };
  }

  /** So few that lists would go round more than once are not judged. */
  #isIdeal(): boolean {
    return this.#members.length <= this.#options.length ||
      idealRing(this.#state()) === undefined;
  }

  /**
   * @param hasFailed whether principals may have become fewer
   * @param hasChanged whether pointers may be other ones
   */
  #judge(hasFailed: boolean, hasChanged = hasFailed): void {
    const state = this.#state();
    const { invariants = RING_INVARIANTS } = this.#options;
    for (const { name, check } of hasChanged ? invariants : []) {
      report(name, check(state));
    }
    const lists = [...state.members, ...this.#coming()];
    const principals = principalsOf(state.members, lists);
    if (!hasFailed) {
      report("principalsStay", principalsStay(this.#principals, principals));
    }
    this.#principals = principals;
  }
}

function asMember({ self, pointers }: Stabilizer): RingMember {
  return { place: self, pointers };
}

function sameText(a: Pointers, b: Pointers): boolean {
  return a.predecessor === b.predecessor &&
    a.successors.join() === b.successors.join();
}
