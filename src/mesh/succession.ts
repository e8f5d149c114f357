/**
 * Which of several links to one peer is used, and how the others end.
 *
 * The newest link is the one that this node sends on: it has just proved to work
 * both ways, which an older one may no longer do. Of a pair the node with the
 * smaller id says `retire` on each older link and sends nothing on it any more;
 * the other one then moves to the link that is left, lets what it had queued go
 * out, and closes the retired one. So nothing is lost, and since only one side
 * decides, crossed dials need no rule that both would have to apply to the same
 * links at the same time.
 *
 * @module
 */
import { FLUSH_CHECK_MS } from "../base/limits.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "./context.ts";
import type { Link } from "./link.ts";

/** The links that this works on. */
export interface SuccessionHandlers {
  self(): Id;
  /** The open links to a peer, oldest first. */
  linksTo(peer: Id): readonly Link[];
  /** The link that is sent on. */
  used(peer: Id): Link | undefined;
  use(link: Link): void;
  /** Says on `link` that nothing more comes on it. */
  retire(link: Link): void;
  /** Ends a link that another one stands in for. */
  drop(link: Link): void;
}

/** The order in which links to one peer follow each other. */
export class Succession {
  readonly #context: Context;
  readonly #handlers: SuccessionHandlers;

  constructor(context: Context, handlers: SuccessionHandlers) {
    this.#context = context;
    this.#handlers = handlers;
  }

  /** Retires the older links of a peer in favour of `link`. */
  takeOver(link: Link): void {
    const older = this.#handlers.linksTo(link.peer).filter((other) =>
      other !== link
    );
    const { linksPerNodeMax } = this.#context.options.limits;
    const extra = Math.max(0, 1 + older.length - linksPerNodeMax);
    for (const other of older.slice(0, extra)) this.#handlers.drop(other);
    const decides = this.#handlers.self() < link.peer;
    for (const other of older) {
      if (other.state !== "open") continue;
      if (other.isRetired) {
        if (!decides) this.#flush(other);
        continue;
      }
      if (decides) {
        other.isRetired = true;
        this.#retire(other);
      } else this.#dropUnlessUsed(other);
    }
  }

  /** Says `retire` when all that waits has left: the lanes keep no order. */
  #retire(link: Link): void {
    if (link.state !== "open") return;
    if (link.outbox.isEmpty) {
      this.#handlers.retire(link);
      return this.#dropUnlessUsed(link);
    }
    this.#context.timers.cancel(link.deadline);
    link.deadline = this.#context.timers.at(
      this.#context.nowMs + FLUSH_CHECK_MS,
      () => this.#retire(link),
    );
  }

  /** The other side says or does its part soon, or this link is broken. */
  #dropUnlessUsed(link: Link): void {
    const { handshakeMs } = this.#context.options.timings;
    this.#context.timers.cancel(link.deadline);
    link.deadline = this.#context.timers.at(
      this.#context.nowMs + handshakeMs,
      () => {
        if (this.#handlers.used(link.peer) !== link) this.#handlers.drop(link);
      },
    );
  }

  /** The peer sends nothing more here: moves to another link, then closes. */
  onRetire(link: Link): void {
    if (link.isRetired) return;
    const other = this.#handlers.linksTo(link.peer)
      .findLast((candidate) => candidate !== link && !candidate.isRetired);
    link.isRetired = true;
    // The link that took over may still be on its way through the handshake.
    if (other === undefined) return;
    if (this.#handlers.used(link.peer) === link) {
      this.#handlers.use(other);
    }
    this.#flush(link);
  }

  /** Closes a retired link once the driver has pulled all that waits in it. */
  #flush(link: Link): void {
    this.#context.timers.cancel(link.deadline);
    if (link.outbox.isEmpty) return this.#handlers.drop(link);
    link.deadline = this.#context.timers.at(
      this.#context.nowMs + FLUSH_CHECK_MS,
      () => this.#flush(link),
    );
  }
}
