/**
 * Keeps one member's successors and predecessor right while others join and
 * fail: the operations that P. Zave proved to keep one ordered ring ("Reasoning
 * about identifier spaces: how to make Chord correct", IEEE TSE 43(12), 2017;
 * operations Join, StabilizeFromSuccessor, StabilizeFromPredecessor and Rectify
 * of her Alloy model of August 2016), in place of those of the 2001 paper, which
 * lose it.
 *
 * What makes the difference: a successor list always has the same length and is
 * taken whole from the member that is next, never pieced together; where the
 * dead head of a list was dropped, the list is padded with a place that names
 * nobody, so that it passes over nobody either; and who was only heard of is
 * asked before it is believed. Her proof takes each question and its answer for
 * one moment, and an implementation that is to be like that makes a member that
 * waits for an answer refuse to give one ("busy"). Here a member has one step
 * under way at a time and always answers from what it has: the refusals may
 * wait for each other in a circle, and a model of this rule kept the invariant
 * in all runs (`src/testing/ring_model.ts`).
 *
 * The machine knows no time: whoever drives it says when to stabilize, and when
 * a member that was asked is taken for dead.
 *
 * @module
 */
import { isBetween } from "../id/ring.ts";
import { type Place, placeAfter } from "./place.ts";

/** What one member tells of its part of the ring. */
export interface Pointers {
  readonly predecessor: Place | undefined;
  /** Clockwise, the nearest first. */
  readonly successors: readonly Place[];
}

/** What a driver must do. */
export type StabilizerEffect =
  /**
   * Ask `to` for its pointers. Its answer, or that it does not answer, has to be
   * handed in: until then nothing else is asked.
   */
  | { readonly type: "ask"; readonly to: Place }
  /**
   * Let `to` say if its pointers are not these any more. Nothing is heard where
   * nothing has changed, and nobody waits for it.
   */
  | { readonly type: "check"; readonly to: Place; readonly seen: Pointers }
  /** Tell `to` that this member may be its predecessor. */
  | { readonly type: "notify"; readonly to: Place };

/** The rules that make the protocol right; others exist to prove the checks. */
export interface StabilizerRules {
  /** The successors of a member next to which is `head`, who has `theirs`. */
  take(
    own: readonly Place[],
    head: Place,
    theirs: readonly Place[],
    length: number,
  ): readonly Place[];
  /** The successors without their head, which is dead. */
  drop(own: readonly Place[]): readonly Place[];
  /** Whether a predecessor of the head is asked before it is believed. */
  readonly asksFirst: boolean;
}

/** The operations as they were proved. */
export const ZAVE_RULES: StabilizerRules = {
  take: (_own, head, theirs, length) => padded([head, ...theirs], length),
  drop: (own) => padded(own.slice(1), own.length),
  asksFirst: true,
};

/** A question that has to be answered. */
interface Step {
  readonly to: Place;
  /** The head of the list when the question was asked. */
  readonly head: Place;
}

/** One member's part in the upkeep of the ring. */
export class Stabilizer {
  readonly self: Place;
  readonly #isAlive: (place: Place) => boolean;
  readonly #rules: StabilizerRules;
  #length: number;
  #pointers: Pointers;
  /** The one question that is under way. */
  #step: Step | undefined;
  /** What the head told last. */
  #seen: Pointers | undefined;

  /**
   * @param length entries of the successor list, always: L
   * @param isAlive whether who is at a place is a member and not known to have
   * failed; asked only of who is not about to answer
   */
  constructor(
    self: Place,
    length: number,
    isAlive: (place: Place) => boolean,
    rules: StabilizerRules = ZAVE_RULES,
  ) {
    this.self = self;
    this.#length = length;
    this.#isAlive = isAlive;
    this.#rules = rules;
    this.#pointers = { predecessor: undefined, successors: [] };
  }

  /** What this member answers when it is asked; a new object when it changes. */
  get pointers(): Pointers {
    return this.#pointers;
  }

  /** The member that is next, as far as this one knows. */
  get head(): Place | undefined {
    return this.#pointers.successors[0];
  }

  /**
   * Starts with these pointers: with those that follow from a member table, or,
   * JOIN, with the successors of the member before this one, whole and
   * unchanged, and that member as predecessor.
   */
  begin(predecessor: Place | undefined, successors: readonly Place[]): void {
    this.#step = undefined;
    this.#seen = undefined;
    this.#set(predecessor, padded(successors, this.#length));
  }

