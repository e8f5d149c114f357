/**
 * Read-modify-writes, run one after the other by the key's first holder.
 *
 * Kept true: while membership is stable there is one first holder per key, and
 * it runs one operation per key at a time, so two concurrent `pop`s never get
 * the same value. Locks held by the callers would survive their holder's death
 * only with leases and clocks; a queue at the data needs neither.
 *
 * @module
 */
import { type Bytes, NO_BYTES } from "../base/bytes.ts";
import {
  type ChordError,
  ClockError,
  OverloadedError,
} from "../base/errors.ts";
import { EXCLUSIVE_WAITING_MAX } from "../base/limits.ts";
import { type Id, keyId, randomId } from "../id/id.ts";
import { isInArc } from "../id/ring.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers } from "../mesh/peers.ts";
import {
  type EntryRecord,
  ExecKind,
  ExecStatus,
  type MessageOf,
  type OperationId,
  type Terms,
  type Version,
} from "../wire/messages.ts";
import type { Entry } from "./entry.ts";
import { type Outcome, Outcomes } from "./outcomes.ts";
import { Read } from "./read.ts";
import type { Replica } from "./replica.ts";
import { compareVersions } from "./version.ts";
import { Write } from "./write.ts";

/** The largest time that an answer can tell. */
const U48_MAX = 2 ** 48 - 1;
/** How long the holders may take to confirm what an operation wrote. */
const WRITE_TIMEOUT_MS = 10_000;

/** What is to be run. */
export type ExecOrder = Pick<
  MessageOf<"exec">,
  "operation" | "kind" | "key" | "value" | "terms"
>;

/** How it ended. */
export type ExecResult = Pick<
  MessageOf<"execAnswer">,
  "status" | "key" | "value" | "lease"
>;

type Reply = (result: ExecResult) => void;

interface Job {
  readonly id: Id;
  readonly key: Bytes;
  readonly order: ExecOrder;
  readonly reply: Reply;
  /** Do nothing to any other version than this one. */
  readonly only: Version | undefined;
  /** How often this node had been away when the job came. */
  readonly absences: number;
}

const { done, missing, notHolder, unconfirmed, overloaded, clock, leased } =
  ExecStatus;

/** The queues of one first holder. */
export class Exclusive {
  readonly outcomes: Outcomes;
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #replica: Replica;
  /** Per key: the running job first. */
  readonly #queues = new Map<Id, Job[]>();
  /** Reads and writes under way, to be told of a new ring. */
  readonly #calls = new Set<Read | Write>();
  #waiting = 0;
  #operations = 0;
  #absences = 0;
  #backMs = -Infinity;

  constructor(context: Context, peers: Peers, replica: Replica) {
    this.#context = context;
    this.#peers = peers;
    this.#replica = replica;
    this.outcomes = new Outcomes(context.options.timings.outcomeMs);
  }

  /** Operations that run or wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A name for an operation that this node begins. */
  nextOperation(): OperationId {
    return { origin: this.#peers.self.id, number: ++this.#operations };
  }

  /** Runs an operation; `reply` is called once, perhaps at once. */
  run(order: ExecOrder, reply: Reply): void {
    if (this.#waiting >= EXCLUSIVE_WAITING_MAX) {
      return reply(resultOf(overloaded));
    }
    if (this.#context.nowMs < this.#backMs) return reply(resultOf(notHolder));
    if (order.kind === ExecKind.popItem) return this.#popItem(order, reply);
    // No node of this library leaves out what an operation is about.
    const isStoring = order.kind === ExecKind.set ||
      order.kind === ExecKind.setDefault;
    if (order.key === undefined || isStoring && order.value === undefined) {
      return reply(resultOf(missing));
    }
    this.#enqueue(order.key, order, reply);
  }

  /**
   * Removes a key if it has this version still, whoever it belongs to.
   *
   * @param done is told whether that version is gone for certain
   */
  remove(
    key: Bytes,
    version: Version,
    done: (isGone: boolean) => void,
  ): void {
    const order: ExecOrder = {
      operation: this.nextOperation(),
      kind: ExecKind.delete,
      key,
      value: undefined,
      terms: undefined,
    };
    this.#enqueue(key, order, ({ status }) => {
      done(status === ExecStatus.done || status === missing);
    }, version);
  }

  /**
   * This node slept, or was taken for dead. What waits here, and what was on
   * its way here, may have been run by another one since: whoever still waits
   * for it asks again.
   */
  wasAway(): void {
    this.#absences++;
    this.#backMs = this.#context.nowMs +
      this.#context.options.timings.standInMs;
  }

