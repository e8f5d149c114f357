/**
 * What is done for another node, here where the holders are known: the very
 * operations of an application of this node, whose outcome is told to whoever
 * waits far away.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import {
  type ChordError,
  ClockError,
  InsufficientReplicasError,
  LeaseError,
  NoPeerError,
  OverloadedError,
  TimeoutError,
  UnknownOutcomeError,
} from "../base/errors.ts";
import { advance } from "../id/ring.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers } from "../mesh/peers.ts";
import {
  Errand,
  ErrandStatus,
  ExecStatus,
  Failure,
  type MessageOf,
  ReadChoice,
} from "../wire/messages.ts";
import type { Ending } from "./call.ts";
import type { Exclusive, ExecResult } from "./exclusive.ts";
import { Exec } from "./exec.ts";
import { Keep } from "./keep.ts";
import type { ReadMode, ScanPage, Written } from "./operations.ts";
import { Read, type ReadResult } from "./read.ts";
import type { Replica } from "./replica.ts";
import { Scan } from "./scan.ts";
import { Write } from "./write.ts";

/** What operations are made from. */
export interface CallParts {
  readonly context: Context;
  readonly peers: Peers;
  readonly replica: Replica;
  readonly exclusive: Exclusive;
}

/** An operation as it is handed on. */
export type RouteOrder = Omit<
  MessageOf<"route">,
  "type" | "request" | "hops" | "leftMs"
>;

/** How it has ended. */
export type Routed = Omit<MessageOf<"routed">, "type" | "request">;

type FailureRecord = NonNullable<Routed["failure"]>;

/** Nobody did anything yet. */
export const LOST: Routed = {
  status: ErrandStatus.lost,
  hops: 0,
  members: [],
  value: undefined,
  didChange: false,
  holders: [],
  version: undefined,
  next: undefined,
  entries: [],
  failure: undefined,
};
const DONE: Routed = { ...LOST, status: ErrandStatus.done };

/** How many joining members an answer tells of, at most. */
const JOINING_TOLD_MAX = 64;
/** The longest explanation of a failure, in characters. */
const TEXT_MAX = 250;

/** Begins an errand; what it ends with is told once. */
export function startErrand(
  parts: CallParts,
  order: RouteOrder,
  timeoutMs: number,
  done: (routed: Routed) => void,
): Read | Write | Exec | Scan | Keep | undefined {
  const { context, peers, replica } = parts;
  const failed = (error: ChordError) => done(failureOf(error));
  const on = <R>(toRouted: (result: R) => Routed): Ending<R> => ({
    done: (result) => done(toRouted(result)),
    failed,
  });
  switch (order.errand) {
    case Errand.get: {
      const mode = READ_MODES[order.read]!;
      const ending = on((result: ReadResult) => {
        if (order.key !== undefined) mend(parts, order.key, result);
        return { ...DONE, value: result.value };
      });
      const isSlow = context.isUnlucky("slowRead");
      const wish = { id: order.target, mode: isSlow ? "all" : mode, timeoutMs };
      return new Read(context, peers, replica, wish, ending).start();
    }
    case Errand.keep:
      return startKeep(parts, order, timeoutMs, done, failed);
    case Errand.set:
      return startWrite(parts, order, timeoutMs, done, failed);
    case Errand.exec:
      return startExec(
        parts,
        order,
        timeoutMs,
        on(({ status, value }: ExecResult) => {
          const didChange = status === ExecStatus.done;
          return { ...DONE, value, didChange };
        }),
      );
    case Errand.scan: {
      const after = advance(order.target, -1n);
      const wish = { after, values: order.values, timeoutMs };
      const ending = on(({ entries, next }: ScanPage) => ({
        ...DONE,
        entries,
        next,
      }));
      return new Scan(context, peers, replica, wish, ending).start();
    }
    default: {
      const members = peers.membersAround(order.target);
      const joining = peers.ring.joining.slice(0, JOINING_TOLD_MAX);
      done({ ...DONE, members: [...members, ...joining] });
      return undefined;
    }
  }
}

