/**
 * Any WebSocket-shaped object as a channel.
 *
 * A WebSocket message is one frame, plus what the next paragraphs say. A frame
 * never begins with the bytes 0 or 1 (an item is two bytes at least), so these
 * are free for the link itself:
 *
 *     00            answer at once, a large frame follows
 *     00 <frame>    a frame; say something within a millisecond, if only 01
 *     01            an answer that says nothing
 *
 * Why: Deno writes to a WebSocket that it dialled with Nagle's algorithm on,
 * and writes the header and a payload of more than 1,024 bytes apart. A small
 * segment then waits until the one before it is acknowledged, and the peer's
 * kernel puts an acknowledgement off for 40 ms unless its program says
 * something. So who dials asks for an answer with each frame; a peer that has
 * something to say anyway, as most have, adds nothing, one that has not sends
 * one byte. That settles frames of up to 1,024 bytes. (Answering in the same
 * turn would be sooner, but every answer to a request would cost a frame more:
 * what the application asks next comes a few microtasks too late for it.)
 *
 * The header of a longer frame can be stuck with nobody there who has seen it.
 * It is sent while a one-byte message is unanswered: then header and payload
 * leave together once the answer is there. When the answer overtakes the header
 * (it does, when both ends share a core) another one is needed, and only the
 * peer can send it: it repeats its answer after a millisecond, until the frame
 * is there. Without the repetition every third frame of 1,025 to 65,000 bytes
 * took 44 ms on a busy machine, with it none took 4 ms.
 *
 * Not taken: splitting into messages of 1,024 bytes (no timer, but five times
 * the work for 60 kB), and padding up to 65,536 bytes, from where on Nagle's
 * algorithm has a whole segment on loopback (a waste on any other network). The
 * side that dials does all this unless its WebSocket says that it sends at once.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import {
  BUFFERED_BYTES_HIGH,
  FRAME_BYTES_MAX,
  PAUSED_BYTES_MAX,
} from "../base/limits.ts";
import { CloseCode } from "../mesh/close_codes.ts";
import { Queue } from "../mesh/queue.ts";
import {
  type Channel,
  type ChannelHandlers,
  CLOSE_WAIT_MS,
  CODE_ABNORMAL,
  fitReason,
} from "./channel.ts";

/** What a listener of a WebSocket is handed; the members depend on `type`. */
export interface WebSocketEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

/** The part of a WebSocket that is used here. */
export interface WebSocketLike {
  binaryType: string;
  /** Whether nothing small that is sent waits for acknowledgements. */
  readonly sendsAtOnce?: boolean;
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /** Bytes that were sent and have not left yet. */
  readonly bufferedAmount: number;
  send(data: Bytes): void;
  close(code?: number, reason?: string): void;
  /** Stops reading, and with it the sender, where the library has that. */
  pause?(): void;
  resume?(): void;
  /** Ends the connection without a word, where the library has that. */
  terminate?(): void;
  addEventListener(
    type: "open" | "message" | "error" | "close",
    // deno-lint-ignore no-explicit-any -- each library types its events its way
    listener: (event: any) => void,
  ): void;
}

/** How a WebSocket was come by. */
export interface WebSocketChannelOptions {
  /** Whether this side dialled: then it may ask for answers, see above. */
  readonly dialled: boolean;
  readonly clock: Clock;
}

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;

const ASK = 0;
const ANSWER = 1;
const ASKING: Bytes = Uint8Array.of(ASK);
const ANSWERING: Bytes = Uint8Array.of(ANSWER);

/** Larger frames are written apart from their header: 1,024 with what asks. */
const WHOLE_WRITE_BYTES_MAX = 1_023;
/** From here on a segment is full, even on loopback, and waits for nothing. */
const FULL_SEGMENT_BYTES = 65_536;
/** When an answer is given, or given again, if nothing else was said. */
const ANSWER_MS = 1;
/** How often at most an answer is given again. */
const ANSWERS_AGAIN_MAX = 8;
/** How often `bufferedAmount` is read while it is too high. */
const DRAIN_CHECK_MS = 4;

/** A WebSocket as a channel. */
export class WebSocketChannel implements Channel {
  readonly #socket: WebSocketLike;
  readonly #clock: Clock;
  readonly #asks: boolean;
  #handlers: ChannelHandlers | undefined;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #ended = false;
  #owesAnswer = false;
  /** What came while it is paused. */
  readonly #held = new Queue<Bytes>();
  #heldBytes = 0;
  #isPaused = false;
  #drainTimer: unknown;
  #closeTimer: unknown;
  #answerTimer: unknown;
  #answersLeft = 0;

  constructor(socket: WebSocketLike, options: WebSocketChannelOptions) {
    this.#socket = socket;
    this.#clock = options.clock;
    this.#asks = options.dialled && socket.sendsAtOnce !== true;
  }

  readonly isAttached = false;

  /** Frames that need nothing but an answer go out best, see above. */
  get fillBytes(): number | undefined {
    return this.#asks ? WHOLE_WRITE_BYTES_MAX : undefined;
  }

  /** For what asks. */
  get spareBytes(): number {
    return this.#asks ? 1 : 0;
  }

  get hasRoom(): boolean {
    const hasRoom = this.#socket.bufferedAmount < BUFFERED_BYTES_HIGH;
    if (!hasRoom) this.#watchDrain();
    return hasRoom;
  }

