/**
 * What the read-modify-writes of the last minutes did, so that a retry is
 * answered and not repeated.
 *
 * Every holder learns of an outcome with the write itself: when the first
 * holder dies before its answer arrives, the next one still knows.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { OUTCOME_BYTES_KEPT_MAX, OUTCOMES_KEPT_MAX } from "../base/limits.ts";
import type { OperationId } from "../wire/messages.ts";

/** What one operation did to its key. */
export interface Outcome {
  readonly key: Bytes;
  /** The value that it found; `undefined` for none, or where none was known. */
  readonly before: Bytes | undefined;
  /** The value that it left; `undefined` for none. */
  readonly after: Bytes | undefined;
  /** Whether all holders are known to have it. */
  readonly isConfirmed: boolean;
}

interface Kept {
  readonly outcome: Outcome;
  readonly untilMs: number;
}

/** The outcomes that one node remembers: bounded in count, bytes and time. */
export class Outcomes {
  readonly #keepMs: number;
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  get(operation: OperationId): Outcome | undefined {
    return this.#kept.get(nameOf(operation))?.outcome;
  }

  keep(operation: OperationId, outcome: Outcome, nowMs: number): void {
    const name = nameOf(operation);
    this.#forget(name);
    this.#kept.set(name, { outcome, untilMs: nowMs + this.#keepMs });
    this.#bytes += sizeOf(outcome);
    for (const [oldest, { untilMs }] of this.#kept) {
      const isOver = this.#kept.size > OUTCOMES_KEPT_MAX ||
        this.#bytes > OUTCOME_BYTES_KEPT_MAX;
      if (untilMs > nowMs && !isOver) break;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#kept.delete(name);
    this.#bytes -= sizeOf(kept.outcome);
  }
}

function nameOf({ origin, number }: OperationId): string {
  return `${origin}/${number}`;
}

function sizeOf({ key, before, after }: Outcome): number {
  return key.length + (before?.length ?? 0) + (after?.length ?? 0);
}
