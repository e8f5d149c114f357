/**
 * What the dict needs of the mesh, and what the mesh tells the dict.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Id } from "../id/id.ts";
import type {
  CastKind,
  MemberRecord,
  Message,
  Role,
} from "../wire/messages.ts";
import type { CallNumber } from "./events.ts";

/** The ring as this node sees it now; a new object after every change. */
export interface RingView {
  /** Active members that are alive or suspect, by position, then id. */
  readonly members: readonly MemberRecord[];
  /** Members that are catching up before they become active, likewise. */
  readonly joining: readonly MemberRecord[];
  /** Members that hand on what they have before they are gone, likewise. */
  readonly leaving: readonly MemberRecord[];
  /** Changes with these three lists: what two nodes compare. */
  readonly hash: number;
  /** Index in `members` of the first one at or after `id`; 0 past the last. */
  indexOf(id: Id): number;
}

/** How a request ended that got no answer. */
export type RequestFailure = "timeout" | "unreachable";

/** A request that waits for answers, one from each node it was sent to. */
export interface PendingRequest {
  /** The number to put into the message's `request` field. */
  readonly number: number;
  /**
   * Sends `message` to `to` too and expects one answer from there. When the
   * link to `to` breaks, or no way to it is known, `onFailure` is told; never
   * from within this call.
   */
  send(to: Id, message: Message): void;
  /** Forgets the request: no callback runs any more. */
  cancel(): void;
}

/** The handlers of one request. */
export interface RequestHandlers {
  onAnswer(answer: Message, from: Id): void;
  onFailure(to: Id, failure: RequestFailure): void;
}

/** The mesh, as the dict sees it. */
export interface Peers {
  /** This node's own record, with its role and position. */
  readonly self: MemberRecord;
  /** As far as this node knows the ring without a gap. */
  readonly ring: RingView;
  /** Whether the ring is larger than that may be. */
  readonly isPartial: boolean;
  /** Whether `ring` has the holders of a key, and who stands in for one. */
  covers(id: Id): boolean;
  /**
   * The linked member that is nearest to `id`, and nearer than this node.
   *
   * @param tried members that have had their chance
   */
  nextHop(id: Id, tried: ReadonlySet<Id>): Id | undefined;
  /** The members near an id that is covered, in the order of the ring. */
  membersAround(id: Id): readonly MemberRecord[];
  /** Takes what another node knows of members. */
  learn(records: readonly MemberRecord[]): void;
  /** The record of a node, dead ones included. */
  member(id: Id): MemberRecord | undefined;
  /** Whether this node is told what becomes of a node: it is not too far. */
  hearsOf(id: Id): boolean;
  /** Whether a link to the node is open now. */
  isLinked(id: Id): boolean;
  /** Smoothed round-trip time to a node, in ms; a guess where none is known. */
  roundTripMs(id: Id): number;
  /** After how long something not acknowledged counts as lost, in ms. */
  patienceMs(id: Id): number;
  /** A node has acknowledged something after so long. */
  heardAfter(id: Id, elapsedMs: number): void;
  /** Sends one message by the link, or by relay while a link is dialled. */
  send(to: Id, message: Message): void;
  /**
   * Starts a request. Each node it is sent to has `timeoutMs` to answer.
   * `undefined` when more are in flight than the limit allows.
   *
   * @param endMs when whoever asks cancels it, if nothing else ends it sooner
   */
  request(
    timeoutMs: number,
    handlers: RequestHandlers,
    endMs?: number,
  ): PendingRequest | undefined;
  /** Sends to every other node exactly once, in order. */
  cast(kind: typeof CastKind[keyof typeof CastKind], payload: Bytes): void;
  /** Raises the own incarnation with a new role, and tells everybody. */
  setRole(role: Role, position: Id): void;
  /**
   * Tells every linked node this node's own record; `done` is called once all
   * know it, or did not say so in time.
   */
  announce(done: () => void): void;
  /** Compares member tables with a node whose view seems to differ. */
  compareTables(with_: Id): void;
}

/** Something that works on top of the mesh; the dict is one. */
export interface Extension<Operation> {
  /** A message that is no answer to a request and none of the mesh's own. */
  onMessage(message: Message, from: Id): void;
  /** A broadcast of this extension's kind, in order per origin. */
  onCast(payload: Bytes, origin: Id): void;
  /** The ring is another one than before. */
  onRing(before: RingView, after: RingView): void;
  /** Nodes came, or are dead or have left: the member table says which. */
  onPresence(): void;
  /**
   * A node came back that was dead or unheard of while it kept data: this
   * node itself (it was taken for dead, or slept), or another one.
   */
  onReturn(id: Id): void;
  onCall(call: CallNumber, operation: Operation): void;
  onCancel(call: CallNumber): void;
  /** The application closes the node: what waits must fail. */
  onClose(): void;
}
