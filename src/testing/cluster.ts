/**
 * Applications around the nodes of one simulated ring: they start a node,
 * connect it, make it join, and try again when that fails, as a program with a
 * list of urls would.
 *
 * @module
 */
import { fraction, pick, SeededRandom } from "../base/random.ts";
import { Health, Role } from "../wire/messages.ts";
import { noLostWrite, oneRing } from "./checkers.ts";
import { versionText } from "./history.ts";
import { Confirmations } from "./confirm_checkers.ts";
import { Copies } from "./copy_checkers.ts";
import { type Acknowledged, Ledger } from "./ledger.ts";
import type { CreateMachine, Host, Outcome, SimulatedNode } from "./node.ts";
import { holdersOf, names, recordOf, ringSeenBy } from "./truth.ts";
import { report, Simulator, type SimulatorOptions } from "./simulator.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const JOIN_TIMEOUT_MS = 30_000;
const LEAVE_TIMEOUT_MS = 30_000;
const RETRY_MS = 500;
/** Of nodes that have everything, how many begin alone. */
const ALONE_SHARE = 0.3;
/** How often what is owed is compared with what is held. */
const AUDIT_MS = 10_000;
/** Confirmations on which a copy is dropped are no older than this. */
const CONFIRMED_MS = 6_000;
/** An end this recent may explain why a dropped copy is one of too few. */
const RECENT_MS = AUDIT_MS + 7_000;
/** Of the alphabet. */
const LETTERS = 26;

/** One ring to be, and what it owes. */
export class Cluster {
  readonly simulator: Simulator;
  readonly ledger: Ledger;
  readonly #random: SeededRandom;
  readonly #memberHosts = new Set<Host>();
  readonly #leaving = new Set<SimulatedNode>();
  readonly #endedMs: number[] = [];

  constructor(options: SimulatorOptions) {
    this.simulator = new Simulator(options);
    this.ledger = new Ledger(options.replicas);
    this.#random = new SeededRandom(options.seed, "cluster");
    const copies = new Copies(this.ledger);
    this.simulator.onCopy = (node, id, copy) => {
      if (copy !== undefined) {
        const finding = copies.versionsNeverFall(node, id, copy);
        return report("versionsNeverFall", finding);
      }
      const { nodes } = this.simulator;
      const ended = this.#endedWithin(CONFIRMED_MS);
      const finding = copies.copiesAreDroppedSafely(node, id, nodes, ended);
      report("copiesAreDroppedSafely", finding);
    };
    const confirmations = new Confirmations(options.replicas);
    this.simulator.onHeard = (end, frame) => confirmations.onHeard(end, frame);
    this.simulator.onSaid = (end, frame) =>
      report("confirmersHold", confirmations.confirmersHold(end, frame));
  }

  /** The processes that are, or try to become, members. */
  get members(): SimulatedNode[] {
    if (this.simulator.isSync) return this.simulator.nodes;
    return this.simulator.nodes.filter((node) =>
      this.#memberHosts.has(node.host)
    );
  }

  /** A host for a member, or for a leaf, which cannot be dialled. */
  addHost(name: string, isMember: boolean, create?: CreateMachine): Host {
    const host = this.simulator.addHost(name, isMember, create);
    if (isMember) this.#memberHosts.add(host);
    return host;
  }

  /** Starts a process that joins without knowing anybody: a ring of one. */
  found(host: Host): SimulatedNode {
    const node = this.simulator.start(host);
    this.#join(node);
    return node;
  }

