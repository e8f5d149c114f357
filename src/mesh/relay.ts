/**
 * Gets a message to a node, by its link or through others.
 *
 * A relay is for the time until a link is dialled, and for the two nodes that
 * nobody can dial. It promises nothing: a request that it loses times out.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { ProtocolError } from "../base/errors.ts";
import { RELAY_HOPS_MAX, ROUTE_HOPS_MAX } from "../base/limits.ts";
import { pick } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import { decode, encode } from "../wire/codec.ts";
import { Health, type Message, type MessageOf } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import { apart, pointOf } from "./fingers.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import { Requests } from "./requests.ts";
import { isPresent, type Table } from "./table.ts";
import { doorsOf, isFullMesh } from "./vicinity.ts";

const NOBODY: ReadonlySet<Id> = new Set();

/** Messages that mean something on their own link only. */
const LINK_TYPES: ReadonlySet<Message["type"]> = new Set([
  "hello",
  "bye",
  "retire",
  "heartbeat",
  "relay",
  "announce",
  "probe",
  "tableAsk",
  "tableParts",
  "table",
  "castAsk",
]);

/** Finds ways to nodes. */
export class Router {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #demand: (to: Id) => void;
  /** Who was answered through others, and may be dialling this node. */
  readonly #answered = new Set<Id>();

  /** @param demand is told who would be better reached by a link */
  constructor(
    context: Context,
    table: Table,
    links: Links,
    demand: (to: Id) => void,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#demand = demand;
  }

  /**
   * Sends to one node.
   *
   * @param avoid nodes that it must not go to first
   * @returns the link it left on, or `undefined` when there is no way
   */
  send(
    to: Id,
    message: Message,
    avoid: ReadonlySet<Id> = NOBODY,
  ): Link | undefined {
    const link = this.#links.to(to);
    if (link !== undefined && !avoid.has(to)) {
      this.#links.send(link, message);
      return link;
    }
    const self = this.#table.self.id;
    if (to === self) return undefined;
    if (link === undefined) this.#wantLink(to, message.type);
    return this.#pass(self, to, 0, encode(message), avoid);
  }

  /**
   * Whether somebody lives can be asked through others as well. And who asks
   * anything else dials by itself: if both did, there would be two links.
   */
  #wantLink(to: Id, type: Message["type"]): void {
    if (type === "ping" || type === "pong") return;
    if (!Requests.isAnswer(type)) return this.#demand(to);
    if (this.#answered.has(to) || this.#table.get(to) === undefined) return;
    const { nowMs, timers, options } = this.#context;
    this.#answered.add(to);
    timers.at(nowMs + options.timings.probeMs, () => {
      this.#answered.delete(to);
      if (this.#links.to(to) === undefined) this.#demand(to);
    });
  }

  /** Somebody would be better reached by a link. */
  demand(to: Id): void {
    this.#demand(to);
  }

  /** Sends to one node over a link of which it is, or leads to, the other end. */
  sendBy(link: Link, to: Id, message: Message): void {
    if (link.peer === to) return this.#links.send(link, message);
    const from = this.#table.self.id;
    const inner = encode(message);
    this.#links.send(link, {
      type: "relay",
      from,
      to,
      hops: 0,
      message: inner,
    });
  }

  /**
   * Hands a relayed message on.
   *
   * @returns the message inside, when this node is the one it is for
   */
  onRelay(relay: MessageOf<"relay">, from: Link): Message | undefined {
    const { to, hops, message } = relay;
    const self = this.#table.self.id;
    if (relay.from === self) return undefined;
    if (to === self) return open(message);
    const link = this.#links.to(to);
    if (link !== undefined) {
      // Nobody waits here who could be told to send less.
      if (link.isCrowded) return undefined;
      this.#links.send(link, { ...relay, hops: hops + 1 });
    } else if (hops + 1 < this.#hopsMax) {
      this.#pass(relay.from, to, hops + 1, message, new Set([from.peer]));
    }
    return undefined;
  }

  /** Where not all are linked, it takes more hops to get to somebody. */
  get #hopsMax(): number {
    return this.#isFull ? RELAY_HOPS_MAX : ROUTE_HOPS_MAX;
  }

  /** Whether everybody has a link to everybody else. */
  get #isFull(): boolean {
    return isFullMesh(this.#table, this.#context.options.linksMax);
  }

  #pass(
    from: Id,
    to: Id,
    hops: number,
    message: Bytes,
    avoid: ReadonlySet<Id>,
  ): Link | undefined {
    const via = this.#via(to, from, hops, avoid);
    if (via === undefined) return undefined;
    this.#links.send(via, { type: "relay", from, to, hops, message });
    return via;
  }

  /**
   * Whether a way is worth it: one that was long already has to come nearer to
   * who is sought with each further hop, or it may lead in a circle until the
   * hops are used up. Of the dead those near them know.
   */
  #mayGo({ peer }: Link, to: Id, hops: number): boolean {
    if (hops < RELAY_HOPS_MAX) return true;
    const record = this.#table.get(to);
    if (record !== undefined && !isPresent(record)) return false;
    const [own, next] = [this.#table.self.id, peer].map((id) =>
      apart(pointOf(id), pointOf(to))
    );
    return next! < own!;
  }

  /**
   * A linked node that is likely to have a link to `to`. In a full mesh any
   * will do, and chance keeps a bad one from being taken again and again; in a
   * larger one a node that `to` keeps a link to, or else the nearest by id.
   */
  #via(
    to: Id,
    from: Id,
    hops: number,
    avoid: ReadonlySet<Id>,
  ): Link | undefined {
    const all: Link[] = [];
    const fit: Link[] = [];
    for (const link of this.#links.primaries) {
      const { peer } = link;
      if (peer === from || peer === to || avoid.has(peer)) continue;
      if (link.isCrowded || !this.#mayGo(link, to, hops)) continue;
      all.push(link);
      const record = this.#table.get(peer);
      if (record?.health === Health.alive && record.url !== "") fit.push(link);
    }
    const candidates = fit.length > 0 ? fit : all;
    if (this.#isFull) return pick(this.#context.random, candidates);
    const doors = doorsOf(this.#table, to);
    const near = candidates.filter(({ peer }) => doors.includes(peer));
    return nearest(to, near) ?? nearest(to, candidates);
  }
}

/** The one whose id is nearest to `to`. */
function nearest(to: Id, candidates: readonly Link[]): Link | undefined {
  const wanted = pointOf(to);
  let found: Link | undefined;
  let least = Infinity;
  for (const link of candidates) {
    const distance = apart(pointOf(link.peer), wanted);
    if (distance < least) {
      least = distance;
      found = link;
    }
  }
  return found;
}

/** The message inside a relayed one; `undefined` if it is none. */
function open(bytes: Bytes): Message | undefined {
  try {
    const message = decode(bytes);
    return LINK_TYPES.has(message.type) ? undefined : message;
  } catch (error) {
    // The node that handed it on is not to blame: its link stays.
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
