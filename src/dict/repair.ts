/**
 * Keeps the copies of this node's share equal to those of the other holders:
 * at once after the ring has changed, and again every few seconds.
 *
 * @module
 */
import { jittered, pick } from "../base/random.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers } from "../mesh/peers.ts";
import { Health, Role } from "../wire/messages.ts";
import { type Compared, Comparison } from "./comparison.ts";
import type { Replica } from "./replica.ts";
import type { Portion } from "./share.ts";

/** Others that a regular round compares with, where everybody is one. */
const PARTNERS_MAX = 2;
/** Comparisons that run at once. */
const COMPARISONS_MAX = 4;
/** How long a holder that did not answer is left alone. */
const RETRY_MS = 500;

interface Task {
  readonly portion: Portion;
  readonly source: Id;
}

/** Runs the comparisons of one node. */
export class Repair {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #running = new Map<Comparison, Task>();
  /** Sources that did not answer, until when they are left alone. */
  readonly #resting = new Map<Id, number>();
  /** What the regular round has still to compare. */
  #round: Task[] = [];
  /** Comparisons wait until the others know of this joiner. */
  isHeld = false;
  /** Called when a portion's state has changed. */
  onProgress: () => void = () => {};

  constructor(context: Context, peers: Peers, replica: Replica) {
    this.#context = context;
    this.#peers = peers;
    this.#replica = replica;
    this.#scheduleRound();
  }

  /** Starts what can be started. */
  pump(): void {
    while (!this.isHeld && this.#running.size < COMPARISONS_MAX) {
      const task = this.#urgent() ?? this.#regular();
      if (task === undefined) return;
      this.#start(task);
    }
  }

  /** The ring has changed. */
  replan(): void {
    const { share } = this.#replica;
    // What a comparison of everything has brought is kept; the next one goes
    // on from there, and two at once would fetch the same entries.
    if (share.isWhole) {
      for (const [comparison, { portion }] of [...this.#running]) {
        if (share.portions.includes(portion)) continue;
        this.#running.delete(comparison);
        comparison.cancel();
      }
    }
    this.pump();
  }

  stop(): void {
    this.#round = [];
    for (const comparison of [...this.#running.keys()]) comparison.cancel();
  }

  #scheduleRound(): void {
    const { timers, nowMs, options, random } = this.#context;
    const periodMs = jittered(random, options.timings.antiEntropyMs, 0.2);
    timers.at(nowMs + periodMs, () => {
      this.#round = this.#replica.share.portions.flatMap((portion) =>
        this.#partners(portion).map((source) => ({ portion, source }))
      );
      this.#scheduleRound();
      this.pump();
    });
  }

  /**
   * Whom a regular round compares with. Of many it is the next on the ring, so
   * that all are linked, and one by chance, so that news are with all after a
   * few rounds: comparing each with each would grow with the square.
   */
  #partners(portion: Portion): readonly Id[] {
    const { share } = this.#replica;
    const sources = share.sources(portion);
    if (!share.isWhole || sources.length <= PARTNERS_MAX) return sources;
    const [next, ...others] = sources;
    return [next!, pick(this.#context.random, others)!];
  }

  /** What the share waits for; portions that cannot answer alone come first. */
  #urgent(): Task | undefined {
    const { share } = this.#replica;
    let found: Task | undefined;
    for (const portion of share.portions) {
      if (found !== undefined && portion.ready) continue;
      const source = share.sources(portion).find((id) =>
        !portion.compared.has(id) && this.#canAsk({ portion, source: id })
      );
      if (source === undefined) continue;
      found = { portion, source };
      if (!portion.ready) return found;
    }
    return found;
  }

  #regular(): Task | undefined {
    const { portions } = this.#replica.share;
    this.#round = this.#round.filter((task) =>
      portions.includes(task.portion) && this.#isThere(task.source)
    );
    const at = this.#round.findLastIndex((task) => this.#canAsk(task));
    return at < 0 ? undefined : this.#round.splice(at, 1)[0];
  }

  #isThere(source: Id): boolean {
    if (this.#peers.member(source)?.health !== Health.alive) return false;
    const untilMs = this.#resting.get(source);
    return untilMs === undefined || untilMs <= this.#context.nowMs;
  }

  #canAsk({ portion, source }: Task): boolean {
    if (!this.#isThere(source)) return false;
    // A joiner can wait for a source that turns out to be silent; a holder is
    // read from meanwhile.
    const isOneEnough = this.#replica.share.isWhole ||
      this.#peers.self.role === Role.joining;
    for (const running of this.#running.values()) {
      // Two sources of what is not here would send the same entries twice.
      const isSame = running.source === source ||
        (isOneEnough && this.#isThere(running.source));
      if (running.portion === portion && isSame) return false;
    }
    return true;
  }

  #start(task: Task): void {
    const { portion, source } = task;
    const parts = { peers: this.#peers, replica: this.#replica };
    const comparison = new Comparison(
      parts,
      portion.segment,
      source,
      (result) => this.#onEnd(comparison, task, result),
    );
    this.#running.set(comparison, task);
    comparison.start();
  }

  #onEnd(
    comparison: Comparison,
    { portion, source }: Task,
    result: Compared | undefined,
  ): void {
    if (!this.#running.delete(comparison)) return;
    if (result === undefined) {
      const { timers, nowMs } = this.#context;
      this.#resting.set(source, nowMs + RETRY_MS);
      timers.at(nowMs + RETRY_MS, () => {
        this.#resting.delete(source);
        this.pump();
      });
      return;
    }
    const { share } = this.#replica;
    if (share.portions.includes(portion)) {
      share.compared(portion, source, result.wasReady);
      this.onProgress();
    }
    this.pump();
  }
}
