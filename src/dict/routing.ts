/**
 * The operations that are on their way through this node, those of its own
 * application first among them.
 *
 * @module
 */
import { type ChordError, ClockError, TimeoutError } from "../base/errors.ts";
import { ROUTES_PENDING_MAX } from "../base/limits.ts";
import type { Id } from "../id/id.ts";
import { apart, pointOf } from "../mesh/fingers.ts";
import {
  Errand,
  ErrandStatus,
  type MemberRecord,
  type MessageOf,
  Role,
} from "../wire/messages.ts";
import { Call, type Ending } from "./call.ts";
import {
  type CallParts,
  errorFrom,
  LOST,
  type Routed,
  type RouteOrder,
} from "./errand.ts";
import { Passage } from "./passage.ts";

/** How long to wait when nobody was found who could do it. */
const ASK_AGAIN_MS = 100;

/** All passages of one node. */
export class Routing {
  readonly parts: CallParts;
  readonly #passages = new Set<Passage>();
  /** The most hops of what came to this node. */
  hopsMost = 0;
  /** How often this node handed on what it was nearer to itself. */
  stepsBack = 0;

  constructor(parts: CallParts) {
    this.parts = parts;
  }

  /** Operations of others that are on their way. */
  get size(): number {
    return this.#passages.size;
  }

  /** Begins a passage; `done` is told nothing when no answer came in time. */
  begin(
    order: RouteOrder,
    hops: number,
    timeoutMs: number,
    done: (routed: Routed | undefined) => void,
  ): Passage {
    const passage = new Passage(this.parts, order, hops, timeoutMs, {
      onHop: (to) => this.#onHop(order.target, to),
      onEnd: (ended) => {
        this.#passages.delete(passage);
        if (ended !== undefined) this.parts.peers.learn(ended.members);
        done(ended);
      },
    });
    this.#passages.add(passage);
    passage.start();
    return passage;
  }

  drop(passage: Passage | undefined): void {
    if (passage === undefined) return;
    passage.cancel();
    this.#passages.delete(passage);
  }

  /** Another node hands something on. */
  onRoute(message: MessageOf<"route">, from: Id): void {
    const { type: _type, request, hops, leftMs, ...order } = message;
    const { peers } = this.parts;
    this.hopsMost = Math.max(this.hopsMost, hops);
    peers.send(from, { type: "routing", request });
    const answer = (routed: Routed = LOST) =>
      peers.send(from, { type: "routed", request, ...routed });
    if (this.size >= ROUTES_PENDING_MAX) return answer();
    this.begin(order, hops, Math.max(1, leftMs), (routed) => {
      // Who waits finds out by itself that there is no answer in time.
      if (routed !== undefined) answer(routed);
    });
  }

  /** Judged here and now: who gets it may have heard of a later place. */
  #onHop(target: Id, to: Id): void {
    const { self } = this.parts.peers;
    const next = this.parts.peers.member(to);
    if (self.role !== Role.active || next?.role !== Role.active) return;
    if (isNearer(self.position, next.position, target)) this.stepsBack++;
  }

  onRouting({ request }: MessageOf<"routing">, from: Id): void {
    for (const passage of this.#passages) {
      if (passage.number === request) passage.onTaken(from);
    }
  }

  /** The ring has changed. */
  replan(): void {
    for (const passage of [...this.#passages]) passage.replan();
  }

  /** The socket closes. */
  close(): void {
    for (const passage of this.#passages) passage.cancel();
    this.#passages.clear();
  }

  /** Asks who is near a place; `done` gets nobody when that fails. */
  locate(
    target: Id,
    timeoutMs: number,
    done: (members: readonly MemberRecord[]) => void,
  ): void {
    const order = { ...this.orderFor(Errand.locate, target) };
    this.begin(order, 0, timeoutMs, (routed) => done(routed?.members ?? []));
  }

  /** An order with nothing in it yet. */
  orderFor(errand: RouteOrder["errand"], target: Id): RouteOrder {
    return {
      origin: this.parts.peers.self.id,
      errand,
      target,
      read: 0,
      values: false,
      kind: 0,
      operation: undefined,
      key: undefined,
      value: undefined,
      version: undefined,
      terms: undefined,
    };
  }
}

/** Whether `a` is nearer to a place than `b`, or as near. */
function isNearer(a: Id, b: Id, target: Id): boolean {
  const place = pointOf(target);
  return apart(pointOf(a), place) <= apart(pointOf(b), place);
}

/** An operation of this node's application that is done elsewhere. */
export class FarCall extends Call<Routed> {
  readonly #routing: Routing;
  readonly #action: string;
  #order: RouteOrder;
  #passage: Passage | undefined;
  #wasSent = false;

  /** @param action for messages: "set the key" */
  constructor(
    routing: Routing,
    order: RouteOrder,
    { action, timeoutMs }: { action: string; timeoutMs: number },
    ending: Ending<Routed>,
  ) {
    super(routing.parts.context, timeoutMs, ending);
    this.#routing = routing;
    this.#order = order;
    this.#action = action;
  }

  start(): this {
    this.#go();
    return this;
  }

  /** Each passage follows the ring by itself. */
  override replan(): void {
  }

  protected override timedOut(): ChordError {
    this.#wasSent ||= this.#passage?.wasSent === true;
    return new TimeoutError(
      `Cannot ${this.#action}: no answer came from the part of the ring ` +
        `where it belongs within ${this.timeoutMs} ms; retry, or raise ` +
        `"timeoutMs"`,
      this.#wasSent && this.#writes ? "maybe" : "no",
    );
  }

  protected override release(): void {
    this.#routing.drop(this.#passage);
  }

  get #writes(): boolean {
    const { errand } = this.#order;
    return errand !== Errand.get && errand !== Errand.scan;
  }

  #go(): void {
    if (this.isOver) return;
    let isDone = false;
    const { leftMs } = this;
    const passage = this.#routing.begin(this.#order, 0, leftMs, (routed) => {
      isDone = true;
      this.#wasSent ||= routed?.status !== ErrandStatus.lost;
      if (!this.isOver) this.#onEnd(routed);
    });
    if (!isDone) this.#passage = passage;
  }

  #onEnd(routed: Routed | undefined): void {
    this.#wasSent ||= this.#passage?.wasSent === true;
    this.#passage = undefined;
    if (routed === undefined || routed.status === ErrandStatus.lost) {
      return void this.after(ASK_AGAIN_MS, () => this.#go());
    }
    if (routed.failure !== undefined) {
      return this.fail(errorFrom(routed.failure));
    }
    if (routed.status === ErrandStatus.beaten) return this.#onBeaten(routed);
    this.succeed(routed);
  }

  /** Once more, with a version that is larger than the one that is there. */
  #onBeaten({ version }: Routed): void {
    const { replica } = this.#routing.parts;
    const { wallMs } = this.context;
    if (version === undefined) return this.#go();
    if (replica.clock.isTooFarAhead(version, wallMs)) {
      return this.fail(
        new ClockError(
          `Cannot ${this.#action}: this node's clock is too far off that of a ` +
            `holder; set the clocks`,
          "no",
        ),
      );
    }
    replica.clock.observe(version, wallMs);
    this.#order = { ...this.#order, version: replica.nextVersion() };
    this.#go();
  }
}
