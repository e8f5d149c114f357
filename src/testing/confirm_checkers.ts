/**
 * Who may say that it has a copy which somebody else wants to drop.
 *
 * That a node with a copy confirms which is no holder need not lose anything
 * for thousands of runs: it takes two views of the ring that differ for long,
 * and failures just then. So the answers themselves are judged, as they leave.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { Inbox } from "../mesh/framer.ts";
import { decode, encode } from "../wire/codec.ts";
import { Held, type Message, type MessageOf } from "../wire/messages.ts";
import type { Finding } from "./checkers.ts";
import type { Endpoint } from "./link.ts";
import { holdingOf } from "./truth.ts";

/** What one node was asked, and of which keys it was a holder then. */
interface Asked {
  readonly message: MessageOf<"confirm">;
  readonly held: readonly boolean[];
}

/** The first byte of a message says of which kind it is. */
const KIND_OF_CONFIRM = encode({ type: "confirm", request: 0, items: [] })[0]!;
const KIND_OF_CONFIRMED = encode({
  type: "confirmed",
  request: 0,
  held: [],
})[0]!;

/** The questions that nodes have been asked, and how they answered. */
export class Confirmations {
  readonly #replicas: number;
  readonly #asked = new Map<string, Asked>();

  constructor(replicas: number) {
    this.#replicas = replicas;
  }

  /** A node is about to take a frame. */
  onHeard({ owner, other }: Endpoint, frame: Bytes): void {
    for (const message of messagesIn(frame, KIND_OF_CONFIRM)) {
      if (message.type !== "confirm") continue;
      const isHolder = holdingOf(owner, this.#replicas);
      const held = message.items.map(({ id }) => isHolder(id));
      const name = `${other.owner.name} ${owner.name} ${message.request}`;
      this.#asked.set(name, { message, held });
    }
  }

  /** Who confirms is a holder by its own view, or was before this step. */
  confirmersHold({ owner, other }: Endpoint, frame: Bytes): Finding {
    for (const message of messagesIn(frame, KIND_OF_CONFIRMED)) {
      if (message.type !== "confirmed") continue;
      const name = `${other.owner.name} ${owner.name} ${message.request}`;
      const asked = this.#asked.get(name);
      this.#asked.delete(name);
      for (const [i, { id }] of asked?.message.items.entries() ?? []) {
        if (message.held[i] !== Held.held || asked!.held[i]) continue;
        if (holdingOf(owner, this.#replicas)(id)) continue;
        return `${owner.name} confirms ${id.slice(0, 4)} to ` +
          `${other.owner.name}, and is no holder of it in its own view`;
      }
    }
    return undefined;
  }
}

/** The messages of a frame, if one that is not in pieces is of this kind. */
function messagesIn(frame: Bytes, kind: number): readonly Message[] {
  if (!hasKind(frame, kind)) return [];
  try {
    return new Inbox().take(frame).map((bytes) => decode(bytes));
  } catch {
    // It begins in the middle of a message.
    return [];
  }
}

/** Looks at no more than the first bytes of each item: it sees every frame. */
function hasKind(frame: Bytes, kind: number): boolean {
  let at = 0;
  while (at < frame.length) {
    let size = 0;
    let shift = 0;
    let byte;
    do {
      byte = frame[at++] ?? 0;
      size |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127 && shift < 28);
    // A tag stands between the size and the message.
    if (frame[at + 1] === kind) return true;
    at += size;
  }
  return false;
}
