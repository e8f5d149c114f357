/**
 * The caller's side of the dict: one object for each call that is under way.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { type ChordError, UnknownOutcomeError } from "../base/errors.ts";
import { EVERYWHERE } from "../base/options.ts";
import { below } from "../base/random.ts";
import { keyId, ZERO_ID } from "../id/id.ts";
import { advance } from "../id/ring.ts";
import type { Context } from "../mesh/context.ts";
import type { CallNumber } from "../mesh/events.ts";
import type { Peers } from "../mesh/peers.ts";
import {
  ExecKind,
  ExecStatus,
  type OperationId,
  type Terms,
} from "../wire/messages.ts";
import type { Copy } from "./answers.ts";
import type { Ending } from "./call.ts";
import { mend, type Routed } from "./errand.ts";
import type { Exclusive, ExecResult } from "./exclusive.ts";
import { Exec, PopItem } from "./exec.ts";
import type { DictOperation, Found, Lifetime } from "./operations.ts";
import { Read, readHere, type ReadResult } from "./read.ts";
import type { Replica } from "./replica.ts";
import {
  farExec,
  farGet,
  farLocate,
  FarPopItem,
  farScan,
  farSet,
  FarSize,
  Round,
} from "./far_calls.ts";
import { FarCall, Routing } from "./routing.ts";
import { Scan, Size } from "./scan.ts";
import { Write } from "./write.ts";

/** One read in this many compares all copies. */
const REPAIR_ONE_IN = 16;

type NearCall = Read | Write | Exec | PopItem | Scan | Size;
type AnyCall = NearCall | FarCall | FarSize | FarPopItem;

/** A call under way, and all that is needed to begin it elsewhere. */
interface Running {
  readonly call: AnyCall;
  readonly operation: KeyOperation;
  /** The name of a read-modify-write, which stays the same. */
  readonly name: OperationId | undefined;
}

/** The operations that go to the holders of keys. */
export type KeyOperation = Exclude<
  DictOperation,
  {
    readonly type:
      | "join"
      | "leave"
      | "settled"
      | "restore"
      | "watch"
      | "unwatch"
      | "taken";
  }
>;

/** Those that the key's first holder runs; `set` where there are leases. */
type ExecOperation = Extract<
  DictOperation,
  { readonly type: "set" | "delete" | "pop" | "setDefault" | "touch" }
>;

const KINDS = {
  set: ExecKind.set,
  delete: ExecKind.delete,
  pop: ExecKind.pop,
  setDefault: ExecKind.setDefault,
  touch: ExecKind.touch,
} as const;

/** The calls of one node's application. */
export class Coordinator {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #replica: Replica;
  readonly #exclusive: Exclusive;
  readonly routing: Routing;
  readonly #calls = new Map<CallNumber, Running>();
  /** Reads that only repair; nobody waits for them. */
  readonly #repairs = new Set<Read>();

  constructor(
    parts: {
      context: Context;
      peers: Peers;
      replica: Replica;
      exclusive: Exclusive;
    },
  ) {
    this.#context = parts.context;
    this.#peers = parts.peers;
    this.#replica = parts.replica;
    this.#exclusive = parts.exclusive;
    this.routing = new Routing(parts);
  }

  /** Calls under way. */
  get waiting(): number {
    return this.#calls.size;
  }

  start(
    call: CallNumber,
    operation: KeyOperation,
    name: OperationId | undefined = isExec(operation) ||
        operation.type === "set" && this.#context.options.leasing
      ? this.#exclusive.nextOperation()
      : undefined,
  ): void {
    const begin: Begin = (create, toValue) => {
      const running = create({
        done: (result) => {
          this.#calls.delete(call);
          this.#context.result(call, toValue(result));
        },
        failed: (error) => this.#onFailed(call, error),
      });
      this.#calls.set(call, { call: running, operation, name });
      running.start();
    };
    if (this.#isFar(operation)) this.#startFar(begin, operation, name);
    else if (operation.type === "get") this.#get(call, operation);
    else this.#startNear(begin, operation, name);
  }

  #onFailed(call: CallNumber, error: ChordError): void {
    this.#calls.delete(call);
    this.#context.failure(call, error);
  }

