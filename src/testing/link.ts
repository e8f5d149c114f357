/**
 * One simulated connection: two pipes, each first in, first out.
 *
 * A connection is reliable until it dies, and then it loses a tail: everything
 * that was on its way behind some point never arrives. Nothing in the middle is
 * ever missing and nothing overtakes, as with TCP.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { LinkNumber } from "../mesh/events.ts";
import type { Happening } from "./event_queue.ts";
import type { SimulatedNode } from "./node.ts";

/** What is in a parcel. */
export type Load =
  | { readonly type: "frame"; readonly frame: Bytes }
  | { readonly type: "opened"; readonly dial: number }
  | {
    readonly type: "closed";
    readonly code: number;
    readonly reason: string;
  };

/** What travels through a pipe; what happens to it is that it arrives. */
export class Parcel implements Happening {
  /** Where the pipe begins. */
  readonly from: Endpoint;
  /** Counts up within one pipe. */
  readonly order: number;
  readonly load: Load;
  readonly #arrive: (parcel: Parcel) => void;

  constructor(
    from: Endpoint,
    order: number,
    load: Load,
    arrive: (parcel: Parcel) => void,
  ) {
    this.from = from;
    this.order = order;
    this.load = load;
    this.#arrive = arrive;
  }

  happen(): void {
    this.#arrive(this);
  }
}

/** One end of a link, and the pipe that leads away from it. */
export class Endpoint {
  readonly number: LinkNumber;
  readonly owner: SimulatedNode;
  readonly link: Link;
  /** Whether the machine may send here. */
  isOpen = false;
  /** Whether the machine was told that it is open, and not yet that it is not. */
  isKnown = false;
  /** Whether the machine was ever told. */
  wasKnown = false;
  /** Parcels put into the pipe. */
  sent = 0;
  /** Parcels that came out of it. */
  arrived = 0;
  /** Frames behind this one are lost: the link died. */
  lostBehind = Infinity;
  /** Bytes that the other machine has not taken yet: what fills the room. */
  bytesInFlight = 0;
  /** When the last parcel comes out; the next cannot come out before it. */
  lastArrivalMs = 0;
  /** When the line has carried all bytes given to it. */
  lineFreeMs = 0;
  /** The machine had more to send than there was room for. */
  hasMore = false;
  /** The machine does not read, and what waits for it, in order. */
  isPaused = false;
  readonly unread: (() => void)[] = [];
  /** The other side is about to learn that this one is gone. */
  isResetComing = false;
  /** What waits at the end of the pipe for a cut to heal, in order. */
  readonly held: Parcel[] = [];

  constructor(number: LinkNumber, owner: SimulatedNode, link: Link) {
    this.number = number;
    this.owner = owner;
    this.link = link;
  }

  get other(): Endpoint {
    const { dialler, listener } = this.link;
    return this === dialler ? listener : dialler;
  }
}

/** Both ends of one connection. */
export class Link {
  readonly dialler: Endpoint;
  readonly listener: Endpoint;
  /** Frames vanish and nobody is told, as behind a router that forgot it. */
  isBlackHole = false;
  /** Nothing comes out of either pipe before this. */
  cloggedUntilMs = 0;
  /** When somebody last sent something. */
  usedMs = Infinity;

  constructor(
    dialler: { number: LinkNumber; node: SimulatedNode },
    listener: { number: LinkNumber; node: SimulatedNode },
  ) {
    this.dialler = new Endpoint(dialler.number, dialler.node, this);
    this.listener = new Endpoint(listener.number, listener.node, this);
  }

  /** Whether neither side will ever send again. */
  get isOver(): boolean {
    return isDone(this.dialler) && isDone(this.listener);
  }
}

function isDone(end: Endpoint): boolean {
  return !end.isKnown && (end.wasKnown || !end.owner.isAlive);
}
