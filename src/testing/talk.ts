/**
 * What applications tell each other while the world breaks around them:
 * broadcasts, alone and in bursts, and replies to single nodes.
 *
 * @module
 */
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";
import { below, fraction, pick, SeededRandom } from "../base/random.ts";
import { type Id, randomId } from "../id/id.ts";
import type { Notice } from "../mesh/events.ts";
import { Inbox } from "../mesh/framer.ts";
import { decode } from "../wire/codec.ts";
import {
  Health,
  type Letter,
  type Message,
  PacketKind,
} from "../wire/messages.ts";
import type { Finding } from "./checkers.ts";
import type { Endpoint } from "./link.ts";
import type { Host, Outcome, SimulatedNode } from "./node.ts";
import { report, type Simulator } from "./simulator.ts";
import type { SwarmOptions } from "./swarm.ts";
import { Broadcasts, castsAreThrifty, Replies } from "./talk_checkers.ts";

/** Mean time between two things that somebody says. */
const PAUSE_MS = 1_500;
/** Shares of what is said. */
const REPLY_SHARE = 0.3;
const BURST_SHARE = 0.1;
/** More than a node takes for the beginning of what another one says. */
export const TALK_BURST = 12;
/** Delays that no repair begins in are this short. */
const THRIFTY_LATENCY_MS = 10;
/** Broadcasts near the ends of the calm time may begin or end outside it. */
const MARGIN_MS = 2_000;

/** Applications that talk, and the record of what they heard. */
export class Talk {
  readonly #simulator: Simulator;
  readonly #options: SwarmOptions;
  readonly #random: SeededRandom;
  readonly #broadcasts = new Broadcasts();
  readonly #replies = new Replies();
  readonly #names = new Map<Id, string>();
  readonly #inboxes = new WeakMap<Endpoint, Inbox>();
  /** Messages that each broadcast of the calm time took. */
  readonly #counts = new Map<string, number>();
  #isRunning = false;
  #said = 0;

  constructor(simulator: Simulator, options: SwarmOptions) {
    this.#simulator = simulator;
    this.#options = options;
    this.#random = new SeededRandom(options.seed, "talk");
  }

