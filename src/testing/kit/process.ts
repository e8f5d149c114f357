/**
 * One process of a simulated ring: the socket of an application, and all that
 * it needs of the world around it.
 *
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import { ChordError } from "../../base/errors.ts";
import { SeededRandom } from "../../base/random.ts";
import { ChordSocket } from "../../dict/chord_socket.ts";
import type { ChordMachine } from "../../dict/chord_machine.ts";
import { DictSocket, type Inside, insideOf } from "../../dict/dict_socket.ts";
import type { DictOperation } from "../../dict/operations.ts";
import type {
  CallNumber,
  DialNumber,
  NodeEffect,
  NodeEvent,
} from "../../mesh/events.ts";
import type { MeshSocket } from "../../mesh/mesh_socket.ts";
import type { WebSocketConstructor } from "../../system.ts";
import type { EventQueue } from "../event_queue.ts";
import type { Endpoint } from "../link.ts";
import type { Network } from "../network.ts";
import { type Host, SimulatedNode } from "../node.ts";
import { WallClock } from "../wall_clock.ts";
import { type Carrier, dialling, SimulatedWebSocket } from "./web_socket.ts";

/** What the socket of a simulated node must be made with. */
export interface NodeGiven {
  readonly url: string;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly webSocket: WebSocketConstructor;
}

/** What a process needs of its world, and tells it. */
export interface Surroundings<S extends MeshSocket> {
  readonly seed: number;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly create: (given: NodeGiven) => S;
  /** Does something at a node: now, or when its pause ends. */
  hand(node: SimulatedNode, what: () => void): void;
  onEvent(node: SimulatedNode, event: NodeEvent<DictOperation>): void;
  onResult(operation: DictOperation, value: unknown): void;
  /** The application has closed its socket. */
  onClose(running: Process<S>): void;
  /** What no call was rejected with and no network explains. */
  fail(error: unknown): void;
}

/** The clock of the simulated world; timers run by way of `hand`. */
export function virtualClock(
  queue: EventQueue,
  hand: (what: () => void) => void,
  wall: WallClock = new WallClock(0, 0),
): Clock {
  return {
    nowMs: () => queue.nowMs,
    wallMs: () => wall.wallMs(queue.nowMs),
    setTimer: (run, delayMs) => {
      const timer = { isSet: true };
      queue.after(Math.max(0, delayMs), () => {
        if (!timer.isSet) return;
        hand(() => {
          if (timer.isSet) run();
          timer.isSet = false;
        });
      });
      return timer;
    },
    clearTimer: (timer) => {
      if (timer !== undefined) (timer as { isSet: boolean }).isSet = false;
    },
  };
}

/** A process; gone for good once its node is not alive. */
export class Process<S extends MeshSocket> implements Carrier {
  readonly sock: S;
  readonly node: SimulatedNode;
  readonly clock: Clock;
  readonly replicas: number;
  /** Proofs that are being computed, which no virtual clock can hurry. */
  macsPending = 0;
  readonly #world: Surroundings<S>;
  readonly #webSockets = new Map<number, SimulatedWebSocket>();
  #dialled = 0;
  readonly #dials = new Map<DialNumber, SimulatedWebSocket>();
  readonly #asked = new Map<CallNumber, DictOperation>();

