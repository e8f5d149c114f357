/**
 * A node of the deterministic network, and what a test sees of it.
 *
 * @module
 */
import type { Bytes } from "../../src/base/bytes.ts";
import type { ChordError } from "../../src/base/errors.ts";
import type { Limits, NodeOptions } from "../../src/base/options.ts";
import { SeededRandom } from "../../src/base/random.ts";
import type { Timer } from "../../src/base/timers.ts";
import type { Id } from "../../src/id/id.ts";
import type { CallNumber, LinkNumber, Notice } from "../../src/mesh/events.ts";
import type { Inbox } from "../../src/mesh/framer.ts";
import { NodeMachine } from "../../src/mesh/node_machine.ts";
import type { Peers } from "../../src/mesh/peers.ts";
import type { Health, Letter } from "../../src/wire/messages.ts";
import { Recorder } from "./recorder.ts";

/** How an application's call ended. */
export type Ending =
  | { readonly value: unknown }
  | { readonly error: ChordError };

/** One end of a connection. */
export interface End {
  readonly node: Station;
  readonly link: LinkNumber;
  other: End | undefined;
  /** Frames still on their way to this end come no earlier than this. */
  busyUntilMs: number;
  isOpen: boolean;
  /** A slow transport takes its next frame by itself. */
  isPumping: boolean;
  /** The node does not read: what comes waits. */
  isPaused: boolean;
  readonly unread: (() => void)[];
  readonly inbox: Inbox;
}

/** One node in the network. */
export class Station {
  readonly name: string;
  readonly url: string;
  readonly machine: NodeMachine;
  readonly secrets: readonly Bytes[];
  readonly recorder: Recorder;
  readonly notices: Notice[] = [];
  readonly endings = new Map<CallNumber, Ending>();
  readonly ends = new Map<LinkNumber, End>();
  isCrashed = false;
  /** Events wait while it is paused. */
  pausedUntilMs = -Infinity;
  timer: Timer | undefined;

  constructor(
    name: string,
    url: string,
    options: NodeOptions,
    seed: number,
    secrets: readonly Bytes[],
  ) {
    this.secrets = secrets;
    this.name = name;
    this.url = url;
    let recorder: Recorder | undefined;
    this.machine = new NodeMachine(
      options,
      new SeededRandom(seed),
      { nowMs: 0, wallMs: 0 },
      (context, peers) => {
        recorder = new Recorder(context, peers);
        return recorder;
      },
    );
    this.recorder = recorder!;
  }

  get id(): Id {
    return this.machine.id;
  }

  get peers(): Peers {
    return this.recorder.peers;
  }

  /** The letters that came, in order. */
  get letters(): { sender: Id; letter: Letter }[] {
    return this.notices.filter((notice) => notice.type === "letter");
  }

  health(of: Station): Health | undefined {
    return this.machine.members.find(({ id }) => id === of.id)?.health;
  }
}

/** What a node of a test is made of. */
export interface StationOptions {
  readonly subnet?: string;
  readonly secrets?: readonly string[];
  /** Cannot be dialled. */
  readonly isLeaf?: boolean;
  readonly linksMax?: number;
  readonly successors?: number;
  readonly fullTableMax?: number;
  readonly limits?: Partial<Limits>;
}
