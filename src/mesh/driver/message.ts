/**
 * What applications send each other over the mesh.
 *
 * @module
 */
import type { CallOptions } from "./options.ts";
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

type Reply = (
  packets: readonly Packet[],
  options: CallOptions,
) => Promise<void>;

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
  readonly #reply: Reply;

  /** @ignore */
  constructor(
    header: MessageHeader,
    packets: readonly Packet[],
    reply: Reply,
  ) {
    this.packets = packets;
    this.sender = header.sender;
    this.time = header.time;
    this.id = header.id;
    this.inReplyTo = header.inReplyTo;
    this.#reply = reply;
  }

  /**
   * Answers the sender alone, whether it is a neighbour or not, a member or a
   * leaf. An answer that is lost is sent again by another way; it arrives once.
   *
   * @returns once the sender's node has said that it has the answer. A
   * rejection need not be handled, for instance in a handler
   * @throws {TypeError} If `packets` is no array of packets
   * @throws {RangeError} If they are too long for one message
   * @throws {NoPeerError} If the sender has left or is dead
   * @throws {ConnectionError} If no way led to it in time
   * @throws {TimeoutError} If it did not confirm in time; it may have the answer
   * @throws {UnknownOutcomeError} If it died meanwhile; it may have had it
   * @throws {OverloadedError} If too many answers wait already
   */
  reply(packets: readonly Packet[], options: CallOptions = {}): Promise<void> {
    return this.#reply(packets, options);
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
