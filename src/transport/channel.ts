/**
 * What a driver needs of a transport: frames in order, an idea of how much
 * waits, and one end that is told exactly once.
 *
 * Callbacks and not streams: a stream costs up to a microsecond for each frame
 * and hop, and a frame would make three of them. Streams are for the public
 * edge, where `duplex.ts` turns them into a channel.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { REASON_BYTES_MAX } from "../base/limits.ts";

/** What happens to a channel. Nothing is told after `onClose`. */
export interface ChannelHandlers {
  /** Frames may be sent from now on; never told from within `start`. */
  onOpen(): void;
  /** One frame came in; it belongs to the handler. */
  onFrame(frame: Bytes): void;
  /** There is room again, after `hasRoom` was false. */
  onDrain(): void;
  /** The end, whoever made it; 1006 when nobody said good-bye. */
  onClose(code: number, reason: string): void;
}

/** One connection to one peer, whatever carries it. */
export interface Channel {
  /** Whether neither side dialled, as far as this one knows. */
  readonly isAttached: boolean;
  /** Whether so little waits that another frame should be sent. */
  readonly hasRoom: boolean;
  /** Up to how many bytes messages should share a frame; `undefined`: any. */
  readonly fillBytes: number | undefined;
  /** How many bytes a frame that is sent has before it, for the channel. */
  readonly spareBytes: number;
  /** Begins; called once, before anything else. */
  start(handlers: ChannelHandlers): void;
  /** Sends one frame; dropped when the channel is closing. */
  send(frame: Bytes): void;
  /**
   * Tells of no frame until `resume`, or the end. A sender that cannot be stopped
   * is cut off with 4007 when more than `PAUSED_BYTES_MAX` of its bytes wait.
   */
  pause(): void;
  /** Tells of frames again, but not from within this call. */
  resume(): void;
  /**
   * Sends what waits, then ends the channel. `onClose` follows, never from
   * within this call, and soon even if the peer does not react.
   */
  close(code: number, reason: string): void;
}

/** What a WebSocket reports when it ended without a close frame. */
export const CODE_ABNORMAL = 1006;

/** How long a peer may take to answer a close, in milliseconds. */
export const CLOSE_WAIT_MS = 2_000;

const encoder = new TextEncoder();

/** The longest beginning of `reason` that a close frame can hold. */
export function fitReason(reason: string): string {
  if (reason.length * 3 <= REASON_BYTES_MAX) return reason;
  // `encodeInto` stops before the first character that does not fit whole.
  const { read } = encoder.encodeInto(reason, new Uint8Array(REASON_BYTES_MAX));
  return reason.slice(0, read);
}
