/**
 * News of members that wait for their moment.
 *
 * @module
 */
import { jittered } from "../base/random.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import type { MemberRecord } from "../wire/messages.ts";
import type { Context } from "./context.ts";

/** By how much more or less, as a share, the first of those that wait waits. */
const JITTER = 0.5;

/** News of one node. */
interface Waiting {
  readonly record: MemberRecord;
  readonly dueMs: number;
}

/** The news of one kind, the newest of each node. */
export class Batch {
  readonly #context: Context;
  readonly #afterMs: number;
  readonly #leastMs: number;
  readonly #onDue: (ids: readonly Id[]) => void;
  readonly #waiting = new Map<Id, Waiting>();
  /** When the last of them leave. */
  #lastMs = -Infinity;
  #timer: Timer | undefined;

  /**
   * @param afterMs how long the first one waits, more or less
   * @param leastMs the others leave with it if they wait as long as this; it
   * must not be more than the first one waits at least
   * @param onDue is given the nodes that there is news of
   */
  constructor(
    context: Context,
    afterMs: number,
    leastMs: number,
    onDue: (ids: readonly Id[]) => void,
  ) {
    this.#context = context;
    this.#afterMs = afterMs;
    this.#leastMs = leastMs;
    this.#onDue = onDue;
  }

  /** What there is of a node already is replaced, and waits no longer for it. */
  add(record: MemberRecord): void {
    const dueMs = this.#waiting.get(record.id)?.dueMs ?? this.#nextMs();
    this.#waiting.set(record.id, { record, dueMs });
    this.#plan();
  }

  /** Somebody else has told of a node. */
  drop(id: Id): void {
    this.#waiting.delete(id);
  }

  /** Somebody else has told the very same. */
  dropSame({ id, incarnation, health }: MemberRecord): void {
    const mine = this.#waiting.get(id)?.record;
    if (mine?.incarnation === incarnation && mine.health === health) {
      this.drop(id);
    }
  }

  /** Lets go of all that waits, or of what is due. */
  flush(untilMs = Infinity): void {
    this.#context.timers.cancel(this.#timer);
    this.#timer = undefined;
    const ids: Id[] = [];
    for (const [id, { dueMs }] of this.#waiting) {
      if (dueMs <= untilMs) ids.push(id);
    }
    for (const id of ids) this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#lastMs = -Infinity;
    this.#plan();
    if (ids.length > 0) this.#onDue(ids);
  }

  /** Many may see one event: the first to tell saves the others the work. */
  #nextMs(): number {
    const { nowMs, random } = this.#context;
    const isSoon = this.#lastMs < nowMs + this.#leastMs;
    if (isSoon) this.#lastMs = nowMs + jittered(random, this.#afterMs, JITTER);
    return this.#lastMs;
  }

  #plan(): void {
    if (this.#timer !== undefined) return;
    let firstMs = Infinity;
    for (const { dueMs } of this.#waiting.values()) {
      firstMs = Math.min(firstMs, dueMs);
    }
    if (firstMs === Infinity) return;
    this.#timer = this.#context.timers.at(firstMs, () => {
      this.flush(this.#context.nowMs);
    });
  }
}
