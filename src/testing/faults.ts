/**
 * What goes wrong during a run, when, and for how long.
 *
 * @module
 */
import {
  below,
  fraction,
  pick,
  SeededRandom,
  shuffled,
} from "../base/random.ts";
import { Role } from "../wire/messages.ts";
import type { Link } from "./link.ts";
import type { Host, SimulatedNode } from "./node.ts";
import type { Simulator } from "./simulator.ts";
import type { FaultRates, SwarmOptions } from "./swarm.ts";
import { activeNodes, recordOf } from "./truth.ts";

/** Members that must go on for a crash to be allowed: somebody to come back to. */
const MEMBERS_LEFT_MIN = 2;
/** After this long without faults, who never heard of each other is connected. */
const INTRODUCED_MS = 15_000;
/** Cuts last from half a second to two and a half minutes. */
const CUT_MIN_MS = 500;
const CUT_SPREAD = 300;
/** Below this many members nobody leaves. */
const MEMBERS_TO_LEAVE_MIN = 4;

/** What faults strike, and what brings it up again. */
export interface Target {
  readonly simulator: Pick<
    Simulator,
    "hosts" | "network" | "nodes" | "nowMs" | "pause" | "queue" | "resume"
  >;
  /** Whether the end of a process leaves everything that is owed in safety. */
  mayEnd(victim: SimulatedNode): boolean;
  crash(node: SimulatedNode, silently: boolean): void;
  /** Starts a process that takes part again. */
  boot(host: Host): void;
  /** Makes a member leave; `false` if it does so already, or may not. */
  leave(node: SimulatedNode, done: () => void): boolean;
  /** Connects those who never heard of each other. */
  introduce(): void;
}

/** Keeps what some hosts send from reaching some others, for a while. */
type IsCut = (from: Host, to: Host) => boolean;

/** Strikes at random, as often as the options say, until told to stop. */
export class Faults {
  readonly #cluster: Target;
  readonly #options: Pick<SwarmOptions, "seed" | "faults" | "downMaxMs">;
  readonly #random: SeededRandom;
  readonly #counts = new Map<string, number>();
  #isOn = false;
  #cuts: IsCut[] = [];

  constructor(
    cluster: Target,
    options: Pick<SwarmOptions, "seed" | "faults" | "downMaxMs">,
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = new SeededRandom(options.seed, "faults");
  }

