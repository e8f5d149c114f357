/**
 * The simulated network: dials, links, delays, cuts and sudden deaths.
 *
 * Cuts hold what is on its way, as TCP does by sending again; only the death of
 * a link loses anything, and then always a tail. An independent loss of single
 * frames is left out on purpose: no transport that the product runs on does it.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { below, fraction, type Random } from "../base/random.ts";
import type { DialNumber, LinkNumber } from "../mesh/events.ts";
import type { EventQueue } from "./event_queue.ts";
import { type Endpoint, Link, type Load, Parcel } from "./link.ts";
import type { Host, SimulatedNode } from "./node.ts";
import { Raw } from "./raw.ts";

/** How the network behaves; times in milliseconds. */
export interface NetworkOptions {
  /** Each pair of hosts has its own delay, between these two. */
  readonly latencyMinMs: number;
  readonly latencyMaxMs: number;
  /** Sigma of the log-normal factor by which each parcel's delay varies. */
  readonly jitter: number;
  /** Bytes per millisecond that one pipe carries; `Infinity`: no limit. */
  readonly bytesPerMs: number;
  /** Bytes that a transport takes before it asks the sender to wait. */
  readonly roomBytes: number;
}

/** What the network needs of the world around it. */
export interface World {
  readonly queue: EventQueue;
  hostAt(url: string): Host | undefined;
  /** Hands something to a node: now, or when its pause ends. */
  hand(node: SimulatedNode, what: () => void): void;
  onOpened(endpoint: Endpoint, dial: DialNumber | undefined): void;
  onFrame(endpoint: Endpoint, parcel: Parcel): void;
  onClosed(endpoint: Endpoint, code: number, reason: string): void;
  onDialFailed(node: SimulatedNode, dial: DialNumber, reason: string): void;
}

/** When an unanswered dial is tried again: TCP's doubling timeout. */
const DIAL_RETRIES_MS: readonly number[] = [1_000, 3_000, 7_000, 15_000];
/** When an unanswered dial is given up. */
const DIAL_TIMEOUT_MS = 20_000;
/** No single delay is longer than this many times the pair's own. */
const JITTER_MAX = 8;
/** More hosts than any world has. */
const HOSTS_MAX = 2 ** 20;
/** What WebSocket implementations report for a connection that broke. */
const BROKEN = 1006;

