/**
 * One node as one machine: links, members, broadcast, and what works on top.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Instant, Machine } from "../base/machine.ts";
import type { NodeOptions } from "../base/options.ts";
import type { Random } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import type { MemberRecord } from "../wire/messages.ts";
import type { Context } from "./context.ts";
import type { LinkNumber, NodeEffect, NodeEvent } from "./events.ts";
import type { Extension, Peers } from "./peers.ts";

/** Numbers that show how a node is doing. */
export interface NodeStats {
  readonly links: number;
  readonly members: number;
  readonly requestsInFlight: number;
  readonly timers: number;
  /** Bytes that wait in the lanes of all links. */
  readonly queuedBytes: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** A node without I/O; see `events.ts` for what goes in and out. */
export class NodeMachine<Operation = never>
  implements Machine<NodeEvent<Operation>, NodeEffect> {
  constructor(
    _options: NodeOptions,
    _random: Random,
    _at: Instant,
    _extend?: (context: Context, peers: Peers) => Extension<Operation>,
  ) {
  }

  get id(): Id {
    throw new Error("not built yet");
  }

  get wakeAtMs(): number {
    throw new Error("not built yet");
  }

  step(_event: NodeEvent<Operation>, _at: Instant): NodeEffect[] {
    throw new Error("not built yet");
  }

  /** The next frame of a link, or `undefined` when it has nothing to send. */
  pull(_link: LinkNumber): Bytes | undefined {
    throw new Error("not built yet");
  }

  /** All nodes that are known, this one and the dead included. */
  get members(): readonly MemberRecord[] {
    throw new Error("not built yet");
  }

  /** The nodes that a link is open to. */
  get linked(): readonly Id[] {
    throw new Error("not built yet");
  }

  get stats(): NodeStats {
    throw new Error("not built yet");
  }
}