function startWrite(
  { context, peers, replica }: CallParts,
  { key, value, version, terms }: RouteOrder,
  timeoutMs: number,
  done: (routed: Routed) => void,
  failed: (error: ChordError) => void,
): Write | undefined {
  // No node of this library leaves out what it wants written.
  if (key === undefined || version === undefined) return void done(LOST);
  const onBeaten = (newer: typeof version) =>
    done({ ...DONE, status: ErrandStatus.beaten, version: newer });
  const order = {
    action: "set",
    key: key.slice(),
    value: value?.slice(),
    terms,
    operation: undefined,
    timeoutMs,
    given: { version, onBeaten },
  };
  return new Write(context, peers, replica, order, {
    done: ({ holders }: Written) => done({ ...DONE, holders, version }),
    failed,
  }).start();
}

function startKeep(
  { context, peers, replica }: CallParts,
  { key, value, version, terms }: RouteOrder,
  timeoutMs: number,
  done: (routed: Routed) => void,
  failed: (error: ChordError) => void,
): Keep | undefined {
  if (key === undefined || version === undefined) return void done(LOST);
  const entry = {
    key: key.slice(),
    value: value?.slice(),
    version,
    terms,
  };
  return new Keep(context, peers, replica, { entry, timeoutMs }, {
    done: (holders) => done({ ...DONE, holders, version }),
    failed,
  }).start();
}

function startExec(
  parts: CallParts,
  { operation, kind, key, value, terms }: RouteOrder,
  timeoutMs: number,
  ending: Ending<ExecResult>,
): Exec | undefined {
  if (operation === undefined || key === undefined) {
    return void ending.failed(new NoPeerError("Cannot run it: no key given"));
  }
  const order = {
    operation,
    kind: kind as ExecKindOf,
    key: key.slice(),
    value: value?.slice(),
    terms,
    timeoutMs,
  };
  return new Exec(parts, order, ending).start();
}

type ExecKindOf = MessageOf<"exec">["kind"];

const READ_MODES: readonly ReadMode[] = ["first", "nearest", "quorum", "all"];

/** A read's mode as it travels. */
export function readChoice(mode: ReadMode): number {
  return ReadChoice[mode];
}

/** Gives the newest version to the holders that were found without it. */
export function mend(
  { peers, replica }: Pick<CallParts, "peers" | "replica">,
  key: Bytes,
  { version, value, terms, behind }: ReadResult,
): void {
  if (version === undefined) return;
  const entry = { key, value, version, terms };
  for (const id of behind) {
    if (id === peers.self.id) replica.take(entry);
    else peers.send(id, { type: "push", request: 0, entries: [entry] });
  }
}

/** A failure as it travels. */
function failureOf(error: ChordError): Routed {
  // Whoever knows nobody has not begun.
  if (error instanceof NoPeerError) return LOST;
  const failure: FailureRecord = {
    why: whyOf(error),
    maybe: error.applied === "maybe",
    text: error.message.slice(0, TEXT_MAX),
    lease: error instanceof LeaseError
      ? { owner: error.owner, untilMs: error.until }
      : undefined,
  };
  return { ...LOST, status: ErrandStatus.failed, failure };
}

function whyOf(error: ChordError): FailureRecord["why"] {
  if (error instanceof InsufficientReplicasError) return Failure.replicas;
  if (error instanceof UnknownOutcomeError) return Failure.unknownOutcome;
  if (error instanceof ClockError) return Failure.clock;
  if (error instanceof OverloadedError) return Failure.overloaded;
  if (error instanceof LeaseError) return Failure.leased;
  return Failure.timeout;
}

/** The failure of what was done elsewhere, as its caller is told of it. */
export function errorFrom({ why, maybe, text, lease }: FailureRecord) {
  const applied = maybe ? "maybe" : "no";
  switch (why) {
    case Failure.unknownOutcome:
      return new UnknownOutcomeError(text);
    case Failure.clock:
      return new ClockError(text, applied);
    case Failure.overloaded:
      return new OverloadedError(text);
    case Failure.leased:
      if (lease !== undefined) return new LeaseError(text, lease);
      return new TimeoutError(text, applied);
    default:
      return new TimeoutError(text, applied);
  }
}
