/**
 * A simulated ring, as the code sees that runs on it.
 *
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import { ClosedError } from "../../base/errors.ts";
import { fraction, SeededRandom } from "../../base/random.ts";
import type { MeshSocket } from "../../mesh/mesh_socket.ts";
import { Role } from "../../wire/messages.ts";
import { allSettled, convergedReplicas, oneRing } from "../checkers.ts";
import type { Host } from "../node.ts";
import type { Unrest } from "../rest.ts";
import { recordOf } from "../truth.ts";
import { report, Violation } from "../violation.ts";
import { type Process, virtualClock } from "./process.ts";
import type { SimulatedWorld } from "./world.ts";

/** How long a ring may take to come to rest once nothing goes wrong. */
const REST_MAX_MS = 120_000;
const POLL_MS = 500;

/**
 * A program that runs beside a node, as an application does.
 *
 * @param sock the node's socket
 * @param clock the clock of its process, which stands still with it
 */
export type Program<S> = (sock: S, clock: Clock) => void | Promise<void>;

/**
 * A ring of simulated nodes. Its nodes are sockets like any other; everything
 * else here happens to them, or judges them.
 *
 * @typeParam S what its nodes are
 */
export class SimulatedRing<S extends MeshSocket> {
  /**
   * The clock of this world: for code that takes one, and for its timers.
   * `setTimer` and `clearTimer` are what `setTimeout` and `clearTimeout` are.
   */
  readonly clock: Clock;
  readonly #world: SimulatedWorld<S>;
  readonly #random: SeededRandom;
  readonly #programs: Program<S>[] = [];
  #mends: (() => void)[] = [];

  /** Only `simulate` makes one. */
  constructor(world: unknown) {
    this.#world = world as SimulatedWorld<S>;
    this.clock = virtualClock(this.#world.queue, (run) => run());
    this.#random = new SeededRandom(this.#world.seed, "code");
    this.#world.onJoined = (running) => {
      for (const program of this.#programs) this.#run(program, running);
    };
  }

  /** The sockets of the nodes that run and take part now. */
  get nodes(): S[] {
    const { processes, joining } = this.#world;
    return processes
      .filter((running) => running.isOpen && !joining.has(running))
      .map(({ sock }) => sock);
  }

  /** A number in [0, 1) that depends on the seed: in place of `Math.random`. */
  readonly random = (): number => fraction(this.#random);

  /** Resolves when so much virtual time, in milliseconds, has passed. */
  pass(ms: number): Promise<void> {
    if (ms >= 0 && ms < Infinity) return this.#world.pass(ms);
    throw new RangeError(`Cannot let ${ms} ms pass: give 0 or more`);
  }

  /**
   * Runs a program beside each node: now beside those that run, and later
   * beside each that starts. An error of it fails the simulation, unless its
   * node has ended by then. It should wait by its own clock, which ends with
   * its node.
   */
  run(program: Program<S>): void {
    this.#programs.push(program);
    for (const sock of this.nodes) {
      this.#run(program, this.#world.processOf(sock));
    }
  }

  /**
   * Starts a node and has it join.
   *
   * @param ended a node that has ended, to start another one in its place;
   * without it there is one node more
   * @returns its socket, once it takes part
   * @throws {TypeError} If that node still runs
   * @throws {ClosedError} If the new one ends before it takes part
   */
  async start(ended?: S): Promise<S> {
    const host = ended === undefined
      ? this.#world.addHost()
      : this.#hostOf(ended);
    const running = await this.#world.start(host);
    if (running.isAlive) return running.sock;
    throw new ClosedError(`Cannot start a node: it has ended meanwhile`, "no");
  }

  /**
   * Ends a node as a process does that is killed: at once, and its peers see
   * their connections break. What waits for it is rejected. It does not come
   * back unless it is started again.
   */
  crash(node: S): void {
    this.#world.abandon(this.#world.processOf(node), false);
  }

  /** As `crash`, but nobody is told anything: only its silence shows it. */
  losePower(node: S): void {
    this.#world.abandon(this.#world.processOf(node), true);
  }

  /**
   * Has a node stand still: nothing reaches it, nothing leaves it, its timers
   * wait. Then it goes on with everything that waited.
   *
   * @param ms for how long; without it until `heal`
   */
  pause(node: S, ms: number = Infinity): void {
    const running = this.#world.processOf(node);
    this.#world.pause(running.node);
    const resume = () => this.#world.resume(running.node);
    if (ms < Infinity) this.#world.queue.after(ms, resume);
    else this.#mends.push(resume);
  }

  /**
   * Splits the network, until `heal`: nodes of different groups do not reach
   * each other. Those that no group has are one more group.
   */
  split(...groups: readonly (readonly S[])[]): void {
    const sides = new Map<Host, number>();
    for (const [side, group] of groups.entries()) {
      for (const sock of group) {
        sides.set(this.#world.processOf(sock).node.host, side);
      }
    }
    const { faults } = this.#world;
    const isCut = (from: Host, to: Host) => sides.get(from) !== sides.get(to);
    this.#mends.push(faults.cut(isCut));
  }

  /** Ends all splits, and the pauses that have no end. */
  heal(): void {
    for (const mend of this.#mends.splice(0)) mend();
  }

  /**
   * Resolves when the ring is at rest: all nodes see the same ring, have
   * settled, and hold the same copies where they belong.
   *
   * @throws {Violation} If it is not within two virtual minutes
   */
  async settled(): Promise<void> {
    const untilMs = this.#world.nowMs + REST_MAX_MS;
    for (;;) {
      const [check, finding] = this.#unrest();
      if (finding === undefined) return;
      if (this.#world.nowMs >= untilMs) {
        const seconds = REST_MAX_MS / 1000;
        throw new Violation(check, `${seconds} s were not enough: ${finding}`);
      }
      await this.pass(POLL_MS);
    }
  }

  /**
   * Ends all faults, waits until the ring is at rest, and judges it: each write
   * or delete that a node was told is done, or a newer one, is on all holders.
   *
   * Nodes that were crashed or closed here, and not by the options' faults,
   * stay away.
   * Whoever crashes all holders of a key at once has lost it, and hears so.
   *
   * @throws {Violation} If something is wrong; its `check` names what
   */
  async check(): Promise<void> {
    this.heal();
    this.#world.faults.stop();
    await this.settled();
    const { accounts, nodes } = this.#world;
    // At rest all holders have the newest copy that there is anywhere.
    report("noLostWrite", accounts?.lost(nodes));
  }

  #unrest(): Unrest {
    const { accounts, joining, nodes } = this.#world;
    for (const { node } of joining) {
      return ["allSettled", `${node.name} has not joined`];
    }
    const members = nodes.filter((node) => recordOf(node)?.role !== Role.leaf);
    const unsettled = allSettled(nodes, members);
    if (unsettled !== undefined) return ["allSettled", unsettled];
    const apart = oneRing(nodes);
    if (apart !== undefined) return ["oneRing", apart];
    const replicas = accounts?.ledger.replicas ?? 0;
    return ["convergedReplicas", convergedReplicas(nodes, replicas, false)];
  }

  #hostOf(sock: S): Host {
    const { host } = this.#world.processOf(sock).node;
    if (host.node === undefined) return host;
    throw new TypeError(
      `Cannot start a node in the place of one that runs: crash or close it ` +
        `first`,
    );
  }

  async #run(program: Program<S>, running: Process<S>): Promise<void> {
    try {
      await program(running.sock, running.clock);
    } catch (error) {
      if (running.isOpen) this.#world.fail(error);
    }
  }
}
