/**
 * One write, from its coordinator: every holder must confirm it.
 *
 * Kept true: when a write is acknowledged, R distinct active members have it
 * (all members while there are fewer); a holder that is suspect, out of reach
 * or silent for a second is stood in for by the next member, and only when
 * there is none does the write stand on fewer copies, never on fewer than two
 * that could be had. A majority of the holders would be faster, and two of
 * three holders that fail could then be the two that had it.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import {
  type ChordError,
  ClockError,
  InsufficientReplicasError,
  NoPeerError,
  OverloadedError,
} from "../base/errors.ts";
import { type Id, keyId } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers, PendingRequest, RingView } from "../mesh/peers.ts";
import {
  Health,
  type MemberRecord,
  type MessageOf,
  type OperationId,
  PutStatus,
  type Terms,
  type Version,
} from "../wire/messages.ts";
import { Call, type Ending } from "./call.ts";
import { candidatesOf, joinersOf } from "./holders.ts";
import type { Written } from "./operations.ts";
import type { Replica } from "./replica.ts";
import { isNewer } from "./version.ts";

/** Copies below which a write never counts, where so many could be had. */
const COPIES_MIN = 2;
/** How long a holder that does not know that it is one gets to find out. */
const ASK_AGAIN_MS = 50;

/** What to write. */
export interface WriteOrder {
  /** For messages: "set", "delete". */
  readonly action: string;
  readonly key: Bytes;
  /** `undefined`: a tombstone. */
  readonly value: Bytes | undefined;
  readonly terms: Terms | undefined;
  /** Set for a part of a read-modify-write. */
  readonly operation: OperationId | undefined;
  readonly timeoutMs: number;
  /** Whose writer gave it a version is not made again with a larger one. */
  readonly given?: {
    readonly version: Version;
    /** A newer version is there; the write is over. */
    readonly onBeaten: (newer: Version) => void;
  };
}

/** `stale`: not stored, since something newer is there. */
type State = "asked" | "stored" | "kept" | "stale" | "failed";

interface Target {
  /** When it was asked first. */
  readonly askedAtMs: number;
  state: State;
}

/** A write that is under way. */
export class Write extends Call<Written> {
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #order: WriteOrder;
  readonly #id: Id;
  readonly #targets = new Map<Id, Target>();
  /** The ring of the last look at it, and the key's holders there. */
  #ring: RingView | undefined;
  #ringHolders: readonly MemberRecord[] = [];
  #version: Version;
  /** The newest version that beat this write anywhere. */
  #newer: Version | undefined;
  #message: MessageOf<"put"> | undefined;
  /** By how much the wall clock was ahead when the version was given. */
  #leadMs: number;
  /** The key of which other writes wait here until this one is stored. */
  #held: Id | undefined;
  #request: PendingRequest | undefined;

  constructor(
    context: Context,
    peers: Peers,
    replica: Replica,
    order: WriteOrder,
    ending: Ending<Written>,
  ) {
    super(context, order.timeoutMs, ending);
    this.#peers = peers;
    this.#replica = replica;
    this.#order = order;
    this.#id = keyId(order.key);
    this.#version = order.given?.version ?? replica.nextVersion();
    this.#leadMs = leadOf(context);
  }

