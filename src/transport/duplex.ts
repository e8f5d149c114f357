/**
 * A pair of WHATWG streams as a channel: the way in for WebRTC, WebTransport, a
 * `MessagePort`, or anything else that can carry byte messages in order.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { FRAME_BYTES_MAX } from "../base/limits.ts";
import { CloseCode } from "../mesh/close_codes.ts";
import {
  type Channel,
  type ChannelHandlers,
  CLOSE_WAIT_MS,
  CODE_ABNORMAL,
} from "./channel.ts";

/**
 * Byte messages in both directions. Each chunk is one whole message, kept whole
 * and in order; a message that cannot be delivered ends the streams.
 */
export interface Duplex {
  /** What the peer sends; its end is the end of the connection. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the peer is sent; `desiredSize` says when to pause. */
  readonly writable: WritableStream<Uint8Array>;
}

/** A pair of streams as a channel; takes their locks. */
export class DuplexChannel implements Channel {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #clock: Clock;
  #handlers: ChannelHandlers | undefined;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #ended = false;
  #awaitsDrain = false;
  /** Goes on with reading, while it is paused. */
  #goOn: (() => void) | undefined;
  #pause: Promise<void> | undefined;
  #closeTimer: unknown;

  /** @throws {TypeError} If one of the streams is none, or is locked */
  constructor(duplex: Duplex, clock: Clock) {
    checkDuplex(duplex);
    this.#reader = duplex.readable.getReader();
    this.#writer = duplex.writable.getWriter();
    this.#clock = clock;
  }

  readonly isAttached = true;

  /** Long frames cost a stream no more than short ones. */
  readonly fillBytes = undefined;

  readonly spareBytes = 0;

  get hasRoom(): boolean {
    // `null` is a broken stream: it takes what it is given, to no effect.
    const hasRoom = (this.#writer.desiredSize ?? 1) > 0;
    if (!hasRoom) this.#watchDrain();
    return hasRoom;
  }

  start(handlers: ChannelHandlers): void {
    this.#handlers = handlers;
    queueMicrotask(() => {
      if (this.#closing === undefined && !this.#ended) handlers.onOpen();
    });
    this.#writer.closed.catch((error) => this.#end(CODE_ABNORMAL, error));
    this.#receive().then(
      () => this.#end(CloseCode.normal, "the peer ended the stream"),
      (error) => this.#end(CODE_ABNORMAL, error),
    );
  }

  send(frame: Bytes): void {
    if (this.#closing !== undefined || this.#ended) return;
    // Whoever reads the stream may give the array away, with all that is in it.
    const own = frame.slice();
    // A failure also rejects `closed`, where it is dealt with.
    this.#writer.write(own).catch(() => {});
  }

  pause(): void {
    this.#pause ??= new Promise((resolve) => this.#goOn = resolve);
  }

  resume(): void {
    this.#goOn?.();
    this.#pause = undefined;
  }

  close(code: number, reason: string): void {
    if (this.#closing !== undefined || this.#ended) return;
    this.#closing = { code, reason };
    this.resume();
    this.#closeTimer = this.#clock.setTimer(
      () => this.#end(code, reason),
      CLOSE_WAIT_MS,
    );
    const end = () => this.#end(code, reason);
    this.#writer.close().then(end, end);
  }

  async #receive(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done || this.#ended) return;
      if (this.#closing !== undefined) continue;
      if (!(value instanceof Uint8Array)) {
        this.close(CloseCode.protocol, "only byte arrays are frames");
      } else if (value.length > FRAME_BYTES_MAX) {
        this.close(
          CloseCode.protocol,
          `a frame has ${FRAME_BYTES_MAX} bytes at most`,
        );
      } else {
        // Whoever made the chunk may use its memory again.
        this.#handlers!.onFrame(value.slice());
        if (this.#pause !== undefined) await this.#pause;
      }
    }
  }

  #watchDrain(): void {
    if (this.#awaitsDrain || this.#ended) return;
    this.#awaitsDrain = true;
    this.#writer.ready.then(() => {
      this.#awaitsDrain = false;
      if (!this.#ended) this.#handlers?.onDrain();
    }, () => {});
  }

  #end(code: number, reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.resume();
    if (this.#closeTimer !== undefined) {
      this.#clock.clearTimer(this.#closeTimer);
    }
    const told = this.#closing ?? { code, reason: wordsOf(reason) };
    // Both are no-ops on a stream that has ended by itself.
    this.#reader.cancel(told.reason).catch(() => {});
    this.#writer.abort(told.reason).catch(() => {});
    this.#handlers?.onClose(told.code, told.reason);
  }
}

/**
 * Two duplexes, each of which receives what the other sends: two nodes in one
 * process, or a stand-in for a network in a test.
 *
 * @param queueBytes how much may wait in each direction before writing pauses
 *
 * @example Send a message through the pair
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { memoryPair } from "@chord/dict";
 *
 * const [left, right] = memoryPair();
 * const writer = left.writable.getWriter();
 * const reader = right.readable.getReader();
 * writer.write(Uint8Array.of(1, 2, 3));
 * assertEquals((await reader.read()).value, Uint8Array.of(1, 2, 3));
 * await Promise.all([writer.close(), reader.read()]);
 * ```
 */
export function memoryPair(queueBytes: number = 64 * 1024): [Duplex, Duplex] {
  const one = byteQueue(queueBytes);
  const other = byteQueue(queueBytes);
  return [
    { readable: one.readable, writable: other.writable },
    { readable: other.readable, writable: one.writable },
  ];
}

function byteQueue(
  highWaterMark: number,
): TransformStream<Uint8Array, Uint8Array> {
  const size = (chunk?: Uint8Array) => chunk?.byteLength ?? 0;
  return new TransformStream<Uint8Array, Uint8Array>(
    {},
    { highWaterMark, size },
    { highWaterMark: 0, size },
  );
}

function checkDuplex(duplex: Duplex): void {
  const { readable, writable } = duplex ?? {};
  if (
    !(readable instanceof ReadableStream) ||
    !(writable instanceof WritableStream)
  ) {
    throw new TypeError(
      `Cannot attach something without streams: give { readable, writable }`,
    );
  }
  if (readable.locked || writable.locked) {
    throw new TypeError(
      `Cannot attach a duplex in use: a stream of it is locked; release its ` +
        `reader or writer, or give another one`,
    );
  }
}

function wordsOf(reason: unknown): string {
  if (reason instanceof Error) return reason.message;
  return reason === undefined ? "" : String(reason);
}