  /**
   * Starts a process and does not rest until it takes part. It tries the hosts
   * of all members, or those that are given.
   */
  boot(host: Host, contacts?: readonly Host[]): SimulatedNode {
    const others = contacts ??
      [...this.#memberHosts].filter((other) => other !== host);
    const node = this.simulator.start(host);
    // Whoever needs nobody may be a ring of its own before it meets others.
    const { isSync } = this.simulator;
    if (isSync && fraction(this.#random) < ALONE_SHARE) this.#join(node);
    this.#connect(node, others);
    return node;
  }

  /**
   * Connects nodes that nothing could bring together: of two groups nobody has
   * ever heard of anybody in the other one. It is for people to know both.
   */
  introduce(): void {
    const groups: Set<SimulatedNode>[] = [];
    for (const node of this.simulator.nodes) {
      const known = this.#knownTo(node);
      const met = groups.filter((group) => {
        return [...group].some((other) =>
          known.has(other.host.url) || this.#knownTo(other).has(node.host.url)
        );
      });
      for (const group of met) groups.splice(groups.indexOf(group), 1);
      groups.push(new Set([node, ...met.flatMap((group) => [...group])]));
    }
    // A leaf cannot be dialled: where somebody else is, it speaks for all.
    const speakers = groups.map((group) => {
      const nodes = [...group];
      return nodes.find(({ host }) => host.url !== "") ?? nodes[0]!;
    });
    const dialled = speakers.find(({ host }) => host.url !== "");
    if (dialled === undefined) return;
    const { url } = dialled.host;
    const timeoutMs = CONNECT_TIMEOUT_MS;
    for (const node of speakers) {
      if (node === dialled) continue;
      this.simulator.call(node, { type: "connect", url, timeoutMs }, () => {});
    }
  }

  /** Urls under which a node may find others. */
  #knownTo({ machine }: SimulatedNode): Set<string> {
    const { members } = machine;
    const heard = members.filter(({ health, url }) =>
      health !== Health.left && url !== ""
    );
    return new Set(heard.map(({ url }) => url));
  }

  /** Whether the end of a process leaves everything that is owed in safety. */
  mayEnd(victim: SimulatedNode): boolean {
    this.audit();
    return this.ledger.permitsEndOf(victim, this.simulator.nodes);
  }

  crash(node: SimulatedNode, silently: boolean): void {
    this.simulator.crash(node, silently);
    this.#endedMs.push(this.simulator.nowMs);
  }

  /**
   * Makes a member leave, however often it must ask; `done` runs when its
   * process has ended. Where all have everything it just closes.
   *
   * @returns whether it was not leaving already, and may
   */
  leave(node: SimulatedNode, done: () => void): boolean {
    if (this.#leaving.has(node)) return false;
    if (this.simulator.isSync && !this.mayEnd(node)) return false;
    this.#leaving.add(node);
    if (this.simulator.isSync) {
      this.#close(node, done);
      return true;
    }
    this.#leave(node, done);
    return true;
  }

  #leave(node: SimulatedNode, done: () => void): void {
    const { queue, nodes } = this.simulator;
    const startMs = this.simulator.nowMs;
    const held = [...this.ledger.owed].filter(({ key, version }) =>
      holdersOf(key, version, [node]).length > 0
    );
    const isWhole = oneRing(nodes) === undefined;
    this.simulator.call(
      node,
      { type: "leave", timeoutMs: LEAVE_TIMEOUT_MS },
      (outcome) => {
        if (outcome.type === "ok") {
          if (isWhole) this.#judgeLeave(node, held, startMs);
          queue.after(0, () => this.#close(node, done));
        } else if (outcome.type === "failed") {
          this.#retry(node, () => this.#leave(node, done));
        }
      },
    );
  }

  /** What a leaver held is with as many others as there should be. */
  #judgeLeave(
    leaver: SimulatedNode,
    held: readonly Acknowledged[],
    startMs: number,
  ): void {
    const others = this.simulator.nodes.filter((node) => node !== leaver);
    // Who ended since may have been one of those who confirmed.
    const ended = this.#endedMs.filter((ms) => ms >= startMs).length;
    const ring = ringSeenBy(leaver).length;
    const least = Math.min(this.ledger.replicas, ring) - ended;
    for (const { key, version } of held) {
      const holders = holdersOf(key, version, others);
      if (holders.length >= least) continue;
      report(
        "leaversHandOver",
        `${leaver.name} has left with "${key.text}" ${versionText(version)} ` +
          `held by [${names(holders)}] only`,
      );
    }
  }

  /** Audits again and again, for as long as the run lasts. */
  keepAuditing(): void {
    this.audit();
    this.simulator.queue.after(AUDIT_MS, () => this.keepAuditing());
  }

  /** Compares what is owed with what is held. */
  audit(): void {
    const { nodes } = this.simulator;
    const ended = this.#endedWithin(RECENT_MS);
    report("noLostWrite", noLostWrite(this.ledger, nodes));
    report(
      "copiesAreDroppedSafely",
      this.ledger.audit(nodes, ended),
    );
  }

  /** How many processes have ended in the last `ms`. */
  #endedWithin(ms: number): number {
    const sinceMs = this.simulator.nowMs - ms;
    return this.#endedMs.filter((endMs) => endMs >= sinceMs).length;
  }

  /** Two that just came up and know only each other would stay a ring apart. */
  #connect(node: SimulatedNode, contacts: readonly Host[]): void {
    const useful = contacts.filter((host) =>
      host.node === undefined || recordOf(host.node)?.role === Role.active
    );
    const url = pick(this.#random, useful)?.url;
    if (url === undefined) {
      this.#retry(node, () => this.#connect(node, contacts));
      return;
    }
    this.simulator.call(
      node,
      { type: "connect", url, timeoutMs: CONNECT_TIMEOUT_MS },
      (outcome) => {
        if (outcome.type === "failed") {
          this.#retry(node, () => this.#connect(node, contacts));
        } else if (outcome.type === "ok" && this.#isToJoin(node)) {
          this.simulator.queue.after(0, () => this.#join(node));
        }
      },
    );
  }

  #join(node: SimulatedNode): void {
    if (!node.isAlive) return;
    const done = (outcome: Outcome) => {
      if (outcome.type === "failed") this.#retry(node, () => this.#join(node));
    };
    // Where everybody is a member, whoever waits to have everything takes part.
    const type = this.simulator.isSync ? "settled" : "join";
    this.simulator.call(node, { type, timeoutMs: JOIN_TIMEOUT_MS }, done);
  }

  #isToJoin(node: SimulatedNode): boolean {
    return !this.simulator.isSync && this.#memberHosts.has(node.host);
  }

  #close(node: SimulatedNode, done: () => void): void {
    if (!node.isAlive) return;
    this.simulator.call(node, { type: "close" }, (outcome) => {
      if (outcome.type === "lost") return;
      this.simulator.queue.after(0, () => {
        if (!node.isAlive) return;
        const { timers } = node.machine.stats;
        const finding = `${node.name} has closed with ${timers} deadlines`;
        report("deadlinesEnd", timers === 0 ? undefined : finding);
        this.simulator.crash(node, false);
        this.#endedMs.push(this.simulator.nowMs);
        this.audit();
        done();
      });
    });
  }

  #retry(node: SimulatedNode, what: () => void): void {
    this.simulator.queue.after(RETRY_MS, () => {
      if (node.isAlive) what();
    });
  }
}

/**
 * The name of a run's host: "A" to "Z", then "AA" and so on. Urls are in lower
 * case, and two nodes at one url would drive each other out for ever; digits
 * are for the processes of a host.
 */
export function hostName(index: number): string {
  const round = Math.floor(index / LETTERS);
  const letter = String.fromCharCode(65 + index % LETTERS);
  return round === 0 ? letter : hostName(round - 1) + letter;
}
