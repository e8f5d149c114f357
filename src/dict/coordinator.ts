/**
 * The caller's side of the dict: one object for each call that is under way.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { ChordError } from "../base/errors.ts";
import { EVERYWHERE } from "../base/options.ts";
import { below } from "../base/random.ts";
import { type Id, keyId } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { CallNumber } from "../mesh/events.ts";
import type { Peers } from "../mesh/peers.ts";
import { ExecKind, ExecStatus, type Terms } from "../wire/messages.ts";
import type { Ending } from "./call.ts";
import type { Exclusive, ExecResult } from "./exclusive.ts";
import { Exec, PopItem } from "./exec.ts";
import type { DictOperation, Found, Lifetime } from "./operations.ts";
import { Read, type ReadResult } from "./read.ts";
import type { Replica } from "./replica.ts";
import { Scan, Size } from "./scan.ts";
import { Write } from "./write.ts";

/** One read in this many compares all copies. */
const REPAIR_ONE_IN = 16;

type AnyCall = Read | Write | Exec | PopItem | Scan | Size;

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
  readonly #calls = new Map<CallNumber, AnyCall>();
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
  }

  /** Calls under way. */
  get waiting(): number {
    return this.#calls.size;
  }

  start(call: CallNumber, operation: KeyOperation): void {
    switch (operation.type) {
      case "get":
        return this.#get(call, operation);
      case "set":
        return this.#context.options.leasing
          ? this.#exec(call, operation)
          : this.#set(call, operation);
      case "delete":
      case "pop":
      case "setDefault":
      case "touch":
        return this.#exec(call, operation);
      default:
        return this.#wholeDict(call, operation);
    }
  }

  /** The application no longer waits. */
  cancel(call: CallNumber): void {
    this.#calls.get(call)?.cancel();
    this.#calls.delete(call);
  }

  /** The ring has changed. */
  replan(): void {
    for (const call of [...this.#calls.values()]) call.replan();
    for (const read of [...this.#repairs]) read.replan();
  }

  /** The socket closes. */
  close(error: ChordError): void {
    for (const call of [...this.#calls.values()]) call.fail(error);
    for (const read of [...this.#repairs]) read.cancel();
    this.#repairs.clear();
  }

  #get(
    call: CallNumber,
    { key, read, timeoutMs }: DictOperation & { type: "get" },
  ): void {
    const id = keyId(key);
    const order = { id, mode: read, timeoutMs };
    this.#begin(
      call,
      (ending) =>
        new Read(this.#context, this.#peers, this.#replica, order, ending),
      (result: ReadResult): Found => {
        this.#mend(key, result);
        const isDue = below(this.#context.random, REPAIR_ONE_IN) === 0;
        if (isDue && read === "first") this.#readRepair(key, id, timeoutMs);
        return { value: result.value };
      },
    );
  }

  /** Compares all copies of a key, after a read of one of them. */
  #readRepair(key: Bytes, id: Id, timeoutMs: number): void {
    const read: Read = new Read(
      this.#context,
      this.#peers,
      this.#replica,
      { id, mode: "all", timeoutMs },
      {
        done: (result) => {
          this.#repairs.delete(read);
          this.#mend(key, result);
        },
        failed: () => void this.#repairs.delete(read),
      },
    );
    this.#repairs.add(read);
    read.start();
  }

  /** Gives the newest version to the holders that were found without it. */
  #mend(key: Bytes, { version, value, terms, behind }: ReadResult): void {
    if (version === undefined) return;
    const entry = { key, value, version, terms };
    for (const id of behind) {
      if (id === this.#peers.self.id) this.#replica.take(entry);
      else {
        this.#peers.send(id, { type: "push", request: 0, entries: [entry] });
      }
    }
  }

  #set(
    call: CallNumber,
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
    this.#begin(
      call,
      (ending) =>
        new Write(this.#context, this.#peers, this.#replica, order, ending),
      (written) => written,
    );
  }

  #exec(call: CallNumber, operation: ExecOperation): void {
    const { type, key, timeoutMs } = operation;
    const order = {
      operation: this.#exclusive.nextOperation(),
      kind: KINDS[type],
      key,
      value: "value" in operation ? operation.value : undefined,
      terms: this.#termsOf(lifetimeOf(operation)),
      timeoutMs,
    };
    this.#begin(
      call,
      (ending) => new Exec(this.#execParts, order, ending),
      ({ status, value }: ExecResult): unknown => {
        if (type === "pop") return { value };
        if (type === "setDefault") return value;
        return type === "set" ? undefined : status === ExecStatus.done;
      },
    );
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
    call: CallNumber,
    operation: DictOperation & { type: "popItem" | "size" | "scan" },
  ): void {
    const context = this.#context;
    const peers = this.#peers;
    const replica = this.#replica;
    const asIs = (result: unknown) => result;
    if (operation.type === "popItem") {
      const order = {
        operation: () => this.#exclusive.nextOperation(),
        timeoutMs: operation.timeoutMs,
      };
      return this.#begin(
        call,
        (ending) => new PopItem(this.#execParts, order, ending),
        asIs,
      );
    }
    if (operation.type === "size") {
      return this.#begin(
        call,
        (ending) => new Size(context, peers, replica, operation, ending),
        asIs,
      );
    }
    this.#begin(
      call,
      (ending) => new Scan(context, peers, replica, operation, ending),
      asIs,
    );
  }

  get #execParts() {
    return {
      context: this.#context,
      peers: this.#peers,
      exclusive: this.#exclusive,
    };
  }

  /** Starts a call; what it ends with goes to the application. */
  #begin<Result, C extends AnyCall>(
    call: CallNumber,
    create: (ending: Ending<Result>) => C,
    toValue: (result: Result) => unknown,
  ): void {
    const running = create({
      done: (result) => {
        this.#calls.delete(call);
        this.#context.result(call, toValue(result));
      },
      failed: (error) => {
        this.#calls.delete(call);
        this.#context.failure(call, error);
      },
    });
    this.#calls.set(call, running);
    running.start();
  }
}

/** How long what an operation writes is to live. */
function lifetimeOf(operation: ExecOperation): Lifetime | undefined {
  if (operation.type === "touch") {
    return { ttlMs: operation.ttlMs, session: false };
  }
  return "lifetime" in operation ? operation.lifetime : undefined;
}