  /** From now on the list has `length` entries; who is not known is padding. */
  resize(length: number): void {
    if (length === this.#length) return;
    this.#length = length;
    const { predecessor, successors } = this.#pointers;
    this.#set(predecessor, padded(successors, length));
    this.#seen = undefined;
  }

  /** STABILIZE FROM SUCCESSOR: periodically, and at once after a join. */
  stabilize(): StabilizerEffect[] {
    const { head } = this;
    if (this.#step !== undefined || head === undefined) return [];
    // As long as the head knows of this member, it has nothing to be told.
    if (this.#seen?.predecessor === this.self) {
      return [{ type: "check", to: head, seen: this.#seen }];
    }
    return this.#ask(head, head);
  }

  /**
   * STABILIZE FROM PREDECESSOR with a place that is known from elsewhere. Like
   * a predecessor of the head it is taken if it answers: whoever is nearer than
   * the head and has a list passes over nobody that the head did not.
   */
  consider(candidate: Place): StabilizerEffect[] {
    const { head } = this;
    if (this.#step !== undefined || head === undefined) return [];
    if (!isBetween(candidate, this.self, head)) return [];
    return this.#ask(candidate, head);
  }

  /** What was seen of a member is not so any more. */
  onStale(from: Place): StabilizerEffect[] {
    if (from !== this.head || this.#step !== undefined) return [];
    this.#seen = undefined;
    return this.stabilize();
  }

  /** A member has told its pointers. */
  onAnswer(from: Place, theirs: Pointers): StabilizerEffect[] {
    const step = this.#step;
    const { head } = this;
    if (from !== step?.to || head !== step.head) return [];
    this.#step = undefined;
    this.#take(from, theirs);
    const between = theirs.predecessor;
    const isNearer = from === head && between !== undefined &&
      isBetween(between, this.self, from);
    if (!isNearer) return this.#notify(theirs);
    if (this.#rules.asksFirst) return this.#ask(between, from);
    const { successors } = this.#pointers;
    this.#take(between, { predecessor: undefined, successors });
    return [{ type: "notify", to: between }];
  }

  /** A member that was asked is dead, or is no member any more. */
  onSilence(from: Place): StabilizerEffect[] {
    const { head } = this;
    if (head === undefined) return [];
    if (from === head) {
      this.#step = undefined;
      this.#seen = undefined;
      const { predecessor, successors } = this.#pointers;
      this.#set(predecessor, this.#rules.drop(successors));
      return [{ type: "notify", to: this.head ?? head }, ...this.stabilize()];
    }
    if (from !== this.#step?.to) return [];
    this.#step = undefined;
    return [{ type: "notify", to: head }];
  }

  /** The question is given up, though nobody is known to be dead. */
  abandon(): void {
    this.#step = undefined;
  }

  /** RECTIFY: `from` may be the predecessor. */
  onNotify(from: Place): void {
    if (from === this.self) return;
    const { predecessor, successors } = this.#pointers;
    const isBetter = predecessor === undefined ||
      isBetween(from, predecessor, this.self) ||
      (from !== predecessor && !this.#isAlive(predecessor));
    if (isBetter) this.#set(from, successors);
  }

  #ask(to: Place, head: Place): StabilizerEffect[] {
    this.#step = { to, head };
    return [{ type: "ask", to }];
  }

  #notify(seen: Pointers): StabilizerEffect[] {
    const { head } = this;
    if (head === undefined || seen.predecessor === this.self) return [];
    return [{ type: "notify", to: head }];
  }

  #take(head: Place, theirs: Pointers): void {
    const { predecessor, successors } = this.#pointers;
    const taken = this.#rules.take(
      successors,
      head,
      theirs.successors,
      this.#length,
    );
    this.#seen = theirs;
    this.#set(predecessor, taken);
  }

  #set(predecessor: Place | undefined, successors: readonly Place[]): void {
    const { pointers } = this;
    const isSame = predecessor === pointers.predecessor &&
      isEqual(successors, pointers.successors);
    if (!isSame) this.#pointers = { predecessor, successors };
  }
}

/** Exactly `length` entries: fewer are followed by places that name nobody. */
export function padded(
  places: readonly Place[],
  length: number,
): readonly Place[] {
  const list = places.slice(0, length);
  while (list.length > 0 && list.length < length) {
    list.push(placeAfter(list[list.length - 1]!));
  }
  return list;
}

function isEqual(a: readonly Place[], b: readonly Place[]): boolean {
  return a.length === b.length && a.every((place, i) => place === b[i]);
}