  /** Sends the write to its holders. */
  start(): this {
    if (this.#peers.ring.members.length === 0) {
      this.fail(noMember(this.#action));
    } else {
      this.#begin();
      this.#lookForLate();
    }
    return this;
  }

  override replan(): void {
    if (this.isOver || this.#message === undefined) return;
    const ring = this.#peers.ring;
    const { members } = ring;
    const { replicas } = this.context.options;
    const first = ring.indexOf(this.#id);
    // For each that needs a stand-in the walk goes on by one.
    let wanted = replicas;
    for (let i = 0; i < Math.min(wanted, members.length); i++) {
      const { id } = members[(first + i) % members.length]!;
      this.#send(id);
      if (this.isOver) return;
      if (this.#needsStandIn(id)) wanted++;
    }
    // Joiners get it too, so that they miss nothing; they do not count.
    for (const { id } of joinersOf(ring, this.#id, replicas)) this.#send(id);
    this.#putHere();
    this.#judge();
  }

  protected override timedOut(): ChordError {
    const { replicas } = this.context.options;
    const members = this.#peers.ring.members.length;
    return new InsufficientReplicasError(this.#action, {
      copies: this.#confirmed().length,
      wanted: Math.min(replicas, Math.max(members, 1)),
      asked: this.#targets.size,
      timeoutMs: this.timeoutMs,
    });
  }

  protected override release(): void {
    this.#request?.cancel();
    this.#letGo();
  }

  get #action(): string {
    return `${this.#order.action} the key`;
  }

  /** Begins, or begins again with a larger version. */
  #begin(): void {
    this.#request?.cancel();
    this.#targets.clear();
    this.#request = this.#peers.request(this.timeoutMs, {
      onAnswer: (answer, from) => {
        if (answer.type === "putAnswer") {
          this.#onAnswer(from, answer.status, answer.version);
        }
      },
      onFailure: (to) => this.#onState(to, "failed"),
    }, this.deadlineMs);
    if (this.#request === undefined) return this.fail(tooMany(this.#action));
    const { key, value, terms, operation } = this.#order;
    this.#message = {
      type: "put",
      request: this.#request.number,
      view: this.#peers.ring.hash,
      entry: { key, value, version: this.#version, terms },
      operation,
    };
    this.replan();
  }

  #send(to: Id): void {
    const target = this.#targets.get(to);
    if (target !== undefined && target.state !== "failed") return;
    if (target !== undefined && !this.#peers.isLinked(to)) return;
    const askedAtMs = target?.askedAtMs ?? this.context.nowMs;
    this.#targets.set(to, { askedAtMs, state: "asked" });
    if (to !== this.#peers.self.id) this.#request!.send(to, this.#message!);
  }

  /**
   * Stores it here, too, if this is a holder. While this node's clock may be
   * wrong another one has to take it first: what the others refuse must not be
   * here either, for repair would give it to them.
   */
  #putHere(): void {
    const { id } = this.#peers.self;
    if (this.isOver || this.#targets.get(id)?.state !== "asked") return;
    const { clock } = this.#replica;
    if (!clock.isProved(leadOf(this.context)) && this.#isAllOpen(id)) {
      if (this.#order.operation !== undefined) this.#hold();
      return;
    }
    if (this.#held === undefined && this.#replica.isHeld(this.#id)) {
      return this.#replica.onceFree(
        this.#order.key,
        () => this.#putHere(),
      );
    }
    const { entry } = this.#message!;
    const { status, version } = this.#replica.put(entry, this.#id);
    this.#letGo();
    this.#onAnswer(id, status, version);
  }

  /** What a read-modify-write has read must be the same when it is stored. */
  #hold(): void {
    if (this.#held !== undefined) return;
    this.#held = this.#id;
    this.#replica.hold(this.#held);
  }

  #letGo(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#replica.letGo(held);
  }

  /** Whether none of the others has answered, and some still may. */
  #isAllOpen(self: Id): boolean {
    const others = [...this.#targets].filter(([id]) => id !== self);
    return others.every(([, { state }]) =>
      state === "asked" || state === "failed"
    ) && others.some(([id]) => !this.#needsStandIn(id));
  }

  #onAnswer(
    from: Id,
    status: MessageOf<"putAnswer">["status"],
    newer: Version | undefined,
  ): void {
    const isOther = from !== this.#peers.self.id;
    if (isOther && status !== PutStatus.clock && !this.#order.given) {
      this.#replica.clock.prove(this.#leadMs);
    }
    switch (status) {
      case PutStatus.stored:
        return this.#onState(from, "stored");
      case PutStatus.kept:
        this.#onState(from, "kept");
        return void this.after(ASK_AGAIN_MS, () => this.#askAgain(from));
      case PutStatus.stale:
        if (newer && isNewer(newer, this.#newer)) this.#newer = newer;
        return this.#onState(from, "stale");
      default:
        return this.fail(this.#wrongClock());
    }
  }

  #onState(from: Id, state: State): void {
    const target = this.#targets.get(from);
    if (target === undefined) return;
    target.state = state;
    if (state === "failed") return this.replan();
    this.#putHere();
    // What comes with the answer may show that one copy is too few: a table.
    const { replicas } = this.context.options;
    const isFew = this.#holders.length < Math.min(COPIES_MIN, replicas);
    if (isFew && from !== this.#peers.self.id) {
      this.after(0, () => this.#judge());
    } else this.#judge();
  }

  /** A holder in this node's view that does not think so: whose view is old? */
  #askAgain(from: Id): void {
    const { replicas } = this.context.options;
    const holders = candidatesOf(this.#peers.ring, this.#id, replicas);
    if (!holders.some(({ id }) => id === from)) return;
    const target = this.#targets.get(from);
    if (target?.state !== "kept") return;
    this.#peers.compareTables(from);
    target.state = "failed";
    this.#send(from);
  }

  /** Once in a while: has a holder been silent for too long? */
  #lookForLate(): void {
    this.after(this.context.options.timings.standInMs, () => {
      this.replan();
      this.#lookForLate();
    });
  }

  /**
   * Whether a newer version elsewhere means that this write must be made again
   * with a larger one. The first holder decides: if it took the write, the
   * write was newest there and has been overwritten since, perhaps by a `pop`
   * that gave its value away; made again, it would come back. If the first
   * holder refused it, or cannot say, the write has to be made newest.
   */
  #mustBeLarger(first: Id): boolean {
    // What a read-modify-write replaces it has read: it came before the newer.
    if (this.#newer === undefined || this.#order.operation) return false;
    const state = this.#targets.get(first)?.state;
    if (state === "stored") return false;
    return state === "stale" || this.#needsStandIn(first);
  }

  #beginLarger(newer: Version): void {
    const onBeaten = this.#order.given?.onBeaten;
    if (onBeaten !== undefined) {
      this.cancel();
      return onBeaten(newer);
    }
    const { clock } = this.#replica;
    const { wallMs } = this.context;
    if (clock.isTooFarAhead(newer, wallMs)) {
      return this.fail(this.#wrongClock());
    }
    clock.observe(newer, wallMs);
    this.#newer = undefined;
    this.#version = this.#replica.nextVersion();
    this.#leadMs = leadOf(this.context);
    this.#begin();
  }

  /** Whether the copy that this member should have must be made elsewhere. */
  #needsStandIn(id: Id): boolean {
    const target = this.#targets.get(id);
    if (target?.state === "stored" || target?.state === "stale") return false;
    if (target?.state === "failed") return true;
    const { nowMs, options } = this.context;
    const askedAtMs = target?.askedAtMs ?? nowMs;
    if (nowMs - askedAtMs >= options.timings.standInMs) return true;
    return (this.#peers.member(id)?.health ?? Health.dead) !== Health.alive;
  }

  /** Whether this member's copy counts; `index` is its rank as a candidate. */
  #isConfirmed(id: Id, index: number): boolean {
    const state = this.#targets.get(id)?.state;
    // Who stands in is no holder by its own view, and need not think so.
    return state === "stored" || state === "stale" ||
      (state === "kept" && index >= this.context.options.replicas);
  }

  #candidates(): Id[] {
    const { ring } = this.#peers;
    return candidatesOf(ring, this.#id, ring.members.length)
      .map(({ id }) => id);
  }

  #confirmed(): Id[] {
    return this.#candidates().filter((id, index) =>
      this.#isConfirmed(id, index)
    );
  }

  /** Who must have a copy. */
  get #holders(): readonly MemberRecord[] {
    const { ring } = this.#peers;
    if (ring !== this.#ring) {
      this.#ring = ring;
      const { replicas } = this.context.options;
      this.#ringHolders = candidatesOf(ring, this.#id, replicas);
    }
    return this.#ringHolders;
  }

  #judge(): void {
    if (this.isOver) return;
    const holders = this.#holders;
    const wanted = holders.length;
    if (wanted === 0) return;
    if (this.#mustBeLarger(holders[0]!.id)) {
      return this.#beginLarger(this.#newer!);
    }
    if (this.context.lacks("acknowledgedByAll")) {
      const some = this.#confirmed();
      if (some.length === 0) return;
      return this.succeed({ version: this.#version, holders: some });
    }
    let holdersDone = 0;
    for (let i = 0; i < wanted; i++) {
      const { id } = holders[i]!;
      if (this.#isConfirmed(id, i)) holdersDone++;
      else if (!this.#needsStandIn(id)) return;
    }
    if (this.#isJoinerOpen()) return;
    if (holdersDone === wanted) {
      const ids = holders.map(({ id }) => id);
      return this.succeed({ version: this.#version, holders: ids });
    }
    const candidates = this.#candidates();
    const confirmed = candidates.filter((id, index) =>
      this.#isConfirmed(id, index)
    );
    const possible =
      candidates.filter((id, index) =>
        this.#isConfirmed(id, index) || !this.#needsStandIn(id)
      ).length;
    const least = Math.min(COPIES_MIN, wanted);
    if (confirmed.length < Math.min(wanted, Math.max(least, possible))) return;
    this.succeed({ version: this.#version, holders: confirmed });
  }

  /**
   * Whether a joiner has yet to say that it has the write: it may be active,
   * and read from, before this node hears of it.
   */
  #isJoinerOpen(): boolean {
    const { ring } = this.#peers;
    if (ring.joining.length === 0) return false;
    return joinersOf(ring, this.#id, this.context.options.replicas)
      .some(({ id }) =>
        this.#targets.get(id)?.state === "asked" && !this.#needsStandIn(id)
      );
  }

  #wrongClock(): ChordError {
    return new ClockError(
      `Cannot ${this.#action}: this node's clock is more than ` +
        `${this.context.options.timings.clockAheadMaxMs} ms off that of a ` +
        `holder; set the clocks`,
      this.#confirmed().length === 0 ? "no" : "maybe",
    );
  }
}

/** The wall clock's lead over the monotonic one. */
function leadOf({ nowMs, wallMs }: Context): number {
  return wallMs - nowMs;
}

/** The error of an operation that would need a ring. */
export function noMember(action: string): NoPeerError {
  return new NoPeerError(
    `Cannot ${action}: no member of a ring is known; connect to one first, or ` +
      `call join() on this node`,
  );
}

/** The error of an operation for which there is no room. */
export function tooMany(action: string): OverloadedError {
  return new OverloadedError(
    `Cannot ${action}: too many requests are in flight; wait for some to end`,
  );
}