  /** @throws {TypeError} If `create` does not make a socket with what it gets */
  constructor(world: Surroundings<S>, host: Host) {
    this.#world = world;
    host.generations++;
    host.isSilent = false;
    const stream = `product ${host.name} ${host.generations}`;
    const wall = new WallClock(0, 0);
    this.clock = virtualClock(world.queue, (what) => this.hand(what), wall);
    this.sock = world.create({
      url: host.url,
      clock: this.clock,
      random: new SeededRandom(world.seed, stream),
      webSocket: dialling(this, (url, made) => this.#dial(url, made)),
    });
    const inside = checkSocket(this.sock, host.url);
    this.replicas = inside.options.replicas;
    this.node = new SimulatedNode(host, inside.machine, wall);
    host.node = this.node;
    this.#listenIn(inside.machine);
    this.sock.listening(host.url, () => Promise.resolve(this.#stop()));
    this.sock.on("error", (error) => {
      if (!(error instanceof ChordError)) world.fail(error);
    });
  }

  get network(): Network {
    return this.#world.network;
  }

  get isAlive(): boolean {
    return this.node.isAlive;
  }

  /** Whether its socket can be used: one that closes, cannot. */
  get isOpen(): boolean {
    return this.isAlive && this.sock.status.state !== "closed";
  }

  hand(what: () => void): void {
    this.#world.hand(this.node, what);
  }

  /** Takes part: all that `join`, or having everything, comes to. */
  async join(): Promise<void> {
    const { sock } = this;
    if (sock instanceof ChordSocket) await sock.join();
    else await (sock as unknown as { settled(): Promise<void> }).settled();
  }

  /** Ends at once; `silently`: its peers are not told. */
  end(silently: boolean): void {
    const { node } = this;
    if (!node.isAlive) return;
    node.isAlive = false;
    node.host.node = undefined;
    node.host.isSilent = silently;
    node.inbox.length = 0;
    this.macsPending = 0;
    this.network.abandon(node, silently);
  }

  /** Ends as a process does that is killed; calls that wait are rejected. */
  kill(silently: boolean): Promise<void> {
    this.end(silently);
    // Nothing that the socket says from now on reaches anybody.
    const closed = this.sock.close();
    const webSockets = [...this.#webSockets.values(), ...this.#dials.values()];
    queueMicrotask(() => {
      for (const webSocket of webSockets) webSocket.failed("the process ended");
    });
    return closed;
  }

  onOpened(end: Endpoint, dial: DialNumber | undefined): void {
    let webSocket = dial === undefined ? undefined : this.#dials.get(dial);
    if (dial !== undefined) this.#dials.delete(dial);
    const isDialled = webSocket !== undefined;
    webSocket ??= new SimulatedWebSocket(this);
    this.#webSockets.set(end.number, webSocket);
    webSocket.opened(end);
    if (!isDialled) this.sock.accept(webSocket);
  }

  onFrame(end: Endpoint, frame: Uint8Array<ArrayBuffer>): void {
    this.#webSockets.get(end.number)?.received(frame);
  }

  onClosed(end: Endpoint, code: number, reason: string): void {
    const webSocket = this.#webSockets.get(end.number);
    this.#webSockets.delete(end.number);
    webSocket?.closed(code, reason);
  }

  onDialFailed(dial: DialNumber, reason: string): void {
    const webSocket = this.#dials.get(dial);
    this.#dials.delete(dial);
    webSocket?.failed(reason);
  }

  /** The socket has closed; `kill` has ended the process before that. */
  #stop(): void {
    if (!this.isAlive) return;
    this.end(false);
    this.#world.onClose(this);
  }

  #dial(url: string, webSocket: SimulatedWebSocket): void {
    const dial = ++this.#dialled;
    this.#dials.set(dial, webSocket);
    this.hand(() => this.network.dial(this.node, dial, url));
  }

  /** Sees all that goes into the machine and comes out of it. */
  #listenIn(machine: ChordMachine): void {
    const step = machine.step.bind(machine);
    machine.step = (event, at) => {
      if (!this.isAlive) return step(event, at);
      this.#world.onEvent(this.node, event);
      if (event.type === "macs") this.macsPending--;
      if (event.type === "ask") this.#asked.set(event.call, event.operation);
      const effects = step(event, at);
      for (const effect of effects) this.#onEffect(effect);
      return effects;
    };
  }

  #onEffect(effect: NodeEffect): void {
    if (effect.type === "mac") this.macsPending++;
    if (effect.type !== "result" && effect.type !== "failure") return;
    const operation = this.#asked.get(effect.call);
    this.#asked.delete(effect.call);
    if (operation === undefined || effect.type === "failure") return;
    this.#world.onResult(operation, effect.value);
  }
}

/** @throws {TypeError} If it is no dict's, or made with something else */
function checkSocket(
  sock: MeshSocket,
  url: string,
): Inside<unknown, unknown, Record<never, never>> {
  if (!(sock instanceof DictSocket)) {
    throw new TypeError(
      `Cannot simulate what "create" gives: give a ChordSocket or a SyncSocket`,
    );
  }
  if (sock.url !== url) {
    throw new TypeError(
      `Cannot simulate a socket of the url "${sock.url}": make it with all ` +
        `options that "create" is given, as in { ...given, keys: text }`,
    );
  }
  return insideOf(sock);
}
