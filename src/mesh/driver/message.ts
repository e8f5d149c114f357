/**
 * What applications send each other over the mesh.
 *
 * @module
 */
import type { MeshConnection } from "./views.ts";

/** What JSON can tell. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/** One part of a message; arrives as what it was. */
export type Packet = string | Uint8Array | Json;

/** What a message says besides its packets. */
export interface MessageHeader {
  readonly sender: string;
  readonly time: number;
  readonly id: string;
  readonly inReplyTo: string | undefined;
}

/** A message that another node sent. */
export class Message {
  /** What was sent, each packet as what it was. */
  readonly packets: readonly Packet[];
  /** The id of the node that sent it. */
  readonly sender: string;
  /** When it was sent, by the sender's clock, in ms since 1970. */
  readonly time: number;
  /** Names the message; the same wherever it arrives. */
  readonly id: string;
  /** The id of the message that this one answers. */
  readonly inReplyTo: string | undefined;
  readonly #reply: (packets: readonly Packet[]) => Promise<void>;

  /** @ignore */
  constructor(
    header: MessageHeader,
    packets: readonly Packet[],
    reply: (packets: readonly Packet[]) => Promise<void>,
  ) {
    this.packets = packets;
    this.sender = header.sender;
    this.time = header.time;
    this.id = header.id;
    this.inReplyTo = header.inReplyTo;
    this.#reply = reply;
  }

  /**
   * Answers the sender alone, whether it is a neighbour or not.
   *
   * @returns once the answer is on its way
   * @throws {TypeError} If `packets` is no array of packets
   * @throws {RangeError} If they are too long for one message
   * @throws {NoPeerError} If no way leads to the sender any more
   */
  reply(packets: readonly Packet[]): Promise<void> {
    return this.#reply(packets);
  }
}

/**
 * Sees a message before it is queued; `true`: it needs no queue. The connection
 * is that of the sender, if there is one.
 */
export type MessageHandler = (
  message: Message,
  connection: MeshConnection | undefined,
) => boolean | void;
