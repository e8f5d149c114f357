/**
 * The simulated world: many nodes, one thread, one clock, one seed.
 *
 * It is a driver like the one for real sockets, and does the same: step, carry
 * out the effects in order, pull frames while the transport has room, wake. It
 * adds what real sockets never do on request: crashes, pauses, cuts. Nothing in
 * it awaits; a promise would hand the order of events to the host's scheduler.
 *
 * @module
 */
import { assert, BugError } from "../base/assert.ts";
import { type Bytes, utf8 } from "../base/bytes.ts";
import { FULL_TABLE_NODES_MAX } from "../base/limits.ts";
import {
  EVERYWHERE,
  LIMITS,
  type NodeOptions,
  rulesOf,
  SUCCESSORS,
  TIMINGS,
  type Timings,
} from "../base/options.ts";
import { fraction, SeededRandom } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import type { CopyView } from "../dict/dict.ts";
import type { DictOperation } from "../dict/operations.ts";
import type {
  CallNumber,
  DialNumber,
  MeshOperation,
  NodeEffect,
  NodeEvent,
  Notice,
} from "../mesh/events.ts";
import { Buggify } from "./buggify.ts";
import { describeEvent } from "./describe.ts";
import { EventQueue } from "./event_queue.ts";
import { hmac } from "./hmac.ts";
import type { Endpoint, Parcel } from "./link.ts";
import { Network, type World } from "./network.ts";
import {
  type CreateMachine,
  type Host,
  isMeshOperation,
  type Outcome,
  SimulatedNode,
} from "./node.ts";
import type { SimulatorOptions } from "./simulator_options.ts";
import { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";
import { WallClock } from "./wall_clock.ts";

export type { SimulatorOptions } from "./simulator_options.ts";
export { report, Violation } from "./violation.ts";

/** Steps at one moment after which a machine counts as one that never ends. */
const WAKES_AT_ONCE_MAX = 1000;
/** Enough for all members of a small ring. */
const LINKS_MAX = 256;
/** How long a MAC takes. */
const MAC_MS = 0.1;
const WAKE = { type: "wake" } as const;
const Kind = {
  wake: 1,
  opened: 2,
  frame: 3,
  closed: 4,
  dialFailed: 5,
  call: 6,
  macs: 7,
};

/** The simulated world. */
export class Simulator implements World {
  readonly queue: EventQueue = new EventQueue();
  readonly network: Network;
  readonly trace: Trace;
  readonly buggify: Buggify;
  readonly #options: SimulatorOptions;
  readonly #timings: Timings;
  readonly #secret: Bytes;
  readonly #hosts: Host[] = [];
  readonly #byUrl = new Map<string, Host>();
  readonly #clocks: SeededRandom;
  readonly #pauses: SeededRandom;
  #calls: CallNumber = 1;
  #wakesAtOnce = 0;
  #lastWakeMs = -1;
  /** When the processes that are gone have ended. */
  readonly ended: Map<Id, number> = new Map();
  /** Told of everything that an application would be told of. */
  onNotice: (node: SimulatedNode, notice: Notice) => void = () => {};
  /** Told of each frame that a node has made just now. */
  onSaid: (end: Endpoint, frame: Bytes) => void = () => {};
  /** Told of each frame that a node is about to take. */
  onHeard: (end: Endpoint, frame: Bytes) => void = () => {};
  /** Told of each copy that comes, changes or goes, in the step that does it. */
  onCopy: (node: SimulatedNode, id: Id, copy: CopyView | undefined) => void =
    () => {};

  constructor(options: SimulatorOptions) {
    const { seed } = options;
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#secret = utf8(options.secret ?? "");
    this.#clocks = new SeededRandom(seed, "clocks");
    this.#pauses = new SeededRandom(seed, "pauses");
    this.trace = new Trace(options.print);
    const luck = new SeededRandom(seed, "buggify");
    this.buggify = new Buggify(luck, options.buggify ?? {});
    const random = new SeededRandom(seed, "network");
    const raw = new SeededRandom(seed, "raw network");
    this.network = new Network(options.network, this, random, raw);
  }

  get nowMs(): number {
    return this.queue.nowMs;
  }

  /** Whether every node is a member and holds everything. */
  get isSync(): boolean {
    return this.replicas === EVERYWHERE;
  }

  get replicas(): number {
    return this.#options.replicas;
  }

  /** L: see {@linkcode NodeOptions}. */
  get successors(): number {
    return this.#options.successors ?? SUCCESSORS;
  }

  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  /** The processes that run now, paused ones included. */
  get nodes(): SimulatedNode[] {
    const nodes: SimulatedNode[] = [];
    for (const { node } of this.#hosts) {
      if (node !== undefined) nodes.push(node);
    }
    return nodes;
  }

  hostAt(url: string): Host | undefined {
    return this.#byUrl.get(url);
  }

  /**
   * A place to run on; one that cannot be dialled has no url.
   *
   * @param create what runs there, if not what runs elsewhere
   */
  addHost(name: string, isDialable: boolean, create?: CreateMachine): Host {
    const url = isDialable ? `ws://${name.toLowerCase()}.test/` : "";
    const host: Host = {
      name,
      index: this.#hosts.length,
      url,
      node: undefined,
      generations: 0,
      isSilent: false,
      ...(create === undefined ? {} : { create }),
    };
    assert(!this.#byUrl.has(url), `Two hosts have the url ${url}`);
    this.#hosts.push(host);
    if (isDialable) this.#byUrl.set(url, host);
    return host;
  }

  /** Starts a process with an empty memory and a new id. */
  start(host: Host): SimulatedNode {
    const { seed, create, replicas, leaseMs } = this.#options;
    host.generations++;
    host.isSilent = false;
    const random = new SeededRandom(
      seed,
      `product ${host.name} ${host.generations}`,
    );
    const clock = new WallClock(
      this.#spread(this.#options.clockOffsetMaxMs),
      this.#spread(this.#options.clockDriftMax),
    );
    const options: NodeOptions = {
      subnet: "simulated",
      url: host.url,
      ...rulesOf(replicas, leaseMs),
      limits: { ...LIMITS, ...this.#options.limits },
      isSecured: this.#secret.length > 0,
      linksMax: this.#options.linksMax ?? LINKS_MAX,
      successors: this.successors,
      fullTableMax: this.#options.fullTableMax ?? FULL_TABLE_NODES_MAX,
      timings: this.#timings,
      sabotage: this.buggify,
    };
    const machine = (host.create ?? create)(options, random, {
      nowMs: this.nowMs,
      wallMs: clock.wallMs(this.nowMs),
    });
    const node = new SimulatedNode(host, machine, clock);
    host.node = node;
    machine.dict.onChange = (id, copy) => this.onCopy(node, id, copy);
    this.trace.line(this.nowMs, () => `${node.name} starts as ${machine.id}`);
    this.#planWake(node);
    return node;
  }

  /** Ends a process at once; `silently`: its peers are not told. */
  crash(node: SimulatedNode, silently: boolean): void {
    this.trace.line(
      this.nowMs,
      () => `${node.name} ${silently ? "loses power" : "crashes"}`,
    );
    node.isAlive = false;
    node.host.node = undefined;
    this.ended.set(node.machine.id, this.nowMs);
    node.host.isSilent = silently;
    node.inbox.length = 0;
    this.network.abandon(node, silently);
    const calls = [...node.calls.values()];
    node.calls.clear();
    for (const call of calls) call.done({ type: "lost" });
  }

  /** The process does nothing until it is resumed; what comes in waits. */
  pause(node: SimulatedNode): void {
    this.trace.line(this.nowMs, () => `${node.name} is paused`);
    node.isPaused = true;
  }

  /** The process goes on, with everything that waited, all at once. */
  resume(node: SimulatedNode): void {
    if (!node.isPaused || !node.isAlive) return;
    this.trace.line(this.nowMs, () => `${node.name} goes on`);
    node.isPaused = false;
    node.resumedMs = this.nowMs;
    // Timers may run before or after what came in: runtimes differ.
    const wakesFirst = fraction(this.#pauses) < 0.5;
    if (wakesFirst) this.#wake(node);
    for (const what of node.inbox.splice(0)) {
      if (node.isAlive) what();
    }
    if (!wakesFirst && node.isAlive) this.#wake(node);
    for (const end of node.endpoints.values()) this.#pump(end);
  }

  /** Asks a node for something; `done` hears once how that ended. */
  call(
    node: SimulatedNode,
    operation: MeshOperation | DictOperation,
    done: (outcome: Outcome) => void,
  ): CallNumber {
    const call = this.#calls++;
    node.calls.set(call, { operation, startMs: this.nowMs, done });
    const event: NodeEvent<DictOperation> = isMeshOperation(operation)
      ? { type: "call", call, operation }
      : { type: "ask", call, operation };
    this.hand(node, () => this.#step(node, event, Kind.call));
    return call;
  }

  hand(node: SimulatedNode, what: () => void): void {
    if (!node.isAlive) return;
    if (node.isPaused) node.inbox.push(what);
    else what();
  }

  onOpened(endpoint: Endpoint, dial: DialNumber | undefined): void {
    const { owner, number: link } = endpoint;
    this.#step(owner, { type: "opened", link, dial }, Kind.opened);
  }

  onFrame(endpoint: Endpoint, parcel: Parcel): void {
    const { owner, other, number: link } = endpoint;
    this.network.taken(other, parcel);
    if (parcel.load.type !== "frame") return;
    this.onHeard(endpoint, parcel.load.frame);
    this.#step(
      owner,
      { type: "frame", link, frame: parcel.load.frame },
      Kind.frame,
    );
    if (other.hasMore) this.#pump(other);
  }

  onClosed(endpoint: Endpoint, code: number, reason: string): void {
    const { owner, number: link } = endpoint;
    this.#step(owner, { type: "closed", link, code, reason }, Kind.closed);
  }

  onDialFailed(node: SimulatedNode, dial: DialNumber, reason: string): void {
    this.#step(node, { type: "dialFailed", dial, reason }, Kind.dialFailed);
  }

  #step(
    node: SimulatedNode,
    event: NodeEvent<DictOperation>,
    kind: number,
  ): void {
    if (!node.isAlive) return;
    const { nowMs } = this;
    const bytes = event.type === "frame" ? event.frame : undefined;
    this.trace.event(nowMs, node.host.index, kind, bytes);
    this.trace.line(nowMs, () => `${node.name} < ${describeEvent(event)}`);
    const at = { nowMs, wallMs: this.wallMs(node) };
    let effects: NodeEffect[];
    try {
      effects = node.machine.step(event, at);
      for (const effect of effects) this.#carryOut(node, effect);
    } catch (error) {
      if (error instanceof Violation) throw error;
      throw new Violation(
        "machinesNeverThrow",
        `${node.name} at "${event.type}": ${error}`,
        { cause: error },
      );
    }
    this.#planWake(node);
  }

  #carryOut(node: SimulatedNode, effect: NodeEffect): void {
    if (!node.isAlive) return;
    switch (effect.type) {
      case "ready": {
        const end = node.endpoints.get(effect.link);
        if (end !== undefined) this.#pump(end);
        return;
      }
      case "pause":
      case "resume": {
        const end = node.endpoints.get(effect.link);
        if (end !== undefined) this.network[effect.type](end);
        return;
      }
      case "dial":
        this.trace.line(
          this.nowMs,
          () => `${node.name} > dials ${effect.url}`,
        );
        return this.network.dial(node, effect.dial, effect.url);
      case "mac": {
        const macs = effect.texts.map((text) => [hmac(this.#secret, text)]);
        const event = { type: "macs", link: effect.link, macs } as const;
        // Real ones take a moment, in which other things happen.
        this.queue.after(MAC_MS, () => {
          this.hand(node, () => this.#step(node, event, Kind.macs));
        });
        return;
      }
      case "close": {
        this.trace.line(
          this.nowMs,
          () => `${node.name} > closes ${effect.link} (${effect.reason})`,
        );
        const end = node.endpoints.get(effect.link);
        if (end !== undefined) {
          this.network.close(end, effect.code, effect.reason);
        }
        return;
      }
      case "result":
        return this.#finish(node, effect.call, {
          type: "ok",
          value: effect.value,
        });
      case "failure":
        return this.#finish(node, effect.call, {
          type: "failed",
          error: effect.error,
        });
      case "notice":
        return this.onNotice(node, effect.notice);
    }
  }

  #finish(node: SimulatedNode, call: CallNumber, outcome: Outcome): void {
    const pending = node.calls.get(call);
    if (pending === undefined) {
      throw new BugError(`Call ${call} of ${node.name} has ended twice`);
    }
    node.calls.delete(call);
    this.trace.line(this.nowMs, () => {
      const how = outcome.type === "failed" ? `: ${outcome.error}` : "";
      return `${node.name} > ${pending.operation.type} ${outcome.type}${how}`;
    });
    pending.done(outcome);
  }

  /** Sends what a machine has for a link, as far as there is room. */
  #pump(end: Endpoint): void {
    const { owner } = end;
    if (!owner.isAlive || owner.isPaused) return;
    // What had to wait was said in a step before this one.
    const isFresh = !end.hasMore;
    end.hasMore = false;
    while (end.isOpen) {
      if (!this.network.hasRoom(end)) {
        end.hasMore = true;
        break;
      }
      const frame = owner.machine.pull(end.number);
      if (frame === undefined) break;
      if (isFresh) this.onSaid(end, frame);
      this.network.send(end, { type: "frame", frame });
    }
    // Room in a lane may be what something waits for.
    this.#planWake(owner);
  }

  #planWake(node: SimulatedNode): void {
    const { wakeAtMs } = node.machine;
    if (wakeAtMs >= node.wakePlannedMs) return;
    node.wakePlannedMs = wakeAtMs;
    this.queue.at(wakeAtMs, () => {
      // An earlier one may have been planned since, and has replaced this.
      if (node.wakePlannedMs !== wakeAtMs) return;
      node.wakePlannedMs = Infinity;
      if (node.isAlive && !node.isPaused) this.#wake(node);
    });
  }

  #wake(node: SimulatedNode): void {
    if (node.machine.wakeAtMs > this.nowMs) {
      this.#planWake(node);
      return;
    }
    this.#wakesAtOnce = this.nowMs === this.#lastWakeMs
      ? this.#wakesAtOnce + 1
      : 0;
    this.#lastWakeMs = this.nowMs;
    if (this.#wakesAtOnce > WAKES_AT_ONCE_MAX) {
      throw new Violation(
        "machinesComeToRest",
        `${node.name} wants to wake at ${node.machine.wakeAtMs} for ever`,
      );
    }
    this.#step(node, WAKE, Kind.wake);
  }

  /** What a node's wall clock shows. */
  wallMs({ clock }: SimulatedNode): number {
    return clock.wallMs(this.nowMs);
  }

  #spread(max: number): number {
    return max * (2 * fraction(this.#clocks) - 1);
  }
}
