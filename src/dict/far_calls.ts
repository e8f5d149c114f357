/**
 * Operations whose holders this node does not know: handed on to who does, one
 * by one; what is about the whole dict goes around the ring in pages.
 *
 * @module
 */
import { type ChordError, TimeoutError } from "../base/errors.ts";
import { type Id, keyId, randomId, ZERO_ID } from "../id/id.ts";
import { advance } from "../id/ring.ts";
import {
  Errand,
  ExecKind,
  type OperationId,
  Role,
  type Terms,
} from "../wire/messages.ts";
import { Call, type Ending } from "./call.ts";
import { readChoice, type Routed } from "./errand.ts";
import type {
  DictOperation,
  Found,
  Item,
  Located,
  ScanPage,
} from "./operations.ts";
import type { HandOn } from "./sweep.ts";
import { FarCall, type Routing } from "./routing.ts";
import { holderIndex } from "./survey.ts";
import { noMember } from "./write.ts";

type Operation<Type> = DictOperation & { readonly type: Type };

/** A read. */
export function farGet(
  routing: Routing,
  { key, read, timeoutMs }: Operation<"get">,
  ending: Ending<Found>,
): FarCall {
  const order = {
    ...routing.orderFor(Errand.get, keyId(key)),
    read: readChoice(read),
    key,
  };
  return new FarCall(routing, order, { action: "read the key", timeoutMs }, {
    done: ({ value }) => ending.done({ value }),
    failed: (error) => ending.failed(error),
  });
}

/** A write, with a version that this node gives it. */
export function farSet(
  routing: Routing,
  { key, value, timeoutMs }: Operation<"set">,
  terms: Terms | undefined,
  ending: Ending<Routed>,
): FarCall {
  const order = {
    ...routing.orderFor(Errand.set, keyId(key)),
    key,
    value,
    terms,
    version: routing.parts.replica.nextVersion(),
  };
  const how = { action: "set the key", timeoutMs };
  return new FarCall(routing, order, how, ending);
}

/** Has the holders of an entry keep it, or a newer one; it is tried once. */
export function farKeep(routing: Routing): HandOn {
  return ({ key, value, version, terms }, timeoutMs, done) => {
    const what = { key, value, version, terms };
    const order = { ...routing.orderFor(Errand.keep, keyId(key)), ...what };
    routing.begin(order, 0, timeoutMs, (routed) => {
      done(routed?.holders ?? []);
    });
  };
}

/** What an exec is to do. */
export interface FarExecOrder {
  readonly operation: OperationId;
  readonly kind: typeof ExecKind[keyof typeof ExecKind];
  readonly key: Uint8Array<ArrayBuffer>;
  readonly value: Uint8Array<ArrayBuffer> | undefined;
  readonly terms: Terms | undefined;
  readonly timeoutMs: number;
}

/** A read-modify-write. */
export function farExec(
  routing: Routing,
  { timeoutMs, ...what }: FarExecOrder,
  ending: Ending<Routed>,
): FarCall {
  const order = { ...routing.orderFor(Errand.exec, keyId(what.key)), ...what };
  const how = { action: "change the key", timeoutMs };
  return new FarCall(routing, order, how, ending);
}

/** The question who is the first holder of a hash. */
export function farLocate(
  routing: Routing,
  { id, timeoutMs }: Operation<"locate">,
  ending: Ending<Located>,
): FarCall {
  const order = routing.orderFor(Errand.locate, id);
  const how = { action: "find the first holder", timeoutMs };
  return new FarCall(routing, order, how, {
    done: ({ members, hops }) => {
      const known = members.filter(({ role }) => role === Role.active);
      const owner = known[holderIndex(known, id)]?.id;
      if (owner !== undefined) return ending.done({ owner, hops });
      ending.failed(noMember("find the first holder"));
    },
    failed: (error) => ending.failed(error),
  });
}

