/**
 * One node as one machine: links, members, broadcast, and what works on top.
 *
 * This file puts the parts together and hands each event and each message to
 * the part that it is for; it decides nothing itself.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Instant, Machine } from "../base/machine.ts";
import type { NodeOptions } from "../base/options.ts";
import type { Random } from "../base/random.ts";
import { type Id, randomId, ZERO_ID } from "../id/id.ts";
import { Health, type MemberRecord, Role } from "../wire/messages.ts";
import { Context } from "./context.ts";
import type { LinkNumber, NodeEffect, NodeEvent } from "./events.ts";
import type { Framing } from "./framer.ts";
import { Mesh } from "./mesh.ts";
import type { Pointers } from "../ring/stabilizer.ts";
import { hasPlace } from "./ring_view.ts";
import type { Extension, Peers } from "./peers.ts";

/** Numbers that show how a node is doing. */
export interface NodeStats {
  readonly links: number;
  readonly members: number;
  readonly requestsInFlight: number;
  readonly timers: number;
  /** Differences between ring and member table that lasted, and were mended. */
  readonly ringRepairs: number;
  /** Messages that wait until links have room for them. */
  readonly sendsWaiting: number;
  /** Replies that are not confirmed yet. */
  readonly repliesWaiting: number;
  /** Bytes of broadcasts that are kept for those who miss them. */
  readonly broadcastBytes: number;
  /** Nodes of whose broadcasts some are missing, or others are still told. */
  readonly castsOpen: number;
  /** Bytes that wait in the lanes of all links. */
  readonly queuedBytes: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** A node without I/O; see `events.ts` for what goes in and out. */
export class NodeMachine<Operation = never>
  implements Machine<NodeEvent<Operation>, NodeEffect> {
  readonly #context: Context;
  readonly #mesh: Mesh<Operation>;

  constructor(
    options: NodeOptions,
    random: Random,
    at: Instant,
    extend?: (context: Context, peers: Peers) => Extension<Operation>,
  ) {
    this.#context = new Context(options, random, at);
    const self: MemberRecord = {
      id: randomId(random),
      incarnation: 1,
      role: Role.leaf,
      health: Health.alive,
      position: ZERO_ID,
      url: options.url,
    };
    this.#mesh = new Mesh(this.#context, self);
    this.#mesh.extension = extend?.(this.#context, this.#mesh.peers);
  }

  get id(): Id {
    return this.#mesh.table.self.id;
  }

  get wakeAtMs(): number {
    return this.#context.timers.nextMs;
  }

  step(event: NodeEvent<Operation>, at: Instant): NodeEffect[] {
    const { timers } = this.#context;
    this.#context.begin(at);
    const lateMs = at.nowMs - timers.nextMs;
    // Who slept may have missed writes: no read before that is known.
    if (this.#mesh.detector.onWake(lateMs)) this.#mesh.settle();
    this.#mesh.onEvent(event);
    // What the news of a step bring about may be due at once.
    do timers.run(at.nowMs); while (
      this.#mesh.settle() || timers.nextMs <= at.nowMs
    );
    return this.#context.takeEffects();
  }

  /**
   * The next frame of a link, or `undefined` when it has nothing to send.
   *
   * @param framing how its transport wants it
   */
  pull(link: LinkNumber, framing?: Framing): Bytes | undefined {
    return this.#mesh.links.pull(link, framing);
  }

  /**
   * All nodes that are known, this one and the dead included; another array
   * after each change.
   */
  get members(): readonly MemberRecord[] {
    return this.#mesh.table.records;
  }

  /**
   * The members that are known without a gap around this one, or for one that
   * has no place on the ring those near it in the order of the ids; `undefined`
   * when that is all of them.
   */
  get window(): readonly MemberRecord[] | undefined {
    const { table } = this.#mesh;
    if (!table.isPartial) return undefined;
    const { members } = table.view;
    if (hasPlace(table.self)) return members;
    return members.filter(({ id }) => table.isNearById(id));
  }

  /** How far it knows all on both sides of it, where it may not know all. */
  get reach(): number {
    return this.#mesh.table.reach;
  }

  /** What is known of a node. */
  member(id: Id): MemberRecord | undefined {
    return this.#mesh.table.get(id);
  }

  /** The nodes that a link is open to. */
  get linked(): readonly Id[] {
    return [...this.#mesh.links.peers];
  }

  /** What this node answers to who keeps up the ring; `undefined`: no member. */
  get pointers(): Pointers | undefined {
    return this.#mesh.ringKeeper.pointers;
  }

  get stats(): NodeStats {
    const { links, table, requests, sends, notes, broadcast } = this.#mesh;
    return {
      links: links.size,
      members: table.size,
      requestsInFlight: requests.size,
      timers: this.#context.timers.size,
      ringRepairs: this.#mesh.ringKeeper.repairs,
      sendsWaiting: sends.size,
      repliesWaiting: notes.size,
      broadcastBytes: broadcast.keptBytes,
      castsOpen: broadcast.open,
      queuedBytes: links.queuedBytes,
      framesSent: links.framesSent,
      framesReceived: links.framesReceived,
      bytesSent: links.bytesSent,
      bytesReceived: links.bytesReceived,
    };
  }
}