/** All links between all hosts. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #world: World;
  readonly #random: Random;
  readonly #links = new Set<Link>();
  readonly #latencies = new Map<number, number>();
  readonly #slow = new Map<Host, number>();
  #numbers: LinkNumber = 1;
  /** Whether what `from` sends is kept from reaching `to`. */
  #isCut: (from: Host, to: Host) => boolean = () => false;
  /** The share of dials that are refused for no reason. */
  refusedShare = 0;
  /** A link that is silent for longer is forgotten on its way. */
  idleDropMs = Infinity;
  readonly raw: Raw;
  /** Told of each frame that reaches a node, if anybody wants to know. */
  onFrameTaken: ((from: Endpoint, frame: Bytes) => void) | undefined;

  /** @param rawRandom what raw frames suffer changes nothing else */
  constructor(
    options: NetworkOptions,
    world: World,
    random: Random,
    rawRandom: Random,
  ) {
    this.#options = options;
    this.#world = world;
    this.#random = random;
    this.raw = new Raw(rawRandom);
  }

  /** Links that at least one side still believes in. */
  get links(): ReadonlySet<Link> {
    return this.#links;
  }

  /** Cuts one-way paths; what was held by the cut before, and is not now, flows. */
  cut(isCut: (from: Host, to: Host) => boolean): void {
    this.#isCut = isCut;
    this.#release();
  }

  /** Whether what `from` sends cannot reach `to` now. */
  isCut(from: Host, to: Host): boolean {
    return this.#isCut(from, to);
  }

  /** Makes everything to and from a host this many times slower; 1: not. */
  slowDown(host: Host, factor: number): void {
    if (factor === 1) this.#slow.delete(host);
    else this.#slow.set(host, factor);
  }

  /** Ends all that keeps parcels back or makes them vanish. */
  heal(): void {
    this.#isCut = () => false;
    this.#slow.clear();
    this.refusedShare = 0;
    this.idleDropMs = Infinity;
    this.raw.options = undefined;
    for (const link of [...this.#links]) {
      link.cloggedUntilMs = 0;
      // A router that forgot a link resets it once it works again.
      if (link.isBlackHole) this.reset(link);
    }
    this.#release();
  }

  /** Dials `url` for `node`. */
  dial(node: SimulatedNode, dial: DialNumber, url: string): void {
    const host = this.#world.hostAt(url);
    if (host === undefined) {
      this.#fail(node, dial, 1, `no host at ${url}`);
      return;
    }
    this.#tryDial(node, dial, host, this.#world.queue.nowMs, 0);
  }

  /** Sends what was pulled from a machine. */
  send(from: Endpoint, load: Load): void {
    const { queue } = this.#world;
    const { link } = from;
    // As a router does: it forgets, and does not say so.
    if (queue.nowMs - link.usedMs > this.idleDropMs) link.isBlackHole = true;
    link.usedMs = queue.nowMs;
    const bytes = load.type === "frame" ? load.frame.length : 0;
    from.lineFreeMs = Math.max(queue.nowMs, from.lineFreeMs) +
      bytes / this.#options.bytesPerMs;
    const parcel = new Parcel(from, ++from.sent, load, this.#arrive);
    from.bytesInFlight += bytes;
    const delayMs = this.#delayMs(from.owner.host, from.other.owner.host);
    const arrivalMs = Math.max(from.lineFreeMs + delayMs, from.lastArrivalMs);
    if (!this.raw.isOn(from, bytes)) {
      from.lastArrivalMs = arrivalMs;
      queue.at(arrivalMs, parcel);
      return;
    }
    const lateMs = this.raw.lateMs();
    if (lateMs === 0) from.lastArrivalMs = arrivalMs;
    queue.at(arrivalMs + lateMs, parcel);
    const againMs = this.raw.againMs();
    if (againMs === 0) return;
    from.bytesInFlight += bytes;
    queue.at(arrivalMs + againMs, parcel);
  }

  /** Whether the transport takes another frame. */
  hasRoom(from: Endpoint): boolean {
    return from.bytesInFlight < this.#options.roomBytes;
  }

  /** Ends a link from one side, in good order. */
  close(from: Endpoint, code: number, reason: string): void {
    if (!from.isOpen) return;
    from.isOpen = false;
    this.send(from, { type: "closed", code, reason });
    const { owner, other } = from;
    const roundTripMs = 2 * this.#delayMs(owner.host, other.owner.host);
    this.#world.queue.after(roundTripMs, () => this.#end(from, code, reason));
  }

  /** A link breaks: each side loses a tail and learns of it a little later. */
  reset(link: Link): void {
    link.isBlackHole = false;
    for (const end of [link.dialler, link.listener]) {
      this.#loseTail(end);
      this.send(end, { type: "closed", code: BROKEN, reason: "reset" });
    }
  }

  /** One side forgets the link; the other learns when it next sends. */
  halfOpen(forgetful: Endpoint): void {
    this.#loseTail(forgetful);
    forgetful.isOpen = false;
    this.#world.hand(
      forgetful.owner,
      () => this.#end(forgetful, BROKEN, "half-open"),
    );
  }

  /** The process at these ends is gone; `silently`: nobody is told. */
  abandon(node: SimulatedNode, silently: boolean): void {
    for (const end of node.endpoints.values()) {
      this.#loseTail(end);
      end.isOpen = false;
      end.isKnown = false;
      if (!silently) {
        this.send(end, { type: "closed", code: BROKEN, reason: "crash" });
      }
      this.#forget(end.link);
    }
    node.endpoints.clear();
  }

  /** Holds what is on a link back until `untilMs`. */
  clog(link: Link, untilMs: number): void {
    link.cloggedUntilMs = untilMs;
    this.#world.queue.at(untilMs, () => this.#release());
  }

  /** A machine reads nothing at this end: what comes out waits. */
  pause(end: Endpoint): void {
    end.isPaused = true;
  }

  resume(end: Endpoint): void {
    end.isPaused = false;
    const read = () => {
      while (!end.isPaused && end.unread.length > 0) end.unread.shift()!();
    };
    this.#world.queue.after(0, () => this.#world.hand(end.owner, read));
  }

  /** The frame is no longer in the way of others. */
  taken(from: Endpoint, parcel: Parcel): void {
    if (parcel.load.type !== "frame") return;
    const { frame } = parcel.load;
    from.bytesInFlight -= frame.length;
    this.onFrameTaken?.(from, frame);
  }

  #tryDial(
    node: SimulatedNode,
    dial: DialNumber,
    host: Host,
    startMs: number,
    attempt: number,
  ): void {
    const { queue } = this.#world;
    const from = node.host;
    // A request reaches the listener after one and a half round trips.
    const delayMs = 3 * this.#delayMs(from, host);
    queue.after(delayMs, () => {
      if (!node.isAlive) return;
      const isLost = host.isSilent || this.#isCut(from, host) ||
        this.#isCut(host, from);
      if (isLost) {
        const retryMs = DIAL_RETRIES_MS[attempt];
        if (retryMs === undefined) {
          const leftMs = startMs + DIAL_TIMEOUT_MS - queue.nowMs;
          this.#fail(node, dial, leftMs, "timed out");
        } else {
          queue.at(
            startMs + retryMs,
            () => this.#tryDial(node, dial, host, startMs, attempt + 1),
          );
        }
        return;
      }
      this.#answer(node, dial, host);
    });
  }

  /** A dial has come through: the process there takes it, or nobody does. */
  #answer(node: SimulatedNode, dial: DialNumber, host: Host): void {
    const listener = host.node;
    const backMs = this.#delayMs(host, node.host);
    if (listener === undefined || fraction(this.#random) < this.refusedShare) {
      this.#fail(node, dial, backMs, "refused");
      return;
    }
    this.#world.hand(listener, () => {
      const link = new Link(
        { number: this.#numbers++, node },
        { number: this.#numbers++, node: listener },
      );
      this.#links.add(link);
      listener.endpoints.set(link.listener.number, link.listener);
      if (node.isAlive) node.endpoints.set(link.dialler.number, link.dialler);
      // The dialler's side opens by the first parcel that comes out here.
      this.send(link.listener, { type: "opened", dial });
      const end = link.listener;
      end.isOpen = end.isKnown = end.wasKnown = true;
      this.#world.onOpened(end, undefined);
    });
  }

  #fail(
    node: SimulatedNode,
    dial: DialNumber,
    afterMs: number,
    reason: string,
  ): void {
    this.#world.queue.after(afterMs, () => {
      if (!node.isAlive) return;
      this.#world.hand(
        node,
        () => this.#world.onDialFailed(node, dial, reason),
      );
    });
  }

  /** One function for all parcels. */
  readonly #arrive = (parcel: Parcel): void => {
    const { from } = parcel;
    if (from.held.length > 0 || this.#isHeld(from)) from.held.push(parcel);
    else this.#emerge(from, parcel);
  };

  #isHeld(from: Endpoint): boolean {
    return from.link.cloggedUntilMs > this.#world.queue.nowMs ||
      this.#isCut(from.owner.host, from.other.owner.host);
  }

  /** A parcel comes out of a pipe. */
  #emerge(from: Endpoint, parcel: Parcel): void {
    const to = from.other;
    from.arrived = Math.max(from.arrived, parcel.order);
    const { load } = parcel;
    // What is lost still takes up room: no acknowledgement will ever free it.
    if (
      load.type === "frame" &&
      (parcel.order > from.lostBehind || from.link.isBlackHole)
    ) return;
    if (!to.owner.isAlive) this.#answerByReset(from);
    else if (!to.owner.isPaused) this.#deliver(from, parcel);
    else this.#world.hand(to.owner, () => this.#deliver(from, parcel));
  }

  #deliver(from: Endpoint, parcel: Parcel, isUnread = false): void {
    const to = from.other;
    if (to.isPaused || (to.unread.length > 0 && !isUnread)) {
      to.unread.push(() => this.#deliver(from, parcel, true));
      return;
    }
    const { load } = parcel;
    if (load.type === "opened") {
      to.isOpen = to.isKnown = to.wasKnown = true;
      this.#world.onOpened(to, load.dial);
    } else if (load.type === "closed") {
      to.isOpen = false;
      this.#end(to, load.code, load.reason);
    } else if (to.isOpen) {
      this.#world.onFrame(to, parcel);
    } else {
      this.#answerByReset(from);
    }
  }

  /** Nobody is where a frame came out: its sender learns that, if it can. */
  #answerByReset(from: Endpoint): void {
    const to = from.other;
    if (!from.isOpen || from.isResetComing || to.owner.host.isSilent) return;
    if (from.link.isBlackHole) return;
    if (this.#isCut(to.owner.host, from.owner.host)) return;
    from.isResetComing = true;
    const delayMs = this.#delayMs(to.owner.host, from.owner.host);
    this.#world.queue.after(delayMs, () => {
      if (!from.owner.isAlive) return;
      this.#world.hand(from.owner, () => {
        from.isOpen = false;
        this.#end(from, BROKEN, "reset");
      });
    });
  }

  /** Tells a machine, once, that its side of a link is over. */
  #end(end: Endpoint, code: number, reason: string): void {
    if (!end.isKnown || !end.owner.isAlive) return;
    end.isKnown = false;
    end.owner.endpoints.delete(end.number);
    this.#forget(end.link);
    this.#world.hand(end.owner, () => this.#world.onClosed(end, code, reason));
  }

  #forget(link: Link): void {
    if (link.isOver) this.#links.delete(link);
  }

  /** Some of what is on its way, from a random point on, will not arrive. */
  #loseTail(end: Endpoint): void {
    if (end.lostBehind < Infinity) return;
    end.lostBehind = end.arrived +
      below(this.#random, end.sent - end.arrived + 1);
  }

  /** Lets flow what nothing holds any more, at the pace of a resent segment. */
  #release(): void {
    for (const link of this.#links) {
      for (const end of [link.dialler, link.listener]) {
        if (end.held.length === 0 || this.#isHeld(end)) continue;
        const resentMs = this.#delayMs(end.owner.host, end.other.owner.host);
        this.#world.queue.after(resentMs, () => this.#flush(end));
      }
    }
  }

  // Until then what arrives queues up behind: nothing may overtake.
  #flush(end: Endpoint): void {
    if (this.#isHeld(end)) return;
    for (const parcel of end.held.splice(0)) this.#emerge(end, parcel);
  }

  #delayMs(from: Host, to: Host): number {
    const baseMs = this.#baseMs(from, to);
    const slow = Math.max(this.#slow.get(from) ?? 1, this.#slow.get(to) ?? 1);
    const { jitter } = this.#options;
    if (jitter === 0) return baseMs * slow;
    const factor = Math.exp(jitter * normal(this.#random));
    return baseMs * slow * Math.min(factor, JITTER_MAX);
  }

  /** The pair's own delay: drawn once, on a logarithmic scale. */
  #baseMs(from: Host, to: Host): number {
    const low = Math.min(from.index, to.index);
    const pair = low * HOSTS_MAX + Math.max(from.index, to.index);
    let baseMs = this.#latencies.get(pair);
    if (baseMs === undefined) {
      const { latencyMinMs: min, latencyMaxMs: max } = this.#options;
      baseMs = min * Math.pow(max / min, fraction(this.#random));
      this.#latencies.set(pair, baseMs);
    }
    return baseMs;
  }
}

/** A draw from the standard normal distribution: twelve uniform ones, summed. */
function normal(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += fraction(random);
  return sum;
}
