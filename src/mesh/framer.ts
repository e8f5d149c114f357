/**
 * Messages to frames and back, for one link.
 *
 * A frame is one or more items; an item is its size (of all that follows in
 * it), a tag, and a message or a piece of one. The tag's two low bits are the
 * lane, bit 2 says that more pieces follow, all other bits are 0. Whatever
 * waits when the transport has room leaves together: one frame that carries 64
 * messages costs a tenth of 64 frames. When little waits, frames are small.
 *
 * @module
 */
import {
  type Bytes,
  concatBytes,
  lengthOf,
  type Parts,
} from "../base/bytes.ts";
import { ProtocolError } from "../base/errors.ts";
import {
  FRAME_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PIECE_BYTES_MAX,
} from "../base/limits.ts";
import { Lane } from "../wire/messages.ts";
import { Reader } from "../wire/reader.ts";
import { Writer } from "../wire/writer.ts";
import { Queue } from "./queue.ts";

const LANES = 3;
const LANE_BITS = 3;
const MORE_BIT = 4;
/** Tag and the longest size of an item. */
const ITEM_OVERHEAD_BYTES = 4;

/** What leaves next: a whole message or a piece of one. */
interface Item {
  readonly tag: number;
  readonly length: number;
  readonly parts: Parts;
}

/** A message that waits. */
interface Waiting {
  readonly length: number;
  readonly parts: Parts;
}

/** How a transport wants its frames. */
export interface Framing {
  /** A frame of more than one item is no longer than this. */
  readonly fillBytes?: number | undefined;
  /** Zeros before the frame, for the transport itself. */
  readonly spareBytes?: number;
}

