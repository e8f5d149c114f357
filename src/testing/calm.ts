/**
 * What holds as long as nothing goes wrong: membership is stable, nobody is
 * slow. Then each key is a register, and a value is popped once.
 *
 * @module
 */
import type { Finding } from "./checkers.ts";
import { groupByKey, type Operation, valueText } from "./history.ts";
import type { Key } from "./history.ts";
import {
  isLinearizable,
  type Operation as Act,
  OPERATIONS_MAX,
} from "./linearizable.ts";
import type { LiveNode } from "./node.ts";

/** A write, or a read, of one key; `undefined` is the state of having none. */
interface Step {
  readonly startMs: number;
  readonly endMs: number;
  readonly value: string | undefined;
  readonly operation: Operation | undefined;
}

/**
 * No read gives what had been replaced before it began: of a write that ended
 * before another, acknowledged one began nothing is seen once that one ended.
 *
 * @param slackMs by how much any two wall clocks may differ
 */
export function readsAreFresh(
  operations: readonly Operation[],
  slackMs: number,
): Finding {
  for (const same of groupByKey(operations).values()) {
    const finding = keyIsFresh(same, slackMs);
    if (finding !== undefined) return finding;
  }
  return undefined;
}

function keyIsFresh(
  operations: readonly Operation[],
  slackMs: number,
): Finding {
  const absent: Step = {
    startMs: -Infinity,
    endMs: -Infinity,
    value: undefined,
    operation: undefined,
  };
  const writes = [absent, ...operations.flatMap(writesOf)];
  const sure = writes.filter(({ operation }) => operation?.ending === "ok");
  writes.push(...operations.flatMap((one) => endsOf(one, slackMs)));
  for (const read of operations.flatMap(readsOf)) {
    const sources = writes.filter((write) =>
      write.value === read.value && write.startMs <= read.endMs &&
      write.operation !== read.operation
    );
    const isFresh = sources.some((source) =>
      !sure.some((other) =>
        other.operation !== read.operation &&
        source.endMs <= other.startMs && other.endMs <= read.startMs
      )
    );
    if (!isFresh) {
      const { type, node } = read.operation!;
      return `${type} of "${read.operation!.key}" at ${node}, begun at ` +
        `${read.startMs.toFixed(3)} ms, found ${read.value ?? "nothing"}, ` +
        `which had been replaced before`;
    }
  }
  return undefined;
}

/** What an operation has written, or may have. */
function writesOf(operation: Operation): Step[] {
  const { type, ending, startMs, found } = operation;
  if (ending === "no") return [];
  // What is not known to have happened may happen at any time yet.
  const endMs = ending === "ok" ? operation.endMs : Infinity;
  const write = (value: string | undefined): Step[] => [
    { startMs, endMs, value, operation },
  ];
  switch (type) {
    case "set":
      return write(operation.value);
    case "setDefault":
      return ending !== "ok" || found === operation.value
        ? write(operation.value)
        : [];
    case "delete":
    case "pop":
      return ending !== "ok" || operation.didChange ? write(undefined) : [];
    default:
      return [];
  }
}

/** That what an operation wrote may be over at some time, unless renewed. */
function endsOf(operation: Operation, slackMs: number): Step[] {
  const { ttlMs, ending, startMs } = operation;
  if (ttlMs === undefined || ending === "no") return [];
  const endMs = ending === "ok" ? operation.endMs : Infinity;
  return [{
    startMs: startMs + ttlMs - slackMs,
    endMs: endMs + ttlMs + slackMs,
    value: undefined,
    operation: undefined,
  }];
}

/** What an operation has seen. */
function readsOf(operation: Operation): Step[] {
  const { type, ending, startMs, endMs, found } = operation;
  if (ending !== "ok") return [];
  const read = (value: string | undefined): Step[] => [
    { startMs, endMs, value, operation },
  ];
  switch (type) {
    case "get":
    case "pop":
      return read(found);
    case "setDefault":
      return read(found === operation.value ? undefined : found);
    case "delete":
    case "touch":
      // Of what it took away, or found, it says nothing.
      return operation.didChange ? [] : read(undefined);
    default:
      return [];
  }
}

/**
 * The operations on each key behave as if each happened at one moment. What
 * nobody knows the end of may have happened at any time since it began, or
 * never; keys with too much of it are left to {@linkcode readsAreFresh}.
 *
 * @param slackMs by how much any two wall clocks may differ
 */
export function linearizable(
  operations: readonly Operation[],
  slackMs: number,
): Finding {
  for (const [key, same] of groupByKey(operations)) {
    const acts = same.flatMap((one) => actsOf(one, slackMs));
    const open = acts.filter(({ endMs }) => endMs === Infinity).length;
    if (open > OPERATIONS_MAX || isLinearizable(acts)) continue;
    const shown = same.map((one) =>
      `${one.type} ${one.value ?? ""}=${one.found ?? one.didChange} at ` +
      `${one.node} ${one.startMs.toFixed(3)}-${one.endMs.toFixed(3)}`
    );
    return `no order of the operations on "${key}" explains what each gave: ` +
      shown.join("; ");
  }
  return undefined;
}

/** What an operation did to a register, and that it may run out. */
function actsOf(operation: Operation, slackMs: number): Act[] {
  const { type, ending, startMs, ttlMs } = operation;
  if (ending === "no") return [];
  const isOver = ending === "ok";
  const endMs = isOver ? operation.endMs : Infinity;
  const given = operation.value;
  const found = operation.found ?? "";
  const act = (type: Act["type"], result: string | undefined): Act[] => [
    { type, given, result: isOver ? result : undefined, startMs, endMs },
  ];
  const end: Act[] = ttlMs === undefined ? [] : [{
    type: "delete",
    given: undefined,
    result: undefined,
    startMs: startMs + ttlMs - slackMs,
    endMs: Infinity,
  }];
  switch (type) {
    case "get":
      return isOver ? act(type, found) : [];
    case "set":
    case "setDefault":
      return [...act(type, found), ...end];
    case "pop":
      return act(type, found);
    case "delete":
      return act(type, operation.didChange ? "there" : "");
    case "touch":
      return end;
    default:
      return [];
  }
}

/** No value is popped twice. */
export function poppedOnce(operations: readonly Operation[]): Finding {
  const popped = new Map<string, Operation>();
  for (const operation of operations) {
    const { type, found, key } = operation;
    if (type !== "pop" || found === undefined) continue;
    const first = popped.get(found);
    if (first !== undefined) {
      return `"${key}" ${found} was popped at ${first.node} and ` +
        `at ${operation.node}`;
    }
    popped.set(found, operation);
  }
  return undefined;
}

/** Once a pop has ended, so many nodes know that its value is gone. */
export function poppedEverywhere(
  key: Key,
  found: string,
  least: number,
  live: readonly LiveNode[],
): Finding {
  const knowing = live.filter((node) => {
    const copy = node.machine.dict.copyOf(key.id);
    if (copy === undefined) return false;
    return copy.value === undefined || valueText(copy.value) !== found;
  });
  if (knowing.length >= least) return undefined;
  return `"${key.text}" ${found} was popped, but only ${knowing.length} of ` +
    `${least} holders know`;
}
