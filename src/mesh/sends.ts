/**
 * Letters to all or to the neighbours, no faster than links take them.
 *
 * While a link has much to send, letters wait, and with them whoever awaits
 * `send`. They do not wait for ever: one node that takes nothing must not stop
 * the others. After a while a letter goes out past it, and it asks for what it
 * missed, or is told that it lagged.
 *
 * @module
 */
import { ClosedError, OverloadedError } from "../base/errors.ts";
import { SENDS_BYTES_WAITING_MAX } from "../base/limits.ts";
import type { Timer } from "../base/timers.ts";
import { encodeField, encodeParts, laneOf } from "../wire/codec.ts";
import { CastKind, type Letter, letter } from "../wire/messages.ts";
import type { Broadcast } from "./broadcast.ts";
import type { Context } from "./context.ts";
import type { CallNumber } from "./events.ts";
import type { Links } from "./links.ts";
import { Queue } from "./queue.ts";

/** A letter that waits until links have room. */
interface Waiting {
  readonly call: CallNumber;
  readonly letter: Letter;
  readonly isToAll: boolean;
  readonly bytes: number;
  /** It goes out then, whoever has no room. */
  readonly deadlineMs: number;
}

/** The letters that one application sends. */
export class Sends {
  readonly #context: Context;
  readonly #links: Links;
  readonly #broadcast: Broadcast;
  readonly #waiting = new Queue<Waiting>();
  #bytes = 0;
  #timer: Timer | undefined;

  constructor(context: Context, links: Links, broadcast: Broadcast) {
    this.#context = context;
    this.#links = links;
    this.#broadcast = broadcast;
  }

  /** Letters that wait. */
  get size(): number {
    return this.#waiting.length;
  }

  begin(call: CallNumber, letter: Letter, isToAll: boolean): void {
    if (this.size === 0 && this.#links.hasRoom) {
      return this.#send(call, letter, isToAll);
    }
    let bytes = 0;
    for (const packet of letter.packets) bytes += packet.bytes.length;
    if (this.#bytes + bytes > SENDS_BYTES_WAITING_MAX) {
      return this.#context.failure(
        call,
        new OverloadedError(
          `Cannot send: messages of ${this.#bytes} bytes wait already because ` +
            `peers take them slowly; await each "send" before the next`,
        ),
      );
    }
    const { nowMs, options } = this.#context;
    const deadlineMs = nowMs + options.timings.silenceMs;
    this.#waiting.push({ call, letter, isToAll, bytes, deadlineMs });
    this.#bytes += bytes;
    this.#plan();
  }

  /** Sends what need not wait any more. */
  flush(): void {
    for (;;) {
      const next = this.#waiting.peek();
      if (next === undefined) break;
      const isDue = next.deadlineMs <= this.#context.nowMs;
      if (!isDue && !this.#links.hasRoom) break;
      this.#waiting.shift();
      this.#bytes -= next.bytes;
      this.#send(next.call, next.letter, next.isToAll);
    }
    this.#plan();
  }

  /** The node closes: what waits never left. */
  close(): void {
    this.#context.timers.cancel(this.#timer);
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#context.failure(
        next.call,
        new ClosedError(
          "Cannot send: the socket was closed meanwhile",
          "no",
        ),
      );
    }
  }

  #send(call: CallNumber, what: Letter, isToAll: boolean): void {
    if (isToAll) {
      this.#broadcast.cast(CastKind.message, encodeField(letter, what));
    } else this.#tell(what);
    this.#context.result(call, undefined);
  }

  /** To whoever is linked now, and has room. */
  #tell(what: Letter): void {
    const parts = encodeParts({ type: "note", letter: what, confirm: false });
    for (const link of [...this.#links.primaries]) {
      if (link.isCrowded) continue;
      this.#links.sendParts(link, laneOf("note"), parts);
    }
  }

  #plan(): void {
    const next = this.#waiting.peek();
    this.#context.timers.cancel(this.#timer);
    if (next === undefined) return;
    this.#timer = this.#context.timers.at(
      next.deadlineMs,
      () => this.flush(),
    );
  }
}
