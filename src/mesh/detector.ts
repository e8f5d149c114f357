/**
 * Who is alive.
 *
 * Each node watches the four neighbours on both sides in the order of the ids,
 * and one random node a second besides. A link that breaks is news within a
 * round trip, but no proof: the node is dialled again, by others as well, and
 * only when nobody is let in is it dead at once. Silence is weaker: it leads to
 * a suspicion, which the suspect can refute, and which becomes death the sooner
 * the more nodes share it (SWIM, Das and others, 2002; Lifeguard, 2017).
 *
 * A node whose own clock ticks late does not judge others: what it has not
 * heard may be waiting in its own queues.
 *
 * @module
 */
import { PROBES_PENDING_MAX } from "../base/limits.ts";
import { jittered, shuffled } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import { encode, laneOf } from "../wire/codec.ts";
import {
  Health,
  type MemberRecord,
  type MessageOf,
  Probed,
} from "../wire/messages.ts";
import type { Mark } from "./broadcast.ts";
import { CloseCode } from "./close_codes.ts";
import type { Context } from "./context.ts";
import { type Dialler, neighbours } from "./dialler.ts";
import type { DialOutcome } from "./dials.ts";
import type { Link } from "./link.ts";
import type { Links } from "./links.ts";
import type { Requests } from "./requests.ts";
import { Suspicions } from "./suspicions.ts";
import { isPresent, type Table } from "./table.ts";

/** Nodes that are asked to probe a silent one. */
const PROBERS_SILENT = 3;
/** Nodes that are asked to dial one whose link broke. */
const PROBERS_CLOSED = 2;
/** A probe on behalf of another node takes this share of its patience. */
const SECOND_HAND_SHARE = 0.6;
/** A wake-up later than this, in ms, is a sign of the node's own trouble. */
const LATE_MS = 500;
/** The local health multiplier ends here. */
const MULTIPLIER_MAX = 8;
/** Ticks for each heartbeat: silence is looked for more often than told. */
const TICKS_PER_HEARTBEAT = 2;
/** Ticks after which a node trusts itself a little more. */
const TICKS_PER_PARDON = 20;

/** What the detector does with what it finds. */
export interface DetectorHandlers {
  announce(record: MemberRecord): void;
  marks(): readonly Mark[];
  /** This node slept so long that others may have given it up. */
  onSlept(): void;
}

/** The question whether one node is alive. */
interface Check {
  readonly target: Id;
  /** Answers that are still expected. */
  waiting: number;
  isRefusedHere: boolean;
  isRefusedThere: boolean;
  /** How many other nodes were asked. */
  readonly asked: number;
}

/** One node's failure detector. */
export class Detector {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #requests: Requests;
  readonly #dialler: Dialler;
  readonly #handlers: DetectorHandlers;
  readonly #suspicions: Suspicions;
  readonly #checks = new Map<Id, Check>();
  #multiplier = 1;
  /** Until then nothing is said about others. */
  #quietUntilMs = -Infinity;
  #probesForOthers = 0;
  #neighboursOf: readonly Id[] | undefined;
  #neighbours: readonly Id[] = [];
  /** Whom to probe at random next, last first. */
  #round: Id[] = [];
  #ticks = 0;

