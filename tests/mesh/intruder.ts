/**
 * The far end of a connection, played by a test that speaks the protocol as it
 * likes.
 *
 * @module
 */
import type { Bytes } from "../../src/base/bytes.ts";
import type { Id } from "../../src/id/id.ts";
import type { LinkNumber } from "../../src/mesh/events.ts";
import { Inbox, Outbox } from "../../src/mesh/framer.ts";
import { subnetHash } from "../../src/mesh/link.ts";
import { decode, encodeParts, laneOf } from "../../src/wire/codec.ts";
import {
  MAGIC,
  type Message,
  type MessageOf,
  PROTOCOL_VERSION,
  Turn,
} from "../../src/wire/messages.ts";
import type { Network, Station } from "./harness.ts";

/** The frame that carries these messages. */
export function frameOf(...messages: Message[]): Bytes {
  const outbox = new Outbox();
  for (const message of messages) {
    outbox.push(laneOf(message.type), encodeParts(message));
  }
  return outbox.pull()!;
}

/** What a node says of itself before it can be asked for anything. */
export function recordOf(id: Id): MessageOf<"identity">["self"] {
  return { id, incarnation: 1, role: 0, health: 0, position: id, url: "" };
}

/** A challenge of this version. */
export function challengeOf(turn: Turn, nonce: Bytes): Message {
  const version = PROTOCOL_VERSION;
  const rest = { magic: MAGIC, version, oldest: version };
  return { type: "challenge", ...rest, turn, nonce };
}

/** Somebody at the other end of a connection of `station`. */
export class Intruder {
  readonly link: LinkNumber;
  /** What the node said to it, decoded. */
  readonly heard: Message[] = [];
  readonly #net: Network;
  readonly #station: Station;

  constructor(net: Network, station: Station, isAttached = false) {
    this.#net = net;
    this.#station = station;
    const inbox = new Inbox();
    const { onRaw } = net;
    let own: LinkNumber | undefined;
    net.onRaw = (link, frame) => {
      // The first frame comes before the link has a name here.
      own ??= link;
      if (link !== own) return onRaw(link, frame);
      for (const bytes of inbox.take(frame)) this.heard.push(decode(bytes));
    };
    this.link = net.raw(station, isAttached);
  }

  /** Whether the node still has the connection. */
  get isOpen(): boolean {
    return this.#station.ends.has(this.link);
  }

  /** What the node said of this type, if it did. */
  one<Type extends Message["type"]>(type: Type): MessageOf<Type> | undefined {
    return this.heard.find((message): message is MessageOf<Type> =>
      message.type === type
    );
  }

  say(...messages: Message[]): void {
    this.frame(frameOf(...messages));
  }

  frame(frame: Bytes): void {
    const { link } = this;
    this.#net.event(this.#station, { type: "frame", link, frame });
  }

  /** Is let in as a leaf, where no secret is asked for. */
  greet(id: Id): void {
    this.say({
      type: "hello",
      magic: MAGIC,
      version: PROTOCOL_VERSION,
      oldest: PROTOCOL_VERSION,
      subnet: SUBNET,
      self: recordOf(id),
    });
  }

  /** Greets as a node that was dialled by `station`, or has dialled it. */
  challenge(turn: Turn = Turn.first): void {
    this.say(challengeOf(turn, new Uint8Array(32).fill(7)));
  }
}

/** The subnet that the nodes of the harness are in. */
export const SUBNET: Bytes = subnetHash("test", "");