  /** @param calmUntilMs nothing goes wrong until then */
  start(hosts: readonly Host[], calmUntilMs: number): void {
    this.#isRunning = true;
    this.#next(hosts);
    const { nowMs, queue } = this.#simulator;
    const { network, limits } = this.#options;
    // Who reads slowly, or waits to dial, may be late enough to ask again.
    const isQuick = network.latencyMaxMs <= THRIFTY_LATENCY_MS &&
      Object.keys(limits).length === 0;
    if (!isQuick || calmUntilMs - nowMs < 4 * MARGIN_MS) return;
    queue.at(nowMs + MARGIN_MS, () => this.#count(calmUntilMs));
  }

  /** Nobody says anything new. */
  stop(): void {
    this.#isRunning = false;
  }

  /** Takes what an application is told. */
  onNotice(node: SimulatedNode, notice: Notice): void {
    if (notice.type === "lagged") {
      const { origin, first, last } = notice;
      const count = last - first + 1;
      this.#broadcasts.lag(node.name, this.#nameOf(origin), count);
    }
    if (notice.type !== "letter") return;
    const [what, who, number] = textOf(notice.letter).split(" ");
    if (what === "reply") {
      const reply = `${who} ${number}`;
      report("repliesOnce", this.#replies.repliesOnce(reply, node.name));
      return;
    }
    const args = [node.name, who!, Number(number)] as const;
    report("castsInOrder", this.#broadcasts.castsInOrder(...args));
    report("castsComplete", this.#broadcasts.castsComplete(...args));
  }

  /** What somebody who runs should have heard and has not. */
  unheard(): Finding {
    const names = this.#simulator.nodes.map(({ name }) => name);
    return this.#broadcasts.castsCompleteAtRest(new Set(names));
  }

  #next(hosts: readonly Host[]): void {
    const pauseMs = -Math.log(1 - fraction(this.#random)) * PAUSE_MS;
    this.#simulator.queue.after(pauseMs, () => {
      if (!this.#isRunning) return;
      this.#say(pick(this.#random, hosts)!);
      this.#next(hosts);
    });
  }

  #say(host: Host): void {
    // Drawn whether or not somebody is there: a crash must not shift the rest.
    const draw = fraction(this.#random);
    const size = below(this.#random, this.#options.valueBytesMax);
    const at = this.#random.uint32();
    const { node } = host;
    if (node === undefined || node.isPaused) return;
    if (draw < REPLY_SHARE) return this.#reply(node, at, size);
    const count = draw < REPLY_SHARE + BURST_SHARE ? TALK_BURST : 1;
    for (let i = 0; i < count; i++) this.#cast(node, size);
  }

  #cast(node: SimulatedNode, size: number): void {
    const { name, machine } = node;
    this.#names.set(machine.id, name);
    const number = this.#broadcasts.say(name, this.#obliged(node));
    const letter = this.#letter(`cast ${name} ${number}`, size);
    this.#simulator.call(node, { type: "cast", letter }, () => {});
  }

  #reply(node: SimulatedNode, at: number, size: number): void {
    const { name, machine } = node;
    const others = machine.members.filter(({ id, health }) =>
      id !== machine.id && health <= Health.suspect
    );
    const to = others[at % Math.max(1, others.length)];
    if (to === undefined) return;
    const reply = `${name} ${++this.#said}`;
    const letter = this.#letter(`reply ${reply}`, size);
    const { timeoutMs } = this.#options;
    this.#simulator.call(
      node,
      { type: "note", to: to.id, letter, timeoutMs },
      (outcome) => this.#onReplied(reply, outcome),
    );
  }

  #onReplied(reply: string, outcome: Outcome): void {
    const end = outcome.type === "ok"
      ? "ok"
      : outcome.type === "lost"
      ? "maybe"
      : outcome.error.applied;
    report("repliesAreTrue", this.#replies.repliesAreTrue(reply, end));
  }

  /** The nodes that know `node` and that it knows. */
  #obliged(node: SimulatedNode): ReadonlySet<string> {
    const obliged = new Set<string>();
    for (const other of this.#simulator.nodes) {
      if (other === node) continue;
      if (knows(node, other) && knows(other, node)) obliged.add(other.name);
    }
    return obliged;
  }

  #letter(text: string, size: number): Letter {
    return {
      id: randomId(this.#random),
      time: Math.floor(this.#simulator.nowMs),
      inReplyTo: undefined,
      packets: [
        { kind: PacketKind.text, bytes: utf8(text) },
        { kind: PacketKind.bytes, bytes: new Uint8Array(size) },
      ],
    };
  }

  /** The name of a node that has said something. */
  #nameOf(id: Id): string {
    return this.#names.get(id) ?? id;
  }

  /** Counts the messages of broadcasts that begin while all is calm. */
  #count(calmUntilMs: number): void {
    const { nowMs, nodes, queue } = this.#simulator;
    // Through others a message takes more than one.
    const isWhole = nodes.every((node) =>
      nodes.every((other) => knows(node, other) && isLinked(node, other))
    );
    if (!isWhole) return;
    const lastMs = calmUntilMs - MARGIN_MS;
    const begun = new Set<string>();
    this.#simulator.network.onFrameTaken = (end, frame) => {
      for (const cast of this.#castsIn(end, frame)) {
        // What began before this one is counted from its middle on.
        if (queue.nowMs < nowMs + MARGIN_MS) begun.add(cast);
        else if (queue.nowMs > lastMs && !this.#counts.has(cast)) continue;
        this.#counts.set(cast, (this.#counts.get(cast) ?? 0) + 1);
      }
    };
    queue.at(calmUntilMs, () => {
      this.#simulator.network.onFrameTaken = undefined;
      for (const cast of begun) this.#counts.delete(cast);
      const finding = castsAreThrifty(this.#counts, nodes.length - 1);
      report("castsAreThrifty", finding);
    });
  }

  *#castsIn(end: Endpoint, frame: Bytes): Generator<string> {
    for (const bytes of this.#messagesIn(end, frame)) {
      let message: Message = decode(bytes);
      if (message.type === "relay") message = decode(message.message);
      if (message.type === "cast") {
        yield `${message.origin} ${message.sequence}`;
      }
    }
  }
  /** The first frame looked at may begin in the middle of a message. */
  #messagesIn(end: Endpoint, frame: Bytes): readonly Bytes[] {
    const inbox = this.#inboxes.get(end);
    const isFirst = inbox === undefined;
    try {
      const used = inbox ?? new Inbox();
      this.#inboxes.set(end, used);
      return used.take(frame);
    } catch (error) {
      if (!isFirst) throw error;
      this.#inboxes.delete(end);
      return [];
    }
  }
}

function knows(node: SimulatedNode, other: SimulatedNode): boolean {
  const { id } = other.machine;
  return node.machine.members.some((record) =>
    record.id === id && record.health <= Health.suspect
  );
}

function isLinked(node: SimulatedNode, other: SimulatedNode): boolean {
  if (node === other) return true;
  return [...node.endpoints.values()].some((end) =>
    end.isOpen && end.other.owner === other
  );
}

function textOf({ packets }: Letter): string {
  return fromUtf8(packets[0]!.bytes);
}