  start(handlers: ChannelHandlers): void {
    this.#handlers = handlers;
    const socket = this.#socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => this.#onMessage(event.data));
    socket.addEventListener("close", (event) => {
      // Deno says 0 of a dial that failed.
      this.#end(event.code || CODE_ABNORMAL, event.reason ?? "");
    });
    // A close event follows, except where a dial failed on some runtimes.
    socket.addEventListener("error", (event) => {
      if (socket.readyState === OPEN) return;
      queueMicrotask(() => this.#end(CODE_ABNORMAL, event.message ?? ""));
    });
    if (socket.readyState === CONNECTING) {
      socket.addEventListener("open", () => this.#onOpen());
    } else if (socket.readyState === OPEN) {
      queueMicrotask(() => this.#onOpen());
    } else {
      queueMicrotask(() => this.#end(CODE_ABNORMAL, "was closed already"));
    }
  }

  send(frame: Bytes): void {
    if (this.#closing !== undefined || this.#ended) return;
    this.#owesAnswer = false;
    if (this.#asks) {
      frame[0] = ASK;
      const isWhole = frame.length <= WHOLE_WRITE_BYTES_MAX + 1;
      if (!isWhole && frame.length <= FULL_SEGMENT_BYTES) this.#write(ASKING);
    }
    this.#write(frame);
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause?.();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume?.();
    // Whoever resumes may have something else to do first.
    queueMicrotask(() => this.#release());
  }

  close(code: number, reason: string): void {
    if (this.#closing !== undefined || this.#ended) return;
    this.#closing = { code, reason };
    // Or the answer to the close would not be read.
    this.resume();
    // A peer that never answers must not keep the link, or the process, alive.
    this.#closeTimer = this.#clock.setTimer(
      () => this.#end(code, reason),
      CLOSE_WAIT_MS,
    );
    try {
      this.#socket.close(code, fitReason(reason));
    } catch (error) {
      queueMicrotask(() => this.#end(CODE_ABNORMAL, String(error)));
    }
  }

  #onOpen(): void {
    if (this.#closing === undefined && !this.#ended) this.#handlers?.onOpen();
  }

  #write(frame: Bytes): void {
    // Between the end of a connection and the event that tells it, some
    // WebSockets throw here; the event comes, so there is nothing to tell.
    try {
      if (this.#socket.readyState === OPEN) this.#socket.send(frame);
    } catch { /* See above. */ }
  }

  #onMessage(data: unknown): void {
    if (this.#closing !== undefined || this.#ended) return;
    this.#answersLeft = 0;
    if (!(data instanceof ArrayBuffer) && !ArrayBuffer.isView(data)) {
      return this.#refuse("only binary messages are frames");
    }
    // One byte more than a frame has: the one that asks for an answer.
    if (data.byteLength > FRAME_BYTES_MAX + 1) {
      return this.#refuse(`a frame has ${FRAME_BYTES_MAX} bytes at most`);
    }
    const message = data instanceof ArrayBuffer
      ? new Uint8Array(data)
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    if (message[0] === ANSWER && message.length === 1) return;
    if (message[0] !== ASK) return this.#take(message);
    if (message.length === 1) return this.#answerNow();
    this.#owesAnswer = true;
    this.#take(message.subarray(1));
    // Set for most messages, a timer would be a third of their cost.
    if (this.#owesAnswer && !this.#ended) this.#armAnswer();
  }

  #take(frame: Bytes): void {
    if (!this.#isPaused && this.#held.length === 0) {
      return this.#handlers!.onFrame(frame);
    }
    this.#held.push(frame);
    this.#heldBytes += frame.length;
    if (this.#heldBytes <= PAUSED_BYTES_MAX) return;
    this.close(CloseCode.overloaded, "more comes than is read");
  }

  /** Tells of what came while it was paused, as far as it is not again. */
  #release(isEnd = false): void {
    while ((isEnd || !this.#isPaused) && this.#closing === undefined) {
      const frame = this.#held.shift();
      if (frame === undefined) return;
      this.#heldBytes -= frame.length;
      this.#handlers!.onFrame(frame);
    }
  }

  #answerNow(): void {
    this.#write(ANSWERING);
    this.#answersLeft = ANSWERS_AGAIN_MAX;
    this.#armAnswer();
  }

  /** One that is set already will do: a little early is no harm. */
  #armAnswer(): void {
    this.#answerTimer ??= this.#clock.setTimer(() => {
      this.#answerTimer = undefined;
      this.#answerLate();
    }, ANSWER_MS);
  }

  #answerLate(): void {
    if (this.#closing !== undefined || this.#ended) return;
    const isRepeated = this.#answersLeft > 0;
    if (isRepeated || this.#owesAnswer) this.#write(ANSWERING);
    this.#owesAnswer = false;
    if (!isRepeated) return;
    this.#answersLeft--;
    this.#armAnswer();
  }

  #refuse(reason: string): void {
    this.close(CloseCode.protocol, reason);
  }

  /** No event says that a WebSocket has room again, so look, while it has not. */
  #watchDrain(): void {
    if (this.#ended) return;
    this.#drainTimer ??= this.#clock.setTimer(() => {
      this.#drainTimer = undefined;
      if (this.hasRoom && !this.#ended) this.#handlers?.onDrain();
    }, DRAIN_CHECK_MS);
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    for (
      const timer of [this.#drainTimer, this.#closeTimer, this.#answerTimer]
    ) {
      if (timer !== undefined) this.#clock.clearTimer(timer);
    }
    if (this.#socket.readyState < CLOSED) {
      // After a close that is not answered some wait for half a minute more,
      // and their process with them.
      if (this.#closing === undefined) this.#socket.close();
      else this.#socket.terminate?.();
    }
    this.#release(true); // The end is told last.
    // What this side gave as its reason says more than the echo of it.
    const told = this.#closing ?? { code, reason };
    this.#handlers?.onClose(told.code, told.reason);
  }
}
