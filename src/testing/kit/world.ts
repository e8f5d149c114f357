/**
 * The processes of a simulated ring, what happens to them, and the loop in
 * which virtual time passes.
 *
 * The nodes are the sockets of an application, so promises are on the way, and
 * the order in which these go on is the platform's. It is the same each time
 * because one event happens in each turn of the platform's loop: everything
 * that can go on after it has gone on before the next one happens.
 *
 * @module
 */
import { ChordError } from "../../base/errors.ts";
import { pick, SeededRandom } from "../../base/random.ts";
import type { DictOperation } from "../../dict/operations.ts";
import type { DialNumber, NodeEvent } from "../../mesh/events.ts";
import type { MeshSocket } from "../../mesh/mesh_socket.ts";
import { describeEvent } from "../describe.ts";
import { EventQueue } from "../event_queue.ts";
import { Faults, type Target } from "../faults.ts";
import type { Endpoint, Parcel } from "../link.ts";
import { Network, type NetworkOptions, type World } from "../network.ts";
import type { Host, SimulatedNode } from "../node.ts";
import type { FaultRates } from "../hazards.ts";
import { Trace } from "../trace.ts";
import { activeNodes } from "../truth.ts";
import { Accounts } from "./accounts.ts";
import { type NodeGiven, Process, type Surroundings } from "./process.ts";

/** What a world is made of. */
export interface WorldOptions<S> {
  readonly seed: number;
  readonly network: NetworkOptions;
  readonly faults: FaultRates;
  readonly create: (given: NodeGiven) => S;
  readonly print: ((line: string) => void) | undefined;
}

/** Numbers for the trace. */
const KINDS: readonly NodeEvent<never>["type"][] = [
  "wake",
  "opened",
  "frame",
  "closed",
  "dialFailed",
  "call",
  "ask",
  "cancel",
  "macs",
];

/** How long a node that was struck by a fault stays down at most. */
const DOWN_MAX_MS = 20_000;
/** After this long who could not connect, or join, tries again. */
const RETRY_MS = 500;

