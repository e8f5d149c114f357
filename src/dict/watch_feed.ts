/**
 * One arc of a watch: who tells of its changes, and what is known there.
 *
 * @module
 */
import type { Id } from "../id/id.ts";
import type { MessageOf } from "../wire/messages.ts";
import type { Segment } from "./holders.ts";
import { type Arc, mixInto, toId } from "./table.ts";
import type { Standing } from "./watch_match.ts";

/** The last batch that came, and what it is answered with. */
interface Received {
  readonly from: Id;
  readonly ack: MessageOf<"watchAck">;
}

/** One arc; `Watch` decides, this remembers. */
export class Feed {
  /** Names it to the holders. */
  readonly number: number;
  readonly arc: Arc;
  /** In the order of the ring. */
  holders: readonly Id[];
  /** Who tells of changes now. */
  holder: Id | undefined;
  /** Who was asked to, and has not answered. */
  asked: Id | undefined;
  /** The place of the asked one among the holders. */
  at = 0;
  /** Counts the questions: a late answer is none. */
  round = 0;
  /** When to ask again, or to ask the next one. */
  dueMs = 0;
  /** Whether all that was there was once compared. */
  isSynced = false;
  /** Who has listed all that it holds, deletions too, and told last. */
  listedBy: Id | undefined;
  received: Received | undefined;
  /** Whether the holder waits for its answer because there is no room. */
  isHeld = false;
  /** The keys that the list which is coming has confirmed. */
  listed: Set<Id> | undefined;
  #count = 0;
  readonly #digest = new Int32Array(4);

  constructor(number: number, { after, through, holders }: Segment) {
    this.number = number;
    this.arc = { after, through };
    this.holders = holders;
  }

  /** What two ends of a feed compare. */
  get known(): { readonly count: number; readonly digest: Id } {
    return { count: this.#count, digest: toId(this.#digest) };
  }

  /** Takes in how a key stands now, and how it stood. */
  note(id: Id, before: Standing | undefined, after: Standing): void {
    if (before?.live === true) this.#mix(id, before, -1);
    if (after.live) this.#mix(id, after, 1);
  }

  #mix(id: Id, { version }: Standing, sign: 1 | -1): void {
    this.#count += sign;
    mixInto(this.#digest, { id, version });
  }
}
