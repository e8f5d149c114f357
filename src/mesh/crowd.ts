/**
 * Which links have more to send than should wait.
 *
 * @module
 */
import { LINK_CROWDED_BYTES } from "../base/limits.ts";
import type { Context } from "./context.ts";
import type { Link } from "./link.ts";

/** Counts the crowded links; each knows itself whether it is one. */
export class Crowd {
  readonly #context: Context;
  readonly #onRoom: () => void;
  #size = 0;

  /** @param onRoom the last crowded link has room again, or is gone */
  constructor(context: Context, onRoom: () => void) {
    this.#context = context;
    this.#onRoom = onRoom;
  }

  get size(): number {
    return this.#size;
  }

  /** Something was queued, or has left. */
  update(link: Link): void {
    const isCrowded = link.outbox.bytes > LINK_CROWDED_BYTES;
    if (!isCrowded) return this.drop(link);
    if (!link.isCrowded) this.#size++;
    link.isCrowded = true;
  }

  /** It has room, or is gone. */
  drop(link: Link): void {
    if (!link.isCrowded) return;
    link.isCrowded = false;
    if (--this.#size > 0) return;
    // A driver pulls outside of any step: what waited goes in the next one.
    const { timers, nowMs } = this.#context;
    timers.at(nowMs, this.#onRoom);
  }
}