  /** How often each kind has struck. */
  get summary(): string {
    return [...this.#counts].map(([kind, count]) => `${kind} ${count}`)
      .join(", ");
  }

  start(): void {
    this.#isOn = true;
    const rates = this.#options.faults;
    for (const kind of Object.keys(rates) as (keyof FaultRates)[]) {
      if (rates[kind] > 0) this.#planNext(kind);
    }
  }

  /** No new faults; what is broken is mended. */
  stop(): void {
    this.#isOn = false;
    this.#cuts = [];
    const { simulator } = this.#cluster;
    simulator.network.heal();
    for (const node of simulator.nodes) simulator.resume(node);
    // A node may know no other url than that of a host that is down.
    for (const host of simulator.hosts) this.#start(host);
    simulator.queue.after(INTRODUCED_MS, () => this.#cluster.introduce());
  }

  #planNext(kind: keyof FaultRates): void {
    const meanMs = 60_000 / this.#options.faults[kind];
    const waitMs = -Math.log(1 - fraction(this.#random)) * meanMs;
    this.#later(waitMs, () => {
      if (this.#strike(kind)) {
        this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
      }
      this.#planNext(kind);
    });
  }

  /** Runs something later, unless the faults are over by then. */
  #later(delayMs: number, run: () => void): void {
    this.#cluster.simulator.queue.after(delayMs, () => {
      if (this.#isOn) run();
    });
  }

  #strike(kind: keyof FaultRates): boolean {
    switch (kind) {
      case "crash":
        return this.#crash(false);
      case "powerLoss":
        return this.#crash(true);
      case "pause":
        return this.#pause();
      case "split":
        return this.#split();
      case "oneWayCut":
        return this.#oneWayCut();
      case "reset":
      case "halfOpen":
      case "blackHole":
      case "clog":
        return this.#hurtLink(kind);
      case "slow":
        return this.#slow();
      case "refuse":
        return this.#refuse();
      case "leave":
        return this.#leave();
    }
  }

  #crash(silently: boolean): boolean {
    const { simulator } = this.#cluster;
    const victim = pick(this.#random, simulator.nodes);
    const downMs = fraction(this.#random) * this.#options.downMaxMs;
    if (victim === undefined) return false;
    const others = activeNodes(simulator.nodes).filter((node) =>
      node !== victim
    );
    if (others.length < MEMBERS_LEFT_MIN) return false;
    if (!this.#cluster.mayEnd(victim)) return false;
    this.#cluster.crash(victim, silently);
    this.#comeBack(victim.host, downMs);
    return true;
  }

  #comeBack(host: Host, afterMs: number): void {
    // Whoever is gone when all is mended, or goes then, comes back at once.
    if (this.#isOn) this.#later(afterMs, () => this.#start(host));
    else this.#start(host);
  }

  #start(host: Host): void {
    if (host.node === undefined) this.#cluster.boot(host);
  }

  #pause(): boolean {
    const { simulator } = this.#cluster;
    const node = pick(
      this.#random,
      simulator.nodes.filter((node) => !node.isPaused),
    );
    const forMs = 100 * Math.pow(300, fraction(this.#random));
    if (node === undefined) return false;
    simulator.pause(node);
    this.#later(forMs, () => simulator.resume(node));
    return true;
  }

  #split(): boolean {
    const groups = 2 + below(this.#random, 2);
    const side = new Map<Host, number>();
    for (const host of shuffled(this.#random, this.#cluster.simulator.hosts)) {
      side.set(host, below(this.#random, groups));
    }
    this.#cutForAWhile((from, to) => side.get(from) !== side.get(to));
    return true;
  }

  #oneWayCut(): boolean {
    const host = pick(this.#random, this.#cluster.simulator.hosts)!;
    const isDeaf = fraction(this.#random) < 0.5;
    this.#cutForAWhile((from, to) => isDeaf ? to === host : from === host);
    return true;
  }

  /** Cuts until what it gives is called, or all is mended. */
  cut(isCut: IsCut): () => void {
    const { network } = this.#cluster.simulator;
    const apply = () =>
      network.cut((from, to) => this.#cuts.some((cut) => cut(from, to)));
    this.#cuts.push(isCut);
    apply();
    return () => {
      this.#cuts = this.#cuts.filter((cut) => cut !== isCut);
      apply();
    };
  }

  #cutForAWhile(isCut: IsCut): void {
    const mend = this.cut(isCut);
    const forMs = CUT_MIN_MS * Math.pow(CUT_SPREAD, fraction(this.#random));
    this.#later(forMs, mend);
  }

  #hurtLink(kind: "reset" | "halfOpen" | "blackHole" | "clog"): boolean {
    const { simulator } = this.#cluster;
    const { network } = simulator;
    const link = pick(this.#random, [...network.links]);
    const draw = fraction(this.#random);
    if (link === undefined || !isWhole(link)) return false;
    switch (kind) {
      case "reset":
        network.reset(link);
        break;
      case "halfOpen":
        network.halfOpen(draw < 0.5 ? link.dialler : link.listener);
        break;
      case "blackHole":
        link.isBlackHole = true;
        break;
      case "clog":
        network.clog(link, simulator.nowMs + 100 * Math.pow(100, draw));
    }
    return true;
  }

  #slow(): boolean {
    const { network, hosts } = this.#cluster.simulator;
    const host = pick(this.#random, hosts)!;
    network.slowDown(host, 10);
    this.#later(
      1_000 + 20_000 * fraction(this.#random),
      () => network.slowDown(host, 1),
    );
    return true;
  }

  #refuse(): boolean {
    const { network } = this.#cluster.simulator;
    network.refusedShare = fraction(this.#random);
    this.#later(
      20_000 * fraction(this.#random),
      () => network.refusedShare = 0,
    );
    return true;
  }

  #leave(): boolean {
    const { simulator } = this.#cluster;
    const active = activeNodes(simulator.nodes);
    const node = pick(this.#random, active);
    const downMs = fraction(this.#random) * this.#options.downMaxMs;
    if (node === undefined || active.length < MEMBERS_TO_LEAVE_MIN) {
      return false;
    }
    if (recordOf(node)?.role !== Role.active) return false;
    return this.#cluster.leave(
      node,
      () => this.#comeBack(node.host, downMs),
    );
  }
}

function isWhole({ dialler, listener }: Link): boolean {
  return dialler.isOpen && listener.isOpen;
}
