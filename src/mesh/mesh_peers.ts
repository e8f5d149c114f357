/**
 * The mesh as the extension sees it.
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
import type { Broadcast } from "./broadcast.ts";
import type { Context } from "./context.ts";
import type { Gossip } from "./gossip.ts";
import type { Horizon } from "./horizon.ts";
import type { Links } from "./links.ts";
import type {
  Peers,
  PendingRequest,
  RequestHandlers,
  RingView,
} from "./peers.ts";
import type { Router } from "./relay.ts";
import { around } from "./ring_view.ts";
import type { Requests } from "./requests.ts";
import type { Table } from "./table.ts";

/** The parts of a node that its extension works with. */
export interface MeshParts {
  readonly table: Table;
  readonly horizon: Horizon;
  readonly links: Links;
  readonly router: Router;
  readonly requests: Requests;
  readonly gossip: Gossip;
  readonly broadcast: Broadcast;
}

/** Hands each wish of the extension to the part that fulfils it. */
export class MeshPeers implements Peers {
  readonly #context: Context;
  readonly #table: Table;
  readonly #horizon: Horizon;
  readonly #links: Links;
  readonly #router: Router;
  readonly #requests: Requests;
  readonly #gossip: Gossip;
  readonly #broadcast: Broadcast;

  constructor(context: Context, parts: MeshParts) {
    this.#context = context;
    this.#table = parts.table;
    this.#horizon = parts.horizon;
    this.#links = parts.links;
    this.#router = parts.router;
    this.#requests = parts.requests;
    this.#gossip = parts.gossip;
    this.#broadcast = parts.broadcast;
  }

  get self(): MemberRecord {
    return this.#table.self;
  }

  get ring(): RingView {
    return this.#table.view;
  }

  get isPartial(): boolean {
    return this.#table.isPartial;
  }

  covers(id: Id): boolean {
    return this.#horizon.covers(id);
  }

  nextHop(id: Id, tried: ReadonlySet<Id>): Id | undefined {
    return this.#horizon.nextHop(
      id,
      tried,
      (wanted) => this.#router.demand(wanted),
    );
  }

  membersAround(id: Id): readonly MemberRecord[] {
    const { view, self, reach } = this.#table;
    return around(view, self, id, reach);
  }

  learn(records: readonly MemberRecord[]): void {
    this.#gossip.learn(records);
  }

  member(id: Id): MemberRecord | undefined {
    return this.#table.get(id);
  }

  hearsOf(id: Id): boolean {
    if (!this.#table.isPartial) return true;
    const record = this.#table.get(id);
    return record !== undefined && this.#table.isNear(record);
  }

  isLinked(id: Id): boolean {
    return this.#links.to(id) !== undefined;
  }

  roundTripMs(id: Id): number {
    return this.#requests.roundTripMs(id);
  }

  patienceMs(id: Id): number {
    return this.#requests.patienceMs(id);
  }

  heardAfter(id: Id, elapsedMs: number): void {
    this.#requests.sample(id, elapsedMs);
  }

  send(to: Id, message: Message): void {
    this.#router.send(to, message);
  }

  request(
    timeoutMs: number,
    handlers: RequestHandlers,
    endMs?: number,
  ): PendingRequest | undefined {
    return this.#requests.begin(timeoutMs, handlers, endMs);
  }

  cast(kind: typeof CastKind[keyof typeof CastKind], payload: Bytes): void {
    this.#broadcast.cast(kind, payload);
  }

  setRole(role: Role, position: Id): void {
    this.#table.setSelf({ role, position }, this.#context.nowMs);
  }

  announce(done: () => void): void {
    const { timers, nowMs, options } = this.#context;
    // Who hears of the next role first would not know that there was this one.
    this.#gossip.hurry();
    const open = new Set(this.#links.peers);
    const onEnd = (id: Id) => {
      if (open.delete(id) && open.size === 0) done();
    };
    const request = this.#requests.begin(options.timings.probeMs, {
      onAnswer: (answer, from) => {
        if (answer.type === "announced") {
          this.#gossip.learn(answer.joining);
        }
        onEnd(from);
      },
      onFailure: onEnd,
    });
    if (open.size === 0 || request === undefined) {
      timers.at(nowMs, done);
      return;
    }
    const { number } = request;
    const record = this.self;
    for (const id of [...open]) {
      request.send(id, { type: "announce", request: number, record });
    }
  }

  compareTables(with_: Id): void {
    this.#gossip.compare(with_);
  }
}