/** One page of a scan. */
export function farScan(
  routing: Routing,
  { after, values, timeoutMs }: Omit<Operation<"scan">, "type">,
  ending: Ending<ScanPage>,
): FarCall {
  const target = advance(after ?? ZERO_ID, 1n);
  const order = { ...routing.orderFor(Errand.scan, target), values };
  return new FarCall(routing, order, { action: "scan the dict", timeoutMs }, {
    done: ({ entries, next }) => ending.done({ entries, next }),
    failed: (error) => ending.failed(error),
  });
}

/** What goes around the ring, a page at a time. */
export abstract class Round<Result> extends Call<Result> {
  protected readonly routing: Routing;
  #page: FarCall | undefined;

  constructor(routing: Routing, timeoutMs: number, ending: Ending<Result>) {
    super(routing.parts.context, timeoutMs, ending);
    this.routing = routing;
  }

  /** Pages are right whatever the ring is now. */
  override replan(): void {
  }

  protected override release(): void {
    this.#page?.cancel();
  }

  protected abstract onPage(page: ScanPage): void;

  protected turnTo(after: Id | undefined): void {
    const order = { after, values: false, timeoutMs: this.leftMs };
    this.#page = farScan(this.routing, order, {
      done: (page) => {
        if (!this.isOver) this.onPage(page);
      },
      failed: (error) => this.fail(error),
    });
    this.#page.start();
  }
}

/** The number of keys. */
export class FarSize extends Round<number> {
  #sum = 0;

  start(): this {
    this.turnTo(undefined);
    return this;
  }

  protected override timedOut(): ChordError {
    return new TimeoutError(
      `Cannot count the keys: ${this.#sum} were counted within ` +
        `${this.timeoutMs} ms; raise "timeoutMs"`,
      "no",
    );
  }

  protected override onPage({ entries, next }: ScanPage): void {
    this.#sum += entries.length;
    if (next === undefined) return this.succeed(this.#sum);
    this.turnTo(next);
  }
}

/** Takes out some entry: of those after a place of chance, the first to be had. */
export class FarPopItem extends Round<Item | undefined> {
  readonly #operation: () => OperationId;
  readonly #start: Id;
  #keys: Uint8Array<ArrayBuffer>[] = [];
  #next: Id | undefined;
  /** Whether the scan has come to the beginning of the ring. */
  #isAround = false;
  #exec: FarCall | undefined;
  #wasSent = false;

  constructor(
    routing: Routing,
    order: { operation: () => OperationId; timeoutMs: number },
    ending: Ending<Item | undefined>,
  ) {
    super(routing, order.timeoutMs, ending);
    this.#operation = order.operation;
    this.#start = randomId(routing.parts.context.random);
  }

  start(): this {
    this.turnTo(this.#start);
    return this;
  }

  protected override release(): void {
    super.release();
    this.#exec?.cancel();
  }

  protected override timedOut(): ChordError {
    return new TimeoutError(
      `Cannot pop an item: no answer within ${this.timeoutMs} ms; read before ` +
        `retrying, or raise "timeoutMs"`,
      this.#wasSent ? "maybe" : "no",
    );
  }

  protected override onPage({ entries, next }: ScanPage): void {
    const isPast = this.#isAround && next !== undefined && next > this.#start;
    this.#keys = entries.map(({ key }) => key).reverse();
    this.#next = isPast ? undefined : next;
    this.#pop();
  }

  #pop(): void {
    const key = this.#keys.pop();
    if (key === undefined) return this.#turn();
    this.#wasSent = true;
    this.#exec = farExec(this.routing, {
      operation: this.#operation(),
      kind: ExecKind.pop,
      key,
      value: undefined,
      terms: undefined,
      timeoutMs: this.leftMs,
    }, {
      done: ({ value }) => {
        if (value !== undefined) this.succeed({ key, value });
        else this.#pop();
      },
      // Only what certainly took nothing may be passed over.
      failed: (error) => {
        if (error.applied === "maybe") this.fail(error);
        else this.#pop();
      },
    });
    this.#exec.start();
  }

  #turn(): void {
    if (this.#next !== undefined) return this.turnTo(this.#next);
    if (this.#isAround) return this.succeed(undefined);
    this.#isAround = true;
    this.turnTo(undefined);
  }
}
