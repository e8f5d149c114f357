/**
 * A network that does what no transport of the product does: frames overtake
 * each other, or come twice.
 *
 * It puts whole messages to the test of being idempotent and of needing no
 * order. Pieces of a longer message stay in order, since a link that does not
 * keep them so is none; so does a handshake. What must hold all the same: no
 * machine throws or grows, every call ends, no acknowledged write is lost, and
 * all nodes agree in the end.
 *
 * @module
 */
import { fraction, type Random } from "../base/random.ts";
import type { Endpoint } from "./link.ts";

/** How often it does which. */
export interface RawOptions {
  /** The share of frames that come later than some that are sent after them. */
  readonly reorderShare: number;
  /** The share of frames that come twice. */
  readonly duplicateShare: number;
}

/** After this many frames of both sides a handshake is over. */
const HANDSHAKE_FRAMES = 8;
/** Frames longer than this may be pieces of a message. */
const FRAME_BYTES = 60_000;
/** What is overtaken, or comes twice, comes up to this much later. */
const LATE_MS_MAX = 500;

/** Decides for each frame; draws nothing while it has no options. */
export class Raw {
  options: RawOptions | undefined;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Whether it has a say in frames of this size from there. */
  isOn(from: Endpoint, bytes: number): boolean {
    return this.options !== undefined && bytes > 0 && bytes <= FRAME_BYTES &&
      Math.min(from.sent, from.other.sent) > HANDSHAKE_FRAMES;
  }

  /** By how much a frame comes late; 0: in its turn. */
  lateMs(): number {
    return this.#draw(this.options!.reorderShare);
  }

  /** After how long it comes again; 0: never. */
  againMs(): number {
    return this.#draw(this.options!.duplicateShare);
  }

  #draw(share: number): number {
    const isDrawn = fraction(this.#random) < share;
    return isDrawn ? 1 + LATE_MS_MAX * fraction(this.#random) : 0;
  }
}
