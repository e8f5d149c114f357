/**
 * Many nodes as one ring: they come at a rate, live for a while, and end; what
 * is of interest is how many of them notice what, and when.
 *
 * Nothing here audits the whole world after each event, which would cost more
 * than the world itself: a thousand nodes have a million opinions of each other.
 *
 * @module
 */
import type { Timings } from "../base/options.ts";
import { below, fraction, pick, SeededRandom } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import { Health, Role } from "../wire/messages.ts";
import { Cluster } from "./cluster.ts";
import type { NetworkOptions } from "./network.ts";
import type { CreateMachine, Host, SimulatedNode } from "./node.ts";
import type { Simulator } from "./simulator.ts";
import { activeNodes, recordOf } from "./truth.ts";

/** What a population is made of. */
export interface PopulationOptions {
  readonly seed: number;
  readonly create: CreateMachine;
  readonly network: NetworkOptions;
  readonly replicas: number;
  readonly timings?: Partial<Timings>;
  /** Up to so many nodes every node knows every other one. */
  readonly fullTableMax?: number | undefined;
}

/** How nodes come and go. */
export interface Churn {
  /** The mean of the exponential distribution of lives. */
  readonly meanLifeMs: number;
  /** Whether hosts lose power, or else processes end and their links with them. */
  readonly silently: boolean;
}

/** Urls that a node which starts is given. */
const CONTACTS = 4;

/** One ring of many nodes. */
export class Population {
  readonly cluster: Cluster;
  readonly #random: SeededRandom;
  #hosts = 0;
  #isStable = true;
  /** Told of each process that has ended by chance. */
  onDeath: (node: SimulatedNode) => void = () => {};

  constructor(options: PopulationOptions) {
    this.cluster = new Cluster({
      ...options,
      clockOffsetMaxMs: 0,
      clockDriftMax: 0,
    });
    this.#random = new SeededRandom(options.seed, "population");
  }

  get simulator(): Simulator {
    return this.cluster.simulator;
  }

  get nodes(): SimulatedNode[] {
    return this.simulator.nodes;
  }

  get nowMs(): number {
    return this.simulator.nowMs;
  }

  /** Any process that is an active member and not paused. */
  pickActive(): SimulatedNode | undefined {
    const { nodes } = this;
    for (let tries = 0; tries < 100; tries++) {
      const node = pick(this.#random, nodes);
      if (node === undefined || node.isPaused) continue;
      if (recordOf(node)?.role === Role.active) return node;
    }
    return undefined;
  }

  /** A member founds the ring, if there is none, and others join at a rate. */
  grow(count: number, perSecond: number): void {
    let coming = count;
    if (this.nodes.length === 0) {
      this.cluster.found(this.#newHost());
      coming--;
    }
    for (let i = 1; i <= coming; i++) {
      this.simulator.queue.after(1000 * i / perSecond, () => this.add());
    }
  }

  /** A process starts on a new host, and joins through some that are active. */
  add(): SimulatedNode {
    const contacts = new Set<Host>();
    for (let i = 0; i < CONTACTS; i++) {
      const contact = this.pickActive();
      if (contact !== undefined) contacts.add(contact.host);
    }
    return this.cluster.boot(this.#newHost(), [...contacts]);
  }

  /** From now on lives end by chance, and each that does is replaced. */
  begin(churn: Churn): void {
    this.#isStable = false;
    for (const node of this.nodes) this.#planDeath(node, churn);
  }

  /** Nobody comes or goes any more. */
  settle(): void {
    this.#isStable = true;
  }

  kill(node: SimulatedNode, silently: boolean): void {
    this.cluster.crash(node, silently);
  }

  /** Lets time pass. */
  run(ms: number): void {
    this.simulator.queue.run(this.nowMs + ms);
  }

  /**
   * Lets time pass until `isDone`, which is asked every so often.
   *
   * @returns whether that came true within `maxMs`
   */
  until(isDone: () => boolean, everyMs: number, maxMs: number): boolean {
    const untilMs = this.nowMs + maxMs;
    while (!isDone()) {
      if (this.nowMs >= untilMs) return false;
      this.run(everyMs);
    }
    return true;
  }

  #planDeath(node: SimulatedNode, churn: Churn): void {
    const lifeMs = -Math.log(1 - fraction(this.#random)) * churn.meanLifeMs;
    this.simulator.queue.after(lifeMs, () => {
      if (this.#isStable || !node.isAlive) return;
      this.kill(node, churn.silently);
      this.onDeath(node);
      this.#planDeath(this.add(), churn);
    });
  }

  #newHost(): Host {
    return this.cluster.addHost(`n${this.#hosts++}`, true);
  }
}

/**
 * Whether all are active members and everybody knows what it has to: who is
 * near it, where not all are to be known, or else everybody.
 */
export function ringIsKnown(nodes: readonly SimulatedNode[]): boolean {
  const ring = activeNodes(nodes);
  if (ring.length < nodes.length) return false;
  if (nodes.some(({ machine }) => machine.window === undefined)) {
    return tablesAreEqual(nodes);
  }
  return ring.every(({ machine }, at) => {
    const known = new Set(machine.window!.map(({ id }) => id));
    const reach = (known.size - 1) >> 1;
    for (let step = -reach; step <= reach; step++) {
      const { id } = ring.at((at + step) % ring.length)!.machine;
      if (!known.has(id)) return false;
    }
    return true;
  });
}

/** Whether all are active members and everybody has the same table of them. */
export function tablesAreEqual(nodes: readonly SimulatedNode[]): boolean {
  for (const node of nodes) {
    if (recordOf(node)?.role !== Role.active) return false;
  }
  const [first, ...others] = nodes;
  if (first === undefined) return true;
  const wanted = tableOf(first);
  return wanted.size === nodes.length &&
    others.every((node) => {
      const table = tableOf(node);
      if (table.size !== wanted.size) return false;
      for (const [id, what] of table) if (wanted.get(id) !== what) return false;
      return true;
    });
}

/** What a node believes of all who are present, itself included. */
function tableOf({ machine }: SimulatedNode): Map<Id, string> {
  const table = new Map<Id, string>();
  for (const { id, incarnation, health, role, position } of machine.members) {
    if (health > Health.suspect) continue;
    table.set(id, `${incarnation} ${health} ${role} ${position}`);
  }
  return table;
}

/** How many of `nodes` do not know yet that a node is gone. */
export function unaware(gone: Id, nodes: readonly SimulatedNode[]): number {
  let count = 0;
  for (const { machine } of nodes) {
    const health = machine.member(gone)?.health ?? Health.dead;
    if (health <= Health.suspect) count++;
  }
  return count;
}

/** The value below which a share of all lies; of an empty list: 0. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.min(Math.ceil(share * sorted.length), sorted.length) - 1;
  return sorted[Math.max(0, at)] ?? 0;
}

/** Any `count` different ones. */
export function sample<T>(
  random: SeededRandom,
  from: readonly T[],
  count: number,
): T[] {
  const left = [...from];
  const taken: T[] = [];
  while (taken.length < count && left.length > 0) {
    taken.push(...left.splice(below(random, left.length), 1));
  }
  return taken;
}
