/**
 * Packets of an application as they travel.
 *
 * @module
 */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { BROADCAST_BYTES_MAX, PACKETS_MAX } from "../../base/limits.ts";
import {
  type Letter,
  PacketKind,
  type PacketRecord,
} from "../../wire/messages.ts";
import type { Packet } from "./message.ts";

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
    if (!packet.isWellFormed()) {
      throw new TypeError(
        "Cannot send a string with half a surrogate pair: give well-formed " +
          "text, or bytes",
      );
    }
    return { kind: PacketKind.text, bytes: utf8(packet) };
  }
  if (packet instanceof Uint8Array) {
    return { kind: PacketKind.bytes, bytes: packet.slice() };
  }
  return { kind: PacketKind.json, bytes: utf8(encodeJson(packet)) };
}

/** JSON has no NaN and no bytes: they would arrive as something else. */
function encodeJson(packet: unknown): string {
  let encoded: string | undefined;
  let cause: unknown;
  try {
    encoded = JSON.stringify(packet, (_, value) => {
      if (typeof value === "number" && !Number.isFinite(value)) {
        throw new TypeError(`Cannot tell ${value} as JSON`);
      }
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
        throw new TypeError("Cannot tell bytes as JSON");
      }
      return value;
    });
  } catch (error) {
    cause = error;
  }
  if (encoded !== undefined) return encoded;
  const why = cause === undefined
    ? "it has no JSON form"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  throw new TypeError(
    `Cannot send a packet of type ${typeof packet} (${why}): give a string, ` +
      `a Uint8Array or a JSON value`,
    { cause },
  );
}

/** @throws {Error} If a packet is not what it says it is */
export function decodePacket({ kind, bytes }: PacketRecord): Packet {
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