  /** The ring has changed. */
  replan(): void {
    for (const call of [...this.#calls]) call.replan();
  }

  /** A holder learns what an operation did from the write that it left. */
  learn(operation: OperationId, record: EntryRecord, before?: Entry): void {
    if (this.outcomes.get(operation) !== undefined) return;
    this.#keep(operation, {
      key: record.key.slice(),
      before: before?.value,
      after: record.value?.slice(),
      isConfirmed: false,
    });
  }

  #keep(operation: OperationId, outcome: Outcome): void {
    this.outcomes.keep(operation, outcome, this.#context.nowMs);
  }

  #enqueue(
    key: Bytes,
    order: ExecOrder,
    reply: Reply,
    only?: Version,
  ): void {
    const id = keyId(key);
    const job = { id, key, order, reply, only, absences: this.#absences };
    this.#waiting++;
    const queue = this.#queues.get(id);
    if (queue !== undefined) {
      queue.push(job);
      return;
    }
    this.#queues.set(id, [job]);
    this.#start(job);
  }

  #finish(job: Job, result: ExecResult): void {
    const queue = this.#queues.get(job.id)!;
    queue.shift();
    this.#waiting--;
    job.reply(result);
    const next = queue[0];
    if (next === undefined) this.#queues.delete(job.id);
    else this.#start(next);
  }

  #start(job: Job): void {
    const { share } = this.#replica;
    const known = this.outcomes.get(job.order.operation);
    if (known !== undefined) return this.#answerAgain(job, known);
    if (!share.isFirst(job.id)) return this.#finish(job, resultOf(notHolder));
    if (share.isReadyFor(job.id)) this.#execute(job);
    else this.#catchUp(job);
  }

  /** The first holder itself may be behind: it reads before it decides. */
  #catchUp(job: Job): void {
    this.#track((ended) =>
      new Read(
        this.#context,
        this.#peers,
        this.#replica,
        { id: job.id, mode: "all", timeoutMs: WRITE_TIMEOUT_MS },
        {
          done: ({ version, value, terms }) => {
            ended();
            if (version !== undefined) {
              this.#replica.take({ key: job.key, value, version, terms });
            }
            this.#execute(job);
          },
          failed: () => {
            ended();
            this.#finish(job, resultOf(notHolder));
          },
        },
      )
    );
  }

  #execute(job: Job): void {
    const { key, order } = job;
    if (job.absences !== this.#absences) {
      return this.#finish(job, resultOf(notHolder));
    }
    const entry = this.#replica.table.get(job.id);
    const before = entry?.value;
    const { kind, value, terms } = order;
    if (job.only !== undefined) {
      const isSame = entry !== undefined && before !== undefined &&
        compareVersions(entry.version, job.only) === 0;
      return isSame
        ? this.#write(job, { before, after: undefined }, undefined)
        : this.#finish(job, resultOf(missing));
    }
    if (kind === ExecKind.setDefault && before !== undefined) {
      return this.#finish(job, resultOf(done, key, before));
    }
    const lease = this.#leaseAgainst(order, entry);
    if (lease !== undefined) {
      return this.#finish(job, { ...resultOf(leased), lease });
    }
    if (kind === ExecKind.set) {
      // Who sets is told nothing of the values: they need not be remembered.
      return this.#write(job, { before: undefined, after: value }, terms);
    }
    if (kind === ExecKind.setDefault) {
      return this.#write(job, { before, after: value }, terms);
    }
    if (before === undefined) return this.#finish(job, resultOf(missing));
    if (kind === ExecKind.touch) {
      return this.#write(
        job,
        { before: undefined, after: before },
        terms && {
          ...terms,
          session: entry?.terms?.session ?? false,
        },
      );
    }
    this.#write(job, { before, after: undefined }, undefined);
  }

  /** Whose the key is now, unless it is the caller's or nobody's. */
  #leaseAgainst(
    { operation }: ExecOrder,
    entry: Entry | undefined,
  ): ExecResult["lease"] {
    const { version, value, terms } = entry ?? {};
    if (version === undefined || value === undefined) return undefined;
    // Without a lease no time counts, be it ahead by what clocks differ.
    if (terms === undefined || terms.leaseMs === 0) return undefined;
    if (terms.owner === operation.origin) return undefined;
    const untilMs = Math.min(version.ms + terms.leaseMs, U48_MAX);
    if (untilMs <= this.#context.wallMs) return undefined;
    return { owner: terms.owner, untilMs };
  }

  #write(
    job: Job,
    change: Pick<Outcome, "before" | "after">,
    terms: Terms | undefined,
  ): void {
    const { key, order } = job;
    if (!this.#isReplaceable(job.id)) {
      return this.#finish(job, resultOf(clock));
    }
    this.#track((ended) =>
      new Write(
        this.#context,
        this.#peers,
        this.#replica,
        {
          action: "change",
          key,
          value: change.after,
          terms,
          operation: order.operation,
          timeoutMs: WRITE_TIMEOUT_MS,
        },
        {
          done: () => {
            ended();
            const outcome = { key, ...change, isConfirmed: true };
            this.#keep(order.operation, outcome);
            this.#finish(job, answerOf(order, outcome));
          },
          failed: (error) => {
            ended();
            this.#finish(job, resultOf(statusOf(error)));
          },
        },
      )
    );
  }

  /**
   * Makes the version to come larger than that of the copy that it replaces,
   * unless a wild clock gave it that. It may have been one too far ahead when
   * it came, and time has passed since.
   */
  #isReplaceable(id: Id): boolean {
    const { clock, table } = this.#replica;
    const { wallMs } = this.#context;
    const version = table.get(id)?.version;
    if (version === undefined) return true;
    if (clock.isTooFarAhead(version, wallMs)) return false;
    if (!this.#context.lacks("replacedIsObserved")) {
      clock.observe(version, wallMs);
    }
    return true;
  }

  /** An operation that was begun before, here or by another first holder. */
  #answerAgain(job: Job, known: Outcome): void {
    if (known.isConfirmed) return this.#finish(job, answerOf(job.order, known));
    const entry = this.#replica.table.get(job.id);
    const isStillThere = entry !== undefined &&
      (entry.value === undefined) === (known.after === undefined);
    // Overwritten since: then others have confirmed something newer.
    if (!isStillThere) return this.#finish(job, answerOf(job.order, known));
    this.#write(
      job,
      { before: known.before, after: entry.value },
      entry.terms,
    );
  }

  /** Pops some key of which this node is the first holder. */
  #popItem(order: ExecOrder, reply: Reply): void {
    const known = this.outcomes.get(order.operation);
    if (known !== undefined) return this.#enqueue(known.key, order, reply);
    const portion = this.#replica.share.portions[0];
    const self = this.#peers.self.id;
    if (!portion?.ready || portion.segment.holders[0] !== self) {
      return reply(resultOf(notHolder));
    }
    const { after, through } = portion.segment;
    const { table } = this.#replica;
    const start = randomId(this.#context.random);
    const mayTake = (entry: Entry) =>
      this.#leaseAgainst(order, entry) === undefined;
    const entry =
      (isInArc(start, after, through)
        ? table.firstLive({ after: start, through }, mayTake)
        : undefined) ?? table.firstLive(portion.segment, mayTake);
    if (entry === undefined) return reply(resultOf(missing));
    this.#enqueue(entry.key, order, (result) => {
      // Somebody else has it by now; there may be others.
      const isGone = result.status === missing || result.status === leased;
      if (isGone) this.#popItem(order, reply);
      else reply(result);
    });
  }

  #track(begin: (ended: () => void) => Read | Write): void {
    const ended = () => void this.#calls.delete(call);
    const call = begin(ended);
    this.#calls.add(call);
    call.start();
  }
}

function resultOf(
  status: ExecResult["status"],
  key?: Bytes,
  value?: Bytes,
): ExecResult {
  return { status, key, value, lease: undefined };
}

/** What an operation's caller is told of what it did. */
function answerOf({ kind }: ExecOrder, outcome: Outcome): ExecResult {
  const { key, before, after } = outcome;
  if (kind === ExecKind.setDefault) return resultOf(done, key, after);
  if (kind === ExecKind.set || kind === ExecKind.touch) return resultOf(done);
  // Who deletes asks whether there was a value, not which.
  if (kind === ExecKind.delete) return resultOf(done, key, NO_BYTES);
  // The value that was taken out is lost with the holder that knew it.
  if (before === undefined) return resultOf(unconfirmed);
  return resultOf(done, key, before);
}

function statusOf(error: ChordError): ExecResult["status"] {
  if (error instanceof ClockError && error.applied === "no") return clock;
  return error instanceof OverloadedError ? overloaded : unconfirmed;
}
