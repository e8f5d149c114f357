/**
 * An extension for tests of the mesh.
 *
 * @module
 */
import type { Bytes } from "../../src/base/bytes.ts";
import type { Id } from "../../src/id/id.ts";
import type { Context } from "../../src/mesh/context.ts";
import type { Extension, Peers, RingView } from "../../src/mesh/peers.ts";
import type { Message } from "../../src/wire/messages.ts";

/** Something that records what the mesh tells its extension. */
export class Recorder implements Extension<never> {
  readonly peers: Peers;
  readonly messages: { message: Message; from: Id }[] = [];
  readonly casts: { payload: Bytes; origin: Id }[] = [];
  readonly rings: { before: RingView; after: RingView }[] = [];
  readonly returned: Id[] = [];
  /** Answers a message; by default not at all. */
  onAsked: (message: Message, from: Id) => void = () => {};

  constructor(_context: Context, peers: Peers) {
    this.peers = peers;
  }

  onMessage(message: Message, from: Id): void {
    this.messages.push({ message, from });
    this.onAsked(message, from);
  }
  onCast(payload: Bytes, origin: Id): void {
    this.casts.push({ payload, origin });
  }
  onRing(before: RingView, after: RingView): void {
    this.rings.push({ before, after });
  }
  onPresence(): void {}
  onReturn(id: Id): void {
    this.returned.push(id);
  }
  onCall(): void {}
  onCancel(): void {}
  onClose(): void {}
}
