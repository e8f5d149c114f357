/**
 * The dict as an extension of the mesh.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { CallNumber } from "../mesh/events.ts";
import type { Extension, Peers, RingView } from "../mesh/peers.ts";
import type { Message, Version } from "../wire/messages.ts";
import type { DictOperation } from "./operations.ts";

/** What a checker wants to know of one copy. */
export interface CopyView {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
  readonly version: Version;
}

/** Numbers that show how the dict's part of a node is doing. */
export interface DictStats {
  /** Copies held, tombstones not counted. */
  readonly entries: number;
  readonly tombstones: number;
  /** Keys and values of the copies held. */
  readonly bytes: number;
  readonly callsWaiting: number;
}

export class Dict implements Extension<DictOperation> {
  constructor(_context: Context, _peers: Peers) {
  }

  /** Whether every local range has its copies: what `settled()` waits for. */
  get isSettled(): boolean {
    throw new Error("not built yet");
  }

  get stats(): DictStats {
    throw new Error("not built yet");
  }

  /** The copy of a key that is held here, if any. */
  copyOf(_id: Id): CopyView | undefined {
    throw new Error("not built yet");
  }

  /** All copies that are held here, tombstones included. */
  copies(): Iterable<CopyView> {
    throw new Error("not built yet");
  }

  onMessage(_message: Message, _from: Id): void {
  }
  onCast(_payload: Bytes, _origin: Id): void {
  }
  onCastLost(_origin: Id): void {
  }
  onRing(_before: RingView, _after: RingView): void {
  }
  onReturn(_id: Id): void {
  }
  onCall(_call: CallNumber, _operation: DictOperation): void {
  }
  onCancel(_call: CallNumber): void {
  }
  onClose(): void {
  }
}
