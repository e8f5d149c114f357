/**
 * Read-modify-writes from the caller's side: hand the whole operation to the
 * key's first holder, and to the next one under the same name if it dies.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import {
  type ChordError,
  ClockError,
  LeaseError,
  OverloadedError,
  TimeoutError,
  UnknownOutcomeError,
} from "../base/errors.ts";
import { shuffled } from "../base/random.ts";
import { type Id, keyId } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers, PendingRequest } from "../mesh/peers.ts";
import type { Item } from "./operations.ts";
import { ExecKind, ExecStatus, Health } from "../wire/messages.ts";
import { Call, type Ending } from "./call.ts";
import type { Exclusive, ExecOrder, ExecResult } from "./exclusive.ts";
import { noMember, tooMany } from "./write.ts";

/** How long to wait before the first holder is asked once more. */
const ASK_AGAIN_MS = 50;

/** What every operation here needs. */
export interface ExecParts {
  readonly context: Context;
  readonly peers: Peers;
  readonly exclusive: Exclusive;
}

/** One operation, at the first holder of its key or at a given member. */
export class Exec extends Call<ExecResult> {
  readonly #peers: Peers;
  readonly #exclusive: Exclusive;
  readonly #order: ExecOrder;
  readonly #member: Id | undefined;
  #request: PendingRequest | undefined;
  #asked: Id | undefined;
  #wasSent = false;

  /** @param member whom to ask, whoever is first holder; for `popItem` */
  constructor(
    { context, peers, exclusive }: ExecParts,
    order: ExecOrder & { timeoutMs: number; member?: Id },
    ending: Ending<ExecResult>,
  ) {
    super(context, order.timeoutMs, ending);
    this.#peers = peers;
    this.#exclusive = exclusive;
    const { operation, kind, key, value, terms, member } = order;
    this.#order = { operation, kind, key, value, terms };
    this.#member = member;
  }

  start(): this {
    this.#ask();
    return this;
  }

  /** Whoever still works on it is left alone: two would do it twice. */
  override replan(): void {
    if (this.isOver || this.#asked === undefined) return;
    if (this.#isDead(this.#asked)) this.#onFailure();
  }

  #isDead(id: Id): boolean {
    return (this.#peers.member(id)?.health ?? Health.dead) >= Health.dead;
  }

  protected override timedOut(): ChordError {
    return new TimeoutError(
      `Cannot change the key: its first holder did not answer within ` +
        `${this.timeoutMs} ms; read before retrying, or raise "timeoutMs"`,
      this.#wasSent ? "maybe" : "no",
    );
  }

  protected override release(): void {
    this.#request?.cancel();
  }

  #target(): Id | undefined {
    if (this.#member !== undefined) return this.#member;
    const { ring } = this.#peers;
    return ring.members[ring.indexOf(keyId(this.#order.key!))]?.id;
  }

  #ask(): void {
    const target = this.#target();
    if (target === undefined) return this.fail(noMember("change the key"));
    this.#asked = target;
    if (target === this.#peers.self.id) {
      this.#wasSent = true;
      return this.#exclusive.run(this.#order, (result) => {
        if (!this.isOver) this.#onResult(target, result);
      });
    }
    this.#request ??= this.#open();
    if (this.#request === undefined) {
      return this.fail(tooMany("change the key"));
    }
    this.#wasSent = true;
    const { number } = this.#request;
    this.#request.send(target, {
      type: "exec",
      request: number,
      ...this.#order,
    });
  }

  #open(): PendingRequest | undefined {
    return this.#peers.request(this.timeoutMs, {
      onAnswer: (answer, from) => {
        if (answer.type === "execAnswer") this.#onResult(from, answer);
      },
      onFailure: () => this.#onFailure(),
    }, this.deadlineMs);
  }

  #onFailure(): void {
    this.#asked = undefined;
    // Only the member itself knows which entry it took.
    const isLost = this.#member !== undefined && this.#isDead(this.#member);
    if (!isLost) return this.#askLater();
    this.fail(
      new UnknownOutcomeError(
        `Cannot tell what was popped: the member ${this.#member} failed ` +
          `before it answered; at most one entry is gone`,
      ),
    );
  }

  #askLater(): void {
    this.after(ASK_AGAIN_MS, () => this.#ask());
  }

  #onResult(from: Id, result: ExecResult): void {
    switch (result.status) {
      case ExecStatus.done:
      case ExecStatus.missing:
        return this.succeed(result);
      case ExecStatus.notHolder:
        if (from !== this.#peers.self.id) this.#peers.compareTables(from);
        return this.#askLater();
      default:
        return this.fail(errorOf(result, this.context.wallMs));
    }
  }
}