  #startNear(
    begin: Begin,
    operation: Exclude<KeyOperation, { readonly type: "get" }>,
    name: OperationId | undefined,
  ): void {
    switch (operation.type) {
      case "locate":
        // By the same call, which is over at once where holders are known.
        return begin(
          (ending) => farLocate(this.routing, operation, ending),
          asIs,
        );
      case "popItem":
      case "size":
      case "scan":
        return this.#wholeDict(begin, operation);
      default:
        return name === undefined
          ? this.#set(begin, operation as DictOperation & { type: "set" })
          : this.#exec(begin, operation, name);
    }
  }

  #startFar(
    begin: Begin,
    operation: KeyOperation,
    name: OperationId | undefined,
  ): void {
    const { routing } = this;
    const { timeoutMs } = operation;
    switch (operation.type) {
      case "get":
        return begin((ending) => farGet(routing, operation, ending), asIs);
      case "locate":
        return begin((ending) => farLocate(routing, operation, ending), asIs);
      case "scan":
        return begin((ending) => farScan(routing, operation, ending), asIs);
      case "size":
        return begin((ending) => new FarSize(routing, timeoutMs, ending), asIs);
      case "popItem": {
        const order = {
          operation: () => this.#exclusive.nextOperation(),
          timeoutMs,
        };
        return begin(
          (ending) => new FarPopItem(routing, order, ending),
          asIs,
        );
      }
    }
    if (name !== undefined) {
      const order = this.#execOrder(operation, name);
      return begin(
        (ending) => farExec(routing, order, ending),
        ({ value, didChange }: Routed) =>
          execValue(operation.type, value, didChange),
      );
    }
    const set = operation as DictOperation & { type: "set" };
    begin(
      (ending) => farSet(routing, set, this.#termsOf(set.lifetime), ending),
      ({ version, holders }: Routed) => ({ version, holders }),
    );
  }

  /** Whether this node does not know who holds what an operation is about. */
  #isFar(operation: KeyOperation): boolean {
    if (!this.#peers.isPartial) return false;
    if (operation.type === "locate") return !this.#peers.covers(operation.id);
    if ("key" in operation) return !this.#peers.covers(keyId(operation.key));
    if (operation.type !== "scan") return true;
    return !this.#peers.covers(advance(operation.after ?? ZERO_ID, 1n));
  }

  /** The application no longer waits. */
  cancel(call: CallNumber): void {
    this.#calls.get(call)?.call.cancel();
    this.#calls.delete(call);
  }

  /** The ring has changed. */
  replan(): void {
    for (const [number, { call, operation, name }] of [...this.#calls]) {
      const isFar = this.#isFar(operation);
      const wasFar = call instanceof FarCall || call instanceof Round;
      if (!isFar || wasFar) {
        call.replan();
        continue;
      }
      // Which entry was taken only the member knows that was asked.
      if (operation.type === "popItem") {
        call.fail(
          new UnknownOutcomeError(
            "Cannot pop an item: the ring has outgrown what this node knows; " +
              "at most one entry is gone, retry",
          ),
        );
        continue;
      }
      // Its holders are not known here any more.
      call.cancel();
      const timeoutMs = Math.max(1, call.deadlineMs - this.#context.nowMs);
      this.start(number, { ...operation, timeoutMs }, name);
    }
    for (const read of [...this.#repairs]) read.replan();
    this.routing.replan();
  }

  /** The socket closes. */
  close(error: ChordError): void {
    for (const { call } of [...this.#calls.values()]) call.fail(error);
    for (const read of [...this.#repairs]) read.cancel();
    this.#repairs.clear();
    this.routing.close();
  }

  #get(number: CallNumber, operation: DictOperation & { type: "get" }): void {
    const { key, read, timeoutMs } = operation;
    const id = keyId(key);
    const isSlow = this.#context.isUnlucky("slowRead");
    const own = read === "first" && !isSlow
      ? readHere(this.#peers, this.#replica, id)
      : undefined;
    if (own !== undefined) return this.#onFound(number, operation, own);
    const order = { id, mode: isSlow ? "all" : read, timeoutMs };
    const call = new Read(this.#context, this.#peers, this.#replica, order, {
      done: (result) => {
        this.#calls.delete(number);
        mend(this.#mendParts, key, result);
        this.#onFound(number, operation, result);
      },
      failed: (error) => this.#onFailed(number, error),
    });
    this.#calls.set(number, { call, operation, name: undefined });
    call.start();
  }

  #onFound(
    call: CallNumber,
    operation: DictOperation & { type: "get" },
    { value, proof }: Copy & Partial<Pick<ReadResult, "proof">>,
  ): void {
    const isDue = below(this.#context.random, REPAIR_ONE_IN) === 0;
    if (isDue && operation.read === "first") this.#repair(operation, proof);
    const found: Found = { value };
    this.#context.result(call, found);
  }

  /** Compares all copies of a key, after a read of one of them. */
  #repair(
    { key, timeoutMs }: DictOperation & { type: "get" },
    known: ReadResult["proof"],
  ): void {
    const order = { id: keyId(key), mode: "all", timeoutMs, known } as const;
    const read: Read = new Read(
      this.#context,
      this.#peers,
      this.#replica,
      order,
      {
        done: (result) => {
          this.#repairs.delete(read);
          mend(this.#mendParts, key, result);
        },
        failed: () => void this.#repairs.delete(read),
      },
    );
    this.#repairs.add(read);
    read.start();
  }

  #set(
    begin: Begin,
    { key, value, lifetime, timeoutMs }: DictOperation & { type: "set" },
  ): void {
    const order = {
      action: "set",
      key,
      value,
      terms: this.#termsOf(lifetime),
      operation: undefined,
      timeoutMs,
    };
    begin(
      (ending) =>
        new Write(this.#context, this.#peers, this.#replica, order, ending),
      (written) => written,
    );
  }

  #exec(begin: Begin, operation: ExecOperation, name: OperationId): void {
    const order = this.#execOrder(operation, name);
    begin(
      (ending) => new Exec(this.#execParts, order, ending),
      ({ status, value }: ExecResult) =>
        execValue(operation.type, value, status === ExecStatus.done),
    );
  }

  #execOrder(operation: ExecOperation, name: OperationId) {
    const { type, key, timeoutMs } = operation;
    return {
      operation: name,
      kind: KINDS[type],
      key,
      value: "value" in operation ? operation.value : undefined,
      terms: this.#termsOf(lifetimeOf(operation)),
      timeoutMs,
    };
  }

  /**
   * Nothing where an entry is nobody's and lives for ever: most are such. Where
   * everybody is told of each value, they are told whose it is.
   */
  #termsOf(lifetime: Lifetime | undefined): Terms | undefined {
    const { leasing, leaseMs, replicas } = this.#context.options;
    const { ttlMs = 0, session = false } = lifetime ?? {};
    const isPlain = !leasing && ttlMs === 0 && !session;
    if (isPlain && replicas !== EVERYWHERE) return undefined;
    const owner = this.#peers.self.id;
    return { owner, leaseMs: leasing ? leaseMs : 0, ttlMs, session };
  }

  #wholeDict(
    begin: Begin,
    operation: DictOperation & { type: "popItem" | "size" | "scan" },
  ): void {
    const context = this.#context;
    const peers = this.#peers;
    const replica = this.#replica;
    if (operation.type === "popItem") {
      const order = {
        operation: () => this.#exclusive.nextOperation(),
        timeoutMs: operation.timeoutMs,
      };
      return begin(
        (ending) => new PopItem(this.#execParts, order, ending),
        asIs,
      );
    }
    if (operation.type === "size") {
      return begin(
        (ending) => new Size(context, peers, replica, operation, ending),
        asIs,
      );
    }
    begin(
      (ending) => new Scan(context, peers, replica, operation, ending),
      asIs,
    );
  }

  get #mendParts() {
    return { peers: this.#peers, replica: this.#replica };
  }

  get #execParts() {
    return {
      context: this.#context,
      peers: this.#peers,
      exclusive: this.#exclusive,
    };
  }
}

/** Starts a call; what it ends with goes to the application. */
type Begin = <Result>(
  create: (ending: Ending<Result>) => AnyCall,
  toValue: (result: Result) => unknown,
) => void;

function asIs(result: unknown): unknown {
  return result;
}

function isExec(operation: KeyOperation): boolean {
  return operation.type === "delete" || operation.type === "pop" ||
    operation.type === "setDefault" || operation.type === "touch";
}

/** What the application gets of a read-modify-write. */
function execValue(
  type: ExecOperation["type"],
  value: Bytes | undefined,
  didChange: boolean,
): unknown {
  if (type === "pop") return { value };
  if (type === "setDefault") return value;
  return type === "set" ? undefined : didChange;
}

/** How long what an operation writes is to live. */
function lifetimeOf(operation: ExecOperation): Lifetime | undefined {
  if (operation.type === "touch") {
    return { ttlMs: operation.ttlMs, session: false };
  }
  return "lifetime" in operation ? operation.lifetime : undefined;
}