  constructor(
    context: Context,
    table: Table,
    links: Links,
    requests: Requests,
    dialler: Dialler,
    handlers: DetectorHandlers,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#requests = requests;
    this.#dialler = dialler;
    this.#handlers = handlers;
    this.#suspicions = new Suspicions(context, table, (record) => {
      this.#onSuspicionOver(record);
    });
    this.#planTick(context.random.uint32() / 0x1_0000_0000);
  }

  /**
   * The step comes later than it was asked for: if by much, this node slept,
   * and judges nobody for a while.
   *
   * @returns whether it slept
   */
  onWake(lateMs: number): boolean {
    if (lateMs <= LATE_MS) return false;
    const { heartbeatMs } = this.#context.options.timings;
    this.#raise();
    this.#quietUntilMs = this.#context.nowMs + heartbeatMs;
    this.#checks.clear();
    for (const link of this.#links.primaries) {
      link.lastHeardMs = this.#context.nowMs;
    }
    this.#suspicions.postpone(this.#quietUntilMs);
    this.#handlers.onSlept();
    return true;
  }

  /** The last link to a node broke without a word. */
  onLinkLost(id: Id): void {
    const record = this.#table.get(id);
    if (record === undefined || !isPresent(record)) return;
    this.#check(id, PROBERS_CLOSED, true);
  }

  onDialled(target: Id, outcome: DialOutcome): void {
    const record = this.#table.get(target);
    if (record === undefined || !isPresent(record)) return;
    // The new node would not be there if the old one were.
    if (outcome === "replaced") return this.#declare(target, Health.dead);
    if (outcome === "linked" || this.#checks.has(target)) return;
    this.#check(target, PROBERS_CLOSED, false, outcome === "refused");
  }

  onRecord(before: MemberRecord | undefined, after: MemberRecord): void {
    if (after.health === Health.suspect) {
      this.#suspicions.begin(after);
      return;
    }
    if (before?.health === Health.suspect) this.#suspicions.end(after.id);
    if (isPresent(after)) return;
    this.#checks.delete(after.id);
    const link = this.#links.to(after.id);
    if (link !== undefined && after.health === Health.dead) {
      this.#links.close(link, CloseCode.silent, "the peer is taken for dead");
    }
  }

  /** Another node suspects `record`'s node, too. */
  onSuspicionHeard(record: MemberRecord): void {
    this.#suspicions.confirm(record.id);
  }

  /** This node was suspected itself: its own answers may be what is slow. */
  onRefuted(): void {
    this.#raise();
  }

  /** Probes a node because another one asks for it. */
  onProbe(message: MessageOf<"probe">, from: Link): void {
    const { request, target } = message;
    const answer = (outcome: number) => {
      this.#links.send(from, { type: "probed", request, outcome });
    };
    if (target === this.#table.self.id) return answer(Probed.alive);
    if (this.#probesForOthers >= PROBES_PENDING_MAX) {
      return answer(Probed.silent);
    }
    const timeoutMs = SECOND_HAND_SHARE * this.#context.options.timings.probeMs;
    if (this.#links.to(target) === undefined) {
      return this.#dialFor(target, timeoutMs, answer);
    }
    this.#probesForOthers++;
    this.#ping(target, timeoutMs, (failure) => {
      this.#probesForOthers--;
      // The link just broke: that says nothing yet, a dial does.
      if (failure === "unreachable") this.#dialFor(target, timeoutMs, answer);
      else answer(failure === undefined ? Probed.alive : Probed.silent);
    });
  }

  #dialFor(
    target: Id,
    timeoutMs: number,
    answer: (outcome: number) => void,
  ): void {
    let isDone = false;
    const done = (outcome: number) => {
      if (isDone) return;
      isDone = true;
      this.#probesForOthers--;
      this.#context.timers.cancel(timer);
      answer(outcome);
    };
    this.#probesForOthers++;
    const timer = this.#context.timers.at(
      this.#context.nowMs + timeoutMs,
      () => done(Probed.silent),
    );
    const isTried = this.#dialler.attempt(target, (outcome) => {
      if (outcome === "linked") done(Probed.alive);
      else done(outcome === "silent" ? Probed.silent : Probed.refused);
    });
    if (!isTried) done(Probed.silent);
  }

  #planTick(share: number): void {
    const { heartbeatMs } = this.#context.options.timings;
    const periodMs = heartbeatMs / TICKS_PER_HEARTBEAT;
    this.#context.timers.at(this.#context.nowMs + periodMs * share, () => {
      this.#tick();
      this.#planTick(jittered(this.#context.random, 1, 0.1));
    });
  }

  #tick(): void {
    if (this.#table.order !== this.#neighboursOf) {
      this.#neighboursOf = this.#table.order;
      this.#neighbours = neighbours(this.#table.order, this.#table.self.id);
    }
    this.#ticks++;
    if (this.#ticks % TICKS_PER_PARDON === 0) this.#lower();
    if (this.#ticks % TICKS_PER_HEARTBEAT === 0) {
      this.#beat();
      this.#probeOne();
    }
    const { silenceMs } = this.#context.options.timings;
    const sinceMs = this.#context.nowMs - silenceMs * this.#multiplier;
    for (const id of this.#neighbours) {
      const link = this.#links.to(id);
      if (link === undefined || link.lastHeardMs > sinceMs) continue;
      this.#check(id, PROBERS_SILENT, false);
    }
  }

  /** One heartbeat to each neighbour that has not heard anything lately. */
  #beat(): void {
    const { heartbeatMs } = this.#context.options.timings;
    const sinceMs = this.#context.nowMs - heartbeatMs / 2;
    let bytes: ReturnType<typeof encode> | undefined;
    for (const id of this.#neighbours) {
      const link = this.#links.to(id);
      if (link === undefined || link.lastSentMs > sinceMs) continue;
      bytes ??= encode({
        type: "heartbeat",
        table: this.#table.digest,
        marks: this.#handlers.marks(),
      });
      this.#links.sendBytes(link, laneOf("heartbeat"), bytes);
    }
  }

  /** SWIM's probe: every node in turn, in an order that changes. */
  #probeOne(): void {
    if (this.#round.length === 0) {
      this.#round = shuffled(this.#context.random, this.#table.order);
    }
    const target = this.#round.pop();
    if (target === undefined || target === this.#table.self.id) return;
    const record = this.#table.get(target);
    if (record === undefined || !isPresent(record)) return;
    const { heartbeatMs, probeMs } = this.#context.options.timings;
    const link = this.#links.to(target);
    const sinceMs = this.#context.nowMs - 2 * heartbeatMs;
    if (link !== undefined && link.lastHeardMs > sinceMs) return;
    this.#ping(target, probeMs * this.#multiplier, (failure) => {
      if (failure === undefined) this.#lower();
      else this.#check(target, PROBERS_SILENT, false);
    });
  }

  #ping(
    target: Id,
    timeoutMs: number,
    done: (failure: "timeout" | "unreachable" | undefined) => void,
  ): void {
    const request = this.#requests.begin(timeoutMs, {
      onAnswer: () => done(undefined),
      onFailure: (_to, failure) => done(failure),
    });
    request?.send(target, { type: "ping", request: request.number });
  }

  /** Finds out whether a node is alive, by all ways at once. */
  #check(
    target: Id,
    probers: number,
    dials: boolean,
    isRefusedHere = false,
  ): void {
    if (this.#isQuiet || this.#checks.has(target)) return;
    const asked = this.#proberIds(target, probers);
    const check: Check = {
      target,
      waiting: 1 + asked.length,
      isRefusedHere,
      isRefusedThere: false,
      asked: asked.length,
    };
    this.#checks.set(target, check);
    const timeoutMs = this.#context.options.timings.probeMs * this.#multiplier;
    for (const prober of asked) this.#askProber(check, prober, timeoutMs);
    if (dials) this.#dial(check, timeoutMs);
    else if (isRefusedHere) this.#onPart(check);
    else {
      this.#ping(target, timeoutMs, (failure) => {
        if (failure === undefined) this.#onAlive(check, true);
        else this.#onPart(check);
      });
    }
  }

  get #isQuiet(): boolean {
    return this.#context.nowMs < this.#quietUntilMs;
  }

  #proberIds(target: Id, count: number): Id[] {
    const fit: Id[] = [];
    for (const peer of this.#links.peers) {
      const isAlive = this.#table.get(peer)?.health === Health.alive;
      if (peer !== target && isAlive) fit.push(peer);
    }
    return shuffled(this.#context.random, fit).slice(0, count);
  }

  #askProber(check: Check, prober: Id, timeoutMs: number): void {
    const request = this.#requests.begin(timeoutMs, {
      onAnswer: (message) => {
        const { outcome } = message as MessageOf<"probed">;
        if (outcome === Probed.alive) return this.#onAlive(check, false);
        if (outcome === Probed.refused) check.isRefusedThere = true;
        this.#onPart(check);
      },
      onFailure: (_to, failure) => {
        // It should have said at least that it heard nothing: maybe it did,
        // and it is this node that does not hear.
        if (failure === "timeout") this.#raise();
        this.#onPart(check);
      },
    });
    request?.send(prober, {
      type: "probe",
      request: request.number,
      target: check.target,
    });
  }

  #dial(check: Check, timeoutMs: number): void {
    let isDone = false;
    const done = (outcome: DialOutcome) => {
      if (isDone) return;
      isDone = true;
      this.#context.timers.cancel(timer);
      if (outcome === "linked") return this.#onAlive(check, true);
      check.isRefusedHere = outcome !== "silent";
      this.#onPart(check);
    };
    const timer = this.#context.timers.at(
      this.#context.nowMs + timeoutMs,
      () => done("silent"),
    );
    // Without a url there is nothing to dial, and the others decide.
    const isTried = this.#dialler.attempt(check.target, done);
    if (!isTried) done("silent");
  }

  #isCurrent(check: Check): boolean {
    return this.#checks.get(check.target) === check;
  }

  #onAlive(check: Check, isHere: boolean): void {
    if (!this.#isCurrent(check)) return;
    this.#checks.delete(check.target);
    this.#lower();
    if (isHere) return;
    // Others reach it and this node does not hear it: the link is broken.
    const link = this.#links.to(check.target);
    const { silenceMs } = this.#context.options.timings;
    const sinceMs = this.#context.nowMs - silenceMs;
    if (link === undefined || link.lastHeardMs > sinceMs) return;
    this.#links.close(link, CloseCode.silent, "nothing came for too long");
  }

  /** One of the answers that a check waits for is in. */
  #onPart(check: Check): void {
    if (!this.#isCurrent(check)) return;
    check.waiting--;
    const isOnlyWitness = this.#table.order.length <= 2;
    if (check.isRefusedHere && (check.isRefusedThere || isOnlyWitness)) {
      this.#checks.delete(check.target);
      this.#declare(check.target, Health.dead);
    } else if (check.waiting <= 0) {
      this.#checks.delete(check.target);
      this.#onSilence(check.target);
    }
  }

  /** Nobody heard from a node. */
  #onSilence(target: Id): void {
    const record = this.#table.get(target);
    const link = this.#links.to(target);
    const { silenceMs } = this.#context.options.timings;
    // It may have linked while the others were being asked.
    const sinceMs = this.#context.nowMs - silenceMs;
    if (link !== undefined && link.lastHeardMs > sinceMs) return;
    if (this.#isQuiet || record === undefined) return;
    if (record.health === Health.alive) {
      this.#declare(target, Health.suspect);
    } else if (this.#suspicions.confirm(target)) {
      this.#handlers.announce(record);
    }
  }

  #onSuspicionOver(record: MemberRecord): void {
    const { id } = record;
    const link = this.#links.to(id);
    const { heartbeatMs } = this.#context.options.timings;
    const sinceMs = this.#context.nowMs - 2 * heartbeatMs;
    if (this.#isQuiet || (link !== undefined && link.lastHeardMs > sinceMs)) {
      // Alive as far as can be heard here; it will refute once it is told.
      this.#handlers.announce(record);
      this.#suspicions.begin(record);
      return;
    }
    this.#declare(id, Health.dead);
  }

  #declare(id: Id, health: Health): void {
    const record = this.#table.get(id);
    if (record === undefined || this.#isQuiet) return;
    const declared = { ...record, health };
    if (this.#table.apply(declared, "detector", this.#context.nowMs)) {
      this.#handlers.announce(declared);
    }
  }

  #raise(): void {
    this.#multiplier = Math.min(MULTIPLIER_MAX, this.#multiplier + 1);
  }

  #lower(): void {
    this.#multiplier = Math.max(1, this.#multiplier - 1);
  }
}