/** Why an operation was not done, or not certainly. */
function errorOf({ status, lease }: ExecResult, wallMs: number): ChordError {
  if (status === ExecStatus.leased && lease !== undefined) {
    const { owner, untilMs } = lease;
    return new LeaseError(
      `Cannot change the key: it belongs to the node ${owner} for another ` +
        `${Math.max(0, untilMs - wallMs)} ms; retry then, or have its owner ` +
        `delete it`,
      lease,
    );
  }
  if (status === ExecStatus.overloaded) {
    return new OverloadedError(
      "Cannot change the key: too many operations wait at its first holder; " +
        "retry later",
    );
  }
  if (status === ExecStatus.clock) {
    return new ClockError(
      "Cannot change the key: the holders' clocks are too far apart; set them",
      "no",
    );
  }
  return new UnknownOutcomeError(
    "Cannot change the key: its first holder began, but too few holders " +
      "confirmed; read before retrying",
  );
}

/** Takes out some entry: asks the members in random order, until one has any. */
export class PopItem extends Call<Item | undefined> {
  readonly #parts: ExecParts;
  readonly #operation: () => ExecOrder["operation"];
  #members: Id[] = [];
  #exec: Exec | undefined;
  #failure: ChordError | undefined;
  #view = 0;

  constructor(
    parts: ExecParts,
    order: { operation: () => ExecOrder["operation"]; timeoutMs: number },
    ending: Ending<Item | undefined>,
  ) {
    super(parts.context, order.timeoutMs, ending);
    this.#parts = parts;
    this.#operation = order.operation;
  }

  start(): this {
    this.#begin();
    return this;
  }

  override replan(): void {
    this.#exec?.replan();
  }

  protected override timedOut(): ChordError {
    return this.#failure ?? new TimeoutError(
      `Cannot pop an item: not every member answered within ` +
        `${this.timeoutMs} ms; read before retrying, or raise "timeoutMs"`,
      "maybe",
    );
  }

  protected override release(): void {
    this.#exec?.cancel();
  }

  #begin(): void {
    const { ring } = this.#parts.peers;
    if (ring.members.length === 0) return this.fail(noMember("pop an item"));
    this.#view = ring.hash;
    this.#failure = undefined;
    const ids = ring.members.map(({ id }) => id);
    this.#members = shuffled(this.context.random, ids);
    this.#next();
  }

  #next(): void {
    const member = this.#members.pop();
    if (member === undefined) return this.#onNone();
    this.#exec = new Exec(this.#parts, {
      operation: this.#operation(),
      kind: ExecKind.popItem,
      key: undefined,
      value: undefined,
      terms: undefined,
      member,
      timeoutMs: this.leftMs,
    }, {
      done: ({ status, key, value }) =>
        status === ExecStatus.missing
          ? this.#next()
          : this.#onTaken(key, value),
      failed: (error) => this.#onFailed(error),
    });
    this.#exec.start();
  }

  #onTaken(key: Bytes | undefined, value: Bytes | undefined): void {
    if (key === undefined || value === undefined) return this.#next();
    this.succeed({ key, value });
  }

  /** Only who certainly took nothing may be passed over. */
  #onFailed(error: ChordError): void {
    if (error.applied === "maybe") return this.fail(error);
    this.#failure = error;
    this.#next();
  }

  /** Nobody had any: proven only if all answered and the ring stayed. */
  #onNone(): void {
    const isProven = this.#failure === undefined &&
      this.#view === this.#parts.peers.ring.hash;
    if (isProven) return this.succeed(undefined);
    this.after(ASK_AGAIN_MS, () => this.#begin());
  }
}
