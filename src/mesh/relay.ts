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
import { FULL_MESH_NODES_MAX, RELAY_HOPS_MAX } from "../base/limits.ts";
import { pick } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import { decode, encode } from "../wire/codec.ts";
import { Health, type Message, type MessageOf } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import type { Table } from "./table.ts";
import { lowerBound } from "./tree.ts";

/** Messages that mean something on their own link only. */
const LINK_TYPES: ReadonlySet<Message["type"]> = new Set([
  "hello",
  "bye",
  "retire",
  "heartbeat",
  "relay",
]);

/** Finds ways to nodes. */
export class Router {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #demand: (to: Id) => void;

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
   * @returns the link it left on, or `undefined` when there is no way
   */
  send(to: Id, message: Message): Link | undefined {
    const link = this.#links.to(to);
    if (link !== undefined) {
      this.#links.send(link, message);
      return link;
    }
    const self = this.#table.self.id;
    if (to === self) return undefined;
    // Whether somebody lives can be asked through others as well.
    if (message.type !== "ping") this.#demand(to);
    return this.#pass(self, to, 0, encode(message), undefined);
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
      this.#links.send(link, { ...relay, hops: hops + 1 });
    } else if (hops + 1 < RELAY_HOPS_MAX) {
      this.#pass(relay.from, to, hops + 1, message, from.peer);
    }
    return undefined;
  }

  #pass(
    from: Id,
    to: Id,
    hops: number,
    message: Bytes,
    not: Id | undefined,
  ): Link | undefined {
    const via = this.#via(to, from, not);
    if (via === undefined) return undefined;
    this.#links.send(via, { type: "relay", from, to, hops, message });
    return via;
  }

  /**
   * A linked node that is likely to have a link to `to`. In a full mesh any
   * will do, and chance keeps a bad one from being taken again and again; in a
   * larger one the nearest by id, for that is whom nodes keep links to.
   */
  #via(to: Id, from: Id, not: Id | undefined): Link | undefined {
    const all: Link[] = [];
    const fit: Link[] = [];
    for (const link of this.#links.primaries) {
      const { peer } = link;
      if (peer === from || peer === not) continue;
      all.push(link);
      const record = this.#table.get(peer);
      if (record?.health === Health.alive && record.url !== "") fit.push(link);
    }
    const candidates = fit.length > 0 ? fit : all;
    const { order } = this.#table;
    const { linksMax } = this.#context.options;
    if (order.length <= Math.min(FULL_MESH_NODES_MAX, linksMax + 1)) {
      return pick(this.#context.random, candidates);
    }
    const wanted = lowerBound(order, to);
    let nearest: Link | undefined;
    let least = Infinity;
    for (const link of candidates) {
      const apart = Math.abs(lowerBound(order, link.peer) - wanted);
      const around = Math.min(apart, order.length - apart);
      if (around < least) {
        least = around;
        nearest = link;
      }
    }
    return nearest;
  }
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