/** The lanes of what waits to be sent on one link. */
export class Outbox {
  readonly #lanes: readonly Queue<Waiting>[] = [
    new Queue(),
    new Queue(),
    new Queue(),
  ];
  /** Bytes of each lane's oldest message that left in pieces already. */
  readonly #sent: number[] = [0, 0, 0];
  #bytes = 0;
  #messages = 0;
  #last: Parts | undefined;
  /** Bulk found no room in the last frame, so it goes first in the next. */
  #didBulkWait = false;

  /** Bytes of messages that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#messages === 0 && this.#last === undefined;
  }

  push(lane: Lane, parts: Parts): void {
    const length = lengthOf(parts);
    this.#lanes[lane]!.push({ length, parts });
    this.#bytes += length;
    this.#messages++;
  }

  /** Something to say when all that waits has left: the good-bye. */
  finish(message: Parts): void {
    this.#last = message;
  }

  /** Gives up what waits. */
  clear(): void {
    for (const queue of this.#lanes) while (queue.shift() !== undefined);
    this.#sent.fill(0);
    this.#bytes = 0;
    this.#messages = 0;
  }

  /**
   * The next frame, or `undefined` when nothing waits.
   */
  pull(
    { fillBytes = FRAME_BYTES_MAX, spareBytes = 0 }: Framing = {},
  ): Bytes | undefined {
    if (this.#messages === 0) {
      const parts = this.#last;
      if (parts === undefined) return undefined;
      this.#last = undefined;
      const length = lengthOf(parts);
      return toFrame([{ tag: Lane.control, length, parts }], spareBytes);
    }
    const only = this.#messages === 1 ? this.#takeOnly(spareBytes) : undefined;
    if (only !== undefined) return only;
    const items: Item[] = [];
    let room = fillBytes;
    room = this.#gather(items, Lane.control, room);
    if (this.#didBulkWait) room = this.#gather(items, Lane.bulk, room, 1);
    room = this.#gather(items, Lane.operations, room);
    const before = items.length;
    this.#gather(items, Lane.bulk, room);
    this.#didBulkWait = !this.#didBulkWait && items.length === before &&
      this.#lanes[Lane.bulk]!.length > 0;
    return toFrame(items, spareBytes);
  }

  /** The frame of the only message that waits, if that fits one item. */
  #takeOnly(spareBytes: number): Bytes | undefined {
    let lane = 0;
    while (this.#lanes[lane]!.length === 0) lane++;
    const { length, parts } = this.#lanes[lane]!.peek()!;
    if (length > PIECE_BYTES_MAX || this.#sent[lane]! > 0) return undefined;
    this.#lanes[lane]!.shift();
    this.#bytes = this.#messages = 0;
    this.#didBulkWait = false;
    begin(length + ITEM_OVERHEAD_BYTES, spareBytes);
    writeItem(lane, length, parts);
    return writer.take();
  }

  /** Moves what fits of one lane to `items`; gives the room that is left. */
  #gather(items: Item[], lane: Lane, room: number, limit = Infinity): number {
    const queue = this.#lanes[lane]!;
    for (let taken = 0; taken < limit; taken++) {
      const message = queue.peek();
      if (message === undefined) break;
      const start = this.#sent[lane]!;
      const isLast = message.length - start <= PIECE_BYTES_MAX;
      const end = isLast ? message.length : start + PIECE_BYTES_MAX;
      const isTooLong = end - start + ITEM_OVERHEAD_BYTES > room;
      if (isTooLong && items.length > 0) break;
      room -= end - start + ITEM_OVERHEAD_BYTES;
      const parts = start === 0 && isLast
        ? message.parts
        : cut(message.parts, start, end);
      const tag = isLast ? lane : lane | MORE_BIT;
      items.push({ tag, length: end - start, parts });
      this.#bytes -= end - start;
      this.#sent[lane] = isLast ? 0 : end;
      if (!isLast) continue;
      queue.shift();
      this.#messages--;
    }
    return room;
  }
}

/** The bytes from `start` to `end` of a message. */
function cut(parts: Parts, start: number, end: number): Parts {
  const found: Bytes[] = [];
  let at = 0;
  for (const part of parts) {
    const from = Math.max(0, start - at);
    const to = Math.min(part.length, end - at);
    if (from < to) found.push(part.subarray(from, to));
    at += part.length;
  }
  return found;
}

/**
 * Frames are gone sooner than messages, so more of them share an array: to make
 * one costs about as much as to fill it. A transport that keeps one small frame
 * keeps so many bytes alive, so it must not be much more.
 */
const SLAB_BYTES = 16 * 1024;

/** All frames of all links, one after the other. */
const writer = new Writer(SLAB_BYTES);

function toFrame(items: readonly Item[], spareBytes: number): Bytes {
  let total = 0;
  for (const { length } of items) total += length + ITEM_OVERHEAD_BYTES;
  begin(total, spareBytes);
  for (const { tag, length, parts } of items) writeItem(tag, length, parts);
  return writer.take();
}

function begin(bytes: number, spareBytes: number): void {
  writer.reserve(spareBytes + bytes);
  for (let i = 0; i < spareBytes; i++) writer.u8(0);
}

function writeItem(tag: number, length: number, parts: Parts): void {
  writer.size(length + 1);
  writer.u8(tag);
  for (const part of parts) writer.copy(part);
}

/** The messages of the frames that come in on one link. */
export class Inbox {
  /** Pieces of the one message per lane that is not whole yet. */
  readonly #pieces: Bytes[][] = [[], [], []];
  readonly #pieceBytes: number[] = [0, 0, 0];

  /**
   * The messages that `frame` makes whole, in order.
   *
   * @throws {ProtocolError} If the frame is malformed or too long
   */
  take(frame: Bytes): Bytes[] {
    return this.read(frame).map((reader) => reader.rest);
  }

  /** The same messages, each as what reads it. */
  read(frame: Bytes): Reader[] {
    if (frame.length === 0 || frame.length > FRAME_BYTES_MAX) {
      throw new ProtocolError(
        `Cannot read a frame of ${frame.length} bytes: 1 to ` +
          `${FRAME_BYTES_MAX} are allowed`,
      );
    }
    const reader = new Reader(frame);
    const messages: Reader[] = [];
    while (reader.left > 0) {
      const size = reader.size(PIECE_BYTES_MAX + 1, "an item");
      const tag = reader.u8();
      const lane = tag & LANE_BITS;
      if (size < 2 || lane >= LANES || tag > (LANE_BITS | MORE_BIT)) {
        throw new ProtocolError(
          `Cannot read an item of ${size} bytes with the tag ${tag}: it is ` +
            `empty or its tag is unknown`,
        );
      }
      // What is left is the last item: the same reader will do for it.
      const isLast = reader.left === size - 1;
      const part = isLast ? reader : reader.part(size - 1);
      const whole = this.#add(lane, (tag & MORE_BIT) !== 0, part);
      if (whole !== undefined) messages.push(whole);
      if (isLast) break;
    }
    return messages;
  }

  #add(lane: number, hasMore: boolean, part: Reader): Reader | undefined {
    const pieces = this.#pieces[lane]!;
    if (pieces.length === 0 && !hasMore) return part;
    const bytes = part.rest;
    // Small pieces would let a peer take far more memory than it sends.
    if (hasMore && bytes.length !== PIECE_BYTES_MAX) {
      throw new ProtocolError(
        `Cannot read a piece of ${bytes.length} bytes: every piece but the ` +
          `last has ${PIECE_BYTES_MAX}`,
      );
    }
    const total = this.#pieceBytes[lane]! + bytes.length;
    if (total > MESSAGE_BYTES_MAX) {
      throw new ProtocolError(
        `Cannot read a message of ${total} or more bytes: at most ` +
          `${MESSAGE_BYTES_MAX} are allowed`,
      );
    }
    pieces.push(bytes);
    this.#pieceBytes[lane] = hasMore ? total : 0;
    if (hasMore) return undefined;
    this.#pieces[lane] = [];
    return new Reader(concatBytes(pieces));
  }
}