/** All processes of one ring. */
export class SimulatedWorld<S extends MeshSocket>
  implements World, Surroundings<S>, Target {
  readonly seed: number;
  readonly queue: EventQueue = new EventQueue();
  readonly network: Network;
  readonly trace: Trace;
  readonly faults: Faults;
  readonly hosts: Host[] = [];
  readonly create: (given: NodeGiven) => S;
  /** Told of each process that takes part from now on. */
  onJoined: (running: Process<S>) => void = () => {};
  /** Those that try to become members. */
  readonly joining: Set<Process<S>> = new Set();
  readonly #random: SeededRandom;
  readonly #processes = new Map<SimulatedNode, Process<S>>();
  readonly #bySocket = new Map<S, Process<S>>();
  /** Where nothing is to come up again by itself. */
  readonly #abandoned = new Set<Host>();
  readonly #leaving = new Set<SimulatedNode>();
  readonly #closes: Promise<void>[] = [];
  #accounts: Accounts | undefined;
  failure: { readonly error: unknown } | undefined;

  constructor(options: WorldOptions<S>) {
    const { seed, network, faults } = options;
    this.seed = seed;
    this.create = options.create;
    this.#random = new SeededRandom(seed, "world");
    this.trace = new Trace(options.print);
    const random = new SeededRandom(seed, "network");
    const raw = new SeededRandom(seed, "raw network");
    this.network = new Network(network, this, random, raw);
    const downMaxMs = DOWN_MAX_MS;
    this.faults = new Faults(this, { seed, faults, downMaxMs });
  }

  /** What strikes here finds itself. */
  get simulator(): this {
    return this;
  }

  get nowMs(): number {
    return this.queue.nowMs;
  }

  /** The processes that run, in the order of their hosts. */
  get processes(): Process<S>[] {
    return this.nodes.map((node) => this.#processes.get(node)!);
  }

  get nodes(): SimulatedNode[] {
    return this.hosts.flatMap(({ node }) => node ?? []);
  }

  get accounts(): Accounts | undefined {
    return this.#accounts;
  }

  /** The process of a socket, be it gone. */
  processOf(sock: S): Process<S> {
    const running = this.#bySocket.get(sock);
    if (running !== undefined) return running;
    throw new TypeError(
      `Cannot use a socket of somewhere else: give one of this ring's nodes`,
    );
  }

  /** Whether proofs are being computed right now, in real time. */
  get isProving(): boolean {
    return this.hosts.some(({ node }) =>
      node !== undefined && this.#processes.get(node)!.macsPending > 0
    );
  }

  /** Ends all that runs. */
  async close(): Promise<void> {
    for (const node of this.nodes) this.crash(node, false);
    await Promise.all(this.#closes);
  }

  addHost(): Host {
    const name = `node${this.hosts.length + 1}`;
    const url = `ws://${name}.test/`;
    const index = this.hosts.length;
    const host: Host = {
      ...{ name, index, url },
      ...{ node: undefined, generations: 0, isSilent: false },
    };
    this.hosts.push(host);
    return host;
  }

  hostAt(url: string): Host | undefined {
    return this.hosts.find((host) => host.url === url);
  }

  /** Resolves after so much virtual time. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.queue.after(ms, resolve));
  }

  /** Starts a process; resolves when it takes part, or has ended before. */
  async start(host: Host): Promise<Process<S>> {
    this.#abandoned.delete(host);
    const running = new Process(this, host);
    const { node, sock } = running;
    this.#accounts ??= new Accounts(running.replicas);
    this.#processes.set(node, running);
    this.#bySocket.set(sock, running);
    this.trace.line(this.nowMs, () => `${node.name} starts as ${sock.id}`);
    this.joining.add(running);
    try {
      while (running.isAlive && !await this.#tryToJoin(running)) {
        await this.pass(RETRY_MS);
      }
    } finally {
      this.joining.delete(running);
    }
    if (running.isAlive) this.onJoined(running);
    return running;
  }

  /** Where nobody is a member, the first of those who try founds the ring. */
  async #tryToJoin(running: Process<S>): Promise<boolean> {
    const others = activeNodes(this.nodes)
      .filter((node) => node !== running.node);
    const contact = pick(this.#random, others);
    const [founder] = this.joining;
    if (contact === undefined && running !== founder) return false;
    try {
      if (contact !== undefined) await running.sock.connect(contact.host.url);
      await running.join();
      return true;
    } catch (error) {
      if (error instanceof ChordError) return false;
      throw error;
    }
  }

  boot(host: Host): void {
    if (this.#abandoned.has(host)) return;
    this.start(host).catch((error) => this.fail(error));
  }

  crash(node: SimulatedNode, silently: boolean): void {
    this.trace.line(
      this.nowMs,
      () => `${node.name} ${silently ? "loses power" : "crashes"}`,
    );
    const closed = this.#processes.get(node)!.kill(silently);
    this.#closes.push(closed.catch((error) => this.fail(error)));
  }

  /** Ends a process, which does not come back by itself. */
  abandon(running: Process<S>, silently: boolean): void {
    this.#abandoned.add(running.node.host);
    if (running.isAlive) this.crash(running.node, silently);
  }

  leave(node: SimulatedNode, done: () => void): boolean {
    const running = this.#processes.get(node)!;
    const handsOver = "leave" in running.sock;
    if (this.#leaving.has(node) || !running.isOpen) return false;
    if (!handsOver && !this.mayEnd(node)) return false;
    this.#leaving.add(node);
    this.#leave(running).then(done, (error) => this.fail(error));
    return true;
  }

  async #leave({ node, sock }: Process<S>): Promise<void> {
    const leaver = sock as unknown as { leave?(): Promise<void> };
    while (node.isAlive && leaver.leave !== undefined) {
      try {
        await leaver.leave();
        break;
      } catch (error) {
        if (!(error instanceof ChordError)) throw error;
        await this.pass(RETRY_MS);
      }
    }
    await sock.close();
  }

  mayEnd(victim: SimulatedNode): boolean {
    return this.#accounts?.permitsEndOf(victim, this.nodes) ?? true;
  }

  introduce(): void {
    const [first, ...others] = this.processes;
    for (const { sock } of others) {
      sock.connect(first!.sock.url).catch((error) => {
        if (!(error instanceof ChordError)) this.fail(error);
      });
    }
  }

  pause(node: SimulatedNode): void {
    this.trace.line(this.nowMs, () => `${node.name} is paused`);
    node.isPaused = true;
  }

  /** What waited happens in turn, before anything that comes from now on. */
  resume(node: SimulatedNode): void {
    if (!node.isPaused || !node.isAlive) return;
    this.trace.line(this.nowMs, () => `${node.name} goes on`);
    node.isPaused = false;
    node.resumedMs = this.nowMs;
    for (const what of node.inbox.splice(0)) {
      this.queue.after(0, () => this.hand(node, what));
    }
  }

  hand(node: SimulatedNode, what: () => void): void {
    if (!node.isAlive) return;
    if (node.isPaused) node.inbox.push(what);
    else what();
  }

  onOpened(end: Endpoint, dial: DialNumber | undefined): void {
    this.#processes.get(end.owner)?.onOpened(end, dial);
  }

  onFrame(end: Endpoint, parcel: Parcel): void {
    this.network.taken(end.other, parcel);
    if (parcel.load.type !== "frame") return;
    this.#processes.get(end.owner)?.onFrame(end, parcel.load.frame);
  }

  onClosed(end: Endpoint, code: number, reason: string): void {
    this.#processes.get(end.owner)?.onClosed(end, code, reason);
  }

  onDialFailed(node: SimulatedNode, dial: DialNumber, reason: string): void {
    this.#processes.get(node)?.onDialFailed(dial, reason);
  }

  onEvent(node: SimulatedNode, event: NodeEvent<DictOperation>): void {
    const bytes = event.type === "frame" ? event.frame : undefined;
    const kind = KINDS.indexOf(event.type);
    this.trace.event(this.nowMs, node.host.index, kind, bytes);
    this.trace.line(this.nowMs, () => `${node.name} < ${describeEvent(event)}`);
  }

  onResult(operation: DictOperation, value: unknown): void {
    this.#accounts?.onResult(operation, value, this.nodes, this.nowMs);
  }

  onClose({ node }: Process<S>): void {
    this.trace.line(this.nowMs, () => `${node.name} has closed`);
    if (!this.#leaving.has(node)) this.#abandoned.add(node.host);
  }

  fail(error: unknown): void {
    this.failure ??= { error };
  }
}
