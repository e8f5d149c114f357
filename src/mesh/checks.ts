/**
 * Finds out whether one node is alive, by all ways at once: a ping or a dial of
 * its own, and the same by other nodes.
 *
 * @module
 */
import { shuffled } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import {
  Health,
  type MemberRecord,
  type MessageOf,
  Probed,
} from "../wire/messages.ts";
import { CloseCode } from "./close_codes.ts";
import type { Context } from "./context.ts";
import type { Dialler } from "./dialler.ts";
import type { DialOutcome } from "./dials.ts";
import type { Links } from "./links.ts";
import type { LocalHealth } from "./local_health.ts";
import type { Requests } from "./requests.ts";
import type { Table } from "./table.ts";
import { distance } from "./vicinity.ts";

/** Those near a target that may be asked, for each that is. */
const NEAR_PROBERS = 2;

/** The question whether one node is alive. */
interface Check {
  readonly target: Id;
  /** Answers that are still expected, the own try included. */
  waiting: number;
  /** Nobody takes connections at its url: seen from here, and by others. */
  isRefusedHere: boolean;
  isRefusedThere: boolean;
}

/** How a node is tried from here: `refused` if that is known already. */
export type Way = "ping" | "dial" | "refused";

/** What a check can end with, if not with a sign of life. */
export interface CheckHandlers {
  /** Nobody listens where it was: it is dead. */
  onRefused(target: Id): void;
  /** Nobody heard from it. */
  onSilence(target: Id): void;
}

/** The checks under way, at most one of each node. */
export class Checks {
  readonly #context: Context;
  readonly #table: Table;
  readonly #links: Links;
  readonly #requests: Requests;
  readonly #dialler: Dialler;
  readonly #health: LocalHealth;
  readonly #handlers: CheckHandlers;
  readonly #checks = new Map<Id, Check>();

  constructor(
    context: Context,
    table: Table,
    links: Links,
    requests: Requests,
    dialler: Dialler,
    health: LocalHealth,
    handlers: CheckHandlers,
  ) {
    this.#context = context;
    this.#table = table;
    this.#links = links;
    this.#requests = requests;
    this.#dialler = dialler;
    this.#health = health;
    this.#handlers = handlers;
  }

  has(target: Id): boolean {
    return this.#checks.has(target);
  }

  /** What comes in for it says nothing any more. */
  drop(target: Id): void {
    this.#checks.delete(target);
  }

  dropAll(): void {
    this.#checks.clear();
  }

  /** Asks up to `probers` other nodes, and tries by itself. */
  begin(target: Id, probers: number, way: Way): void {
    if (this.#health.isQuiet || this.#checks.has(target)) return;
    const asked = this.#proberIds(target, probers);
    const check: Check = {
      target,
      waiting: 1 + asked.length,
      isRefusedHere: way === "refused",
      isRefusedThere: false,
    };
    this.#checks.set(target, check);
    const { probeMs } = this.#context.options.timings;
    const timeoutMs = probeMs * this.#health.multiplier;
    for (const prober of asked) this.#ask(check, prober, timeoutMs);
    if (way === "dial") this.#dial(check, timeoutMs);
    else if (way === "ping") this.#ping(check, timeoutMs);
    else this.#onPart(check);
  }

  /**
   * Chance spreads the work, and finds another way the next time. Where nobody
   * knows all, it is among those near the target: others may not know its url.
   */
  #proberIds(target: Id, count: number): Id[] {
    const fit: MemberRecord[] = [];
    for (const peer of this.#links.peers) {
      const record = this.#table.get(peer);
      if (peer === target || record?.health !== Health.alive) continue;
      fit.push(record);
    }
    const sought = this.#table.get(target);
    if (this.#table.isPartial && sought !== undefined) {
      fit.sort((a, b) => distance(a, sought) - distance(b, sought));
      fit.length = Math.min(fit.length, NEAR_PROBERS * count);
    }
    return shuffled(this.#context.random, fit).slice(0, count)
      .map(({ id }) => id);
  }

  #ask(check: Check, prober: Id, timeoutMs: number): void {
    const request = this.#requests.beginVital(timeoutMs, {
      onAnswer: (message) => {
        const { outcome } = message as MessageOf<"probed">;
        if (outcome === Probed.alive) return this.#onAlive(check, false);
        if (outcome === Probed.refused) check.isRefusedThere = true;
        this.#onPart(check);
      },
      onFailure: (_to, failure) => {
        // It should have said at least that it heard nothing: maybe it did,
        // and it is this node that does not hear.
        if (failure === "timeout") this.#health.worsen();
        this.#onPart(check);
      },
    });
    const { target } = check;
    request.send(prober, { type: "probe", request: request.number, target });
  }

  #ping(check: Check, timeoutMs: number): void {
    this.#requests.ping(check.target, timeoutMs, (failure) => {
      if (failure === undefined) this.#onAlive(check, true);
      else this.#onPart(check);
    });
  }

  #dial(check: Check, timeoutMs: number): void {
    // A dial may go on for longer than this check is ready to wait for it.
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

  #onAlive(check: Check, isHere: boolean): void {
    const { target } = check;
    if (this.#checks.get(target) !== check) return;
    this.#checks.delete(target);
    this.#health.improve();
    if (isHere) return;
    // Others reach it and this node does not hear it: the link is broken.
    const link = this.#links.to(target);
    if (link === undefined || this.#isHeard(target)) return;
    this.#links.close(link, CloseCode.silent, "nothing came for too long");
  }

  /** One of the answers that a check waits for is in. */
  #onPart(check: Check): void {
    const { target } = check;
    if (this.#checks.get(target) !== check) return;
    check.waiting--;
    // One refusal may be the fault of the way there, two hardly. Who is left
    // alone with the target has nobody to ask.
    const isOnlyWitness = this.#table.order.length <= 2;
    if (check.isRefusedHere && (check.isRefusedThere || isOnlyWitness)) {
      this.#checks.delete(target);
      this.#handlers.onRefused(target);
    } else if (check.waiting <= 0) {
      this.#checks.delete(target);
      // It may have linked while the others were being asked.
      if (!this.#isHeard(target)) this.#handlers.onSilence(target);
    }
  }

  #isHeard(target: Id): boolean {
    const link = this.#links.to(target);
    const { silenceMs } = this.#context.options.timings;
    return link !== undefined &&
      link.lastHeardMs > this.#context.nowMs - silenceMs;
  }
}
