/**
 * What applications send each other over the mesh.
 *
 * @module
 */
import type { MeshConnection } from "./views.ts";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { BROADCAST_BYTES_MAX, PACKETS_MAX } from "../../base/limits.ts";
import {
  type Letter,
  PacketKind,
  type PacketRecord,
} from "../../wire/messages.ts";

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

/** Sizes, ids and times of a letter around its packets. */
const LETTER_OVERHEAD_BYTES = 64;
const PACKET_OVERHEAD_BYTES = 8;

/**
 * @throws {TypeError} If `packets` is no array of packets
 * @throws {RangeError} If they are too many or too long for one message
 */
export function encodePackets(packets: readonly Packet[]): PacketRecord[] {
  if (!Array.isArray(packets)) {
    throw new TypeError(
      `Cannot send packets of type ${typeof packets}: give an array of ` +
        `strings, Uint8Arrays or JSON values`,
    );
  }
  if (packets.length > PACKETS_MAX) {
    throw new RangeError(
      `Cannot send ${packets.length} packets: a message has ${PACKETS_MAX} ` +
        `at most`,
    );
  }
  const records = packets.map(encodePacket);
  let length = LETTER_OVERHEAD_BYTES;
  for (const { bytes } of records) {
    length += bytes.length + PACKET_OVERHEAD_BYTES;
  }
  if (length > BROADCAST_BYTES_MAX) {
    throw new RangeError(
      `Cannot send a message of ${length} bytes: at most ` +
        `${BROADCAST_BYTES_MAX} are allowed; split it`,
    );
  }
  return records;
}

function encodePacket(packet: Packet): PacketRecord {
  if (typeof packet === "string") {
    return { kind: PacketKind.text, bytes: utf8(packet) };
  }
  if (packet instanceof Uint8Array) {
    return { kind: PacketKind.bytes, bytes: packet.slice() };
  }
  const encoded = JSON.stringify(packet);
  if (encoded === undefined) {
    throw new TypeError(
      `Cannot send a packet of type ${typeof packet}: give a string, a ` +
        `Uint8Array or a JSON value`,
    );
  }
  return { kind: PacketKind.json, bytes: utf8(encoded) };
}

function decodePacket({ kind, bytes }: PacketRecord): Packet {
  switch (kind) {
    case PacketKind.text:
      return fromUtf8(bytes);
    case PacketKind.json:
      return JSON.parse(fromUtf8(bytes));
    default:
      return bytes.slice();
  }
}

/** Bytes that a letter's packets take. */
export function sizeOf(letter: Letter): number {
  let length = 0;
  for (const { bytes } of letter.packets) length += bytes.length;
  return length;
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

  /**
   * @throws {Error} If a packet is not what it says it is
   * @ignore
   */
  constructor(
    letter: Letter,
    sender: string,
    reply: (packets: readonly Packet[]) => Promise<void>,
  ) {
    this.packets = letter.packets.map(decodePacket);
    this.sender = sender;
    this.time = letter.time;
    this.id = letter.id;
    this.inReplyTo = letter.inReplyTo;
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
