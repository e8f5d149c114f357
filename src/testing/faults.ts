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
import { type FaultKind, LATER_KINDS } from "./hazards.ts";
import type { SwarmOptions } from "./swarm.ts";
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

/** What is to go wrong. */
export type FaultOptions =
  & Pick<SwarmOptions, "seed" | "faults" | "downMaxMs">
  & Partial<Pick<SwarmOptions, "muted">>;

/** Keeps what some hosts send from reaching some others, for a while. */
type IsCut = (from: Host, to: Host) => boolean;
/** Clocks that are wrong by more than 5 min cannot write, which is intended. */
const JUMP_MS = 4 * 60_000;
const FAR_JUMP_MS = 10 * 60_000;
const FAR_JUMP_SHARE = 0.3;
const DRIFT_MAX = 0.05;
/** Kinds that are drawn apart from the others. */
const LATER: ReadonlySet<FaultKind> = new Set(LATER_KINDS);

/** Strikes at random, as often as the options say, until told to stop. */
export class Faults {
  readonly #cluster: Target;
  readonly #options: FaultOptions;
  readonly #random: SeededRandom;
  /** Of the kinds that are drawn apart from the others. */
  readonly #laterRandom: SeededRandom;
  readonly #counts = new Map<string, number>();
  #isOn = false;
  #cuts: IsCut[] = [];
  /** What strikes now is drawn, so that others stay as they are, no more. */
  #isMuted = false;
  /** By how much a clock was set ahead at most. */
  aheadMs = 0;

  constructor(
    cluster: Target,
    options: FaultOptions,
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = new SeededRandom(options.seed, "faults");
    this.#laterRandom = new SeededRandom(options.seed, "later kinds");
  }

  /** How often each kind has struck. */
  get summary(): string {
    return [...this.#counts].map(([kind, count]) => `${kind} ${count}`)
      .join(", ");
  }

  start(): void {
    this.#isOn = true;
    const rates = this.#options.faults;
    for (const kind of Object.keys(rates) as FaultKind[]) {
      if (rates[kind] > 0) this.#planNext(kind);
    }
  }

  /** No new faults; what is broken is mended. */
  stop(): void {
    this.#isOn = false;
    this.#cuts = [];
    const { simulator } = this.#cluster;
    simulator.network.heal();
    for (const node of simulator.nodes) {
      node.clock.setRight(simulator.nowMs);
      simulator.resume(node);
    }
    // A node may know no other url than that of a host that is down.
    for (const host of simulator.hosts) {
      // What runs something else is no part of what must be well.
      if (host.create === undefined) this.#start(host);
    }
    simulator.queue.after(INTRODUCED_MS, () => this.#cluster.introduce());
  }

  #planNext(kind: FaultKind): void {
    const random = isLater(kind) ? this.#laterRandom : this.#random;
    const meanMs = 60_000 / this.#options.faults[kind];
    const waitMs = -Math.log(1 - fraction(random)) * meanMs;
    this.#later(waitMs, () => {
      this.#isMuted = this.#options.muted?.includes(kind) === true;
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

  #strike(kind: FaultKind): boolean {
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
      case "ringSplit":
        return this.#ringSplit();
      case "clockJump":
      case "clockDrift":
        return this.#setClock(kind);
    }
  }

  #crash(silently: boolean): boolean {
    const { simulator } = this.#cluster;
    const victim = pick(this.#random, simulator.nodes);
    const downMs = fraction(this.#random) * this.#options.downMaxMs;
    if (victim === undefined || this.#isMuted) return false;
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
    if (node === undefined || this.#isMuted) return false;
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

  /** Arcs of the ring lose sight of each other; leaves go with one of them. */
  #ringSplit(): boolean {
    const random = this.#laterRandom;
    const { simulator } = this.#cluster;
    const ways = 2 + below(random, 4);
    const turn = fraction(random);
    const ring = activeNodes(simulator.nodes);
    const side = new Map<Host, number>();
    for (const [i, { host }] of ring.entries()) {
      side.set(host, Math.floor(ways * ((i / ring.length + turn) % 1)));
    }
    const sideOf = (host: Host) => side.get(host) ?? host.index % ways;
    return this.#cutForAWhile(
      (from, to) => sideOf(from) !== sideOf(to),
      random,
    );
  }

  #setClock(kind: "clockJump" | "clockDrift"): boolean {
    const random = this.#laterRandom;
    const { simulator } = this.#cluster;
    const node = pick(random, simulator.nodes);
    const isFar = fraction(random) < FAR_JUMP_SHARE;
    const spread = 2 * fraction(random) - 1;
    if (node === undefined || this.#isMuted) return false;
    const { nowMs } = simulator;
    if (kind === "clockDrift") {
      node.clock.run(nowMs, spread * DRIFT_MAX);
    } else {
      const jumpMs = spread * (isFar ? FAR_JUMP_MS : JUMP_MS);
      node.clock.jump(nowMs, jumpMs);
      this.aheadMs = Math.max(this.aheadMs, jumpMs);
    }
    return true;
  }

  #oneWayCut(): boolean {
    const host = pick(this.#random, this.#cluster.simulator.hosts)!;
    const isDeaf = fraction(this.#random) < 0.5;
    this.#cutForAWhile((from, to) => isDeaf ? to === host : from === host);
    return true;
  }

  /** Asked for each parcel: a loop, since a function would be made each time. */
  #isCut(from: Host, to: Host): boolean {
    for (const isCut of this.#cuts) if (isCut(from, to)) return true;
    return false;
  }

  /** Cuts until what it gives is called, or all is mended. */
  cut(isCut: IsCut): () => void {
    const { network } = this.#cluster.simulator;
    const apply = () => network.cut((from, to) => this.#isCut(from, to));
    this.#cuts.push(isCut);
    apply();
    return () => {
      this.#cuts = this.#cuts.filter((cut) => cut !== isCut);
      apply();
    };
  }

  #cutForAWhile(isCut: IsCut, random = this.#random): boolean {
    const forMs = CUT_MIN_MS * Math.pow(CUT_SPREAD, fraction(random));
    if (this.#isMuted) return false;
    this.#later(forMs, this.cut(isCut));
    return true;
  }

  #hurtLink(kind: "reset" | "halfOpen" | "blackHole" | "clog"): boolean {
    const { simulator } = this.#cluster;
    const { network } = simulator;
    const link = pick(this.#random, [...network.links]);
    const draw = fraction(this.#random);
    if (link === undefined || !isWhole(link) || this.#isMuted) return false;
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
    const forMs = 1_000 + 20_000 * fraction(this.#random);
    if (this.#isMuted) return false;
    network.slowDown(host, 10);
    this.#later(forMs, () => network.slowDown(host, 1));
    return true;
  }

  #refuse(): boolean {
    const { network } = this.#cluster.simulator;
    const share = fraction(this.#random);
    const forMs = 20_000 * fraction(this.#random);
    if (this.#isMuted) return false;
    network.refusedShare = share;
    this.#later(forMs, () => network.refusedShare = 0);
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
    if (recordOf(node)?.role !== Role.active || this.#isMuted) return false;
    return this.#cluster.leave(
      node,
      () => this.#comeBack(node.host, downMs),
    );
  }
}

function isLater(kind: FaultKind): boolean {
  return LATER.has(kind);
}

function isWhole({ dialler, listener }: Link): boolean {
  return dialler.isOpen && listener.isOpen;
}
