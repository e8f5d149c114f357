/**
 * What is promised of entries that belong to somebody or do not live for ever.
 *
 * @module
 */
import { fromUtf8 } from "../base/bytes.ts";
import { endOf } from "../dict/expiry.ts";
import type { Finding } from "./checkers.ts";
import { groupByKey, type Operation, versionText } from "./history.ts";
import type { LiveNode } from "./node.ts";
import { newestCopies } from "./truth.ts";

/** How late a node may be with what its own clock says. */
const LATE_MS = 100;
/** How much shorter a lease may be than its writer thinks. */
const DRIFT_MS = 100;

/** No node shows a value whose time is over by its own wall clock. */
export function expiredIsGone<Node extends LiveNode>(
  live: readonly Node[],
  wallMsOf: (node: Node) => number,
): Finding {
  for (const node of live) {
    const wallMs = wallMsOf(node);
    for (const copy of node.machine.dict.copies()) {
      const lateMs = wallMs - endOf(copy);
      if (lateMs <= LATE_MS || copy.value === undefined) continue;
      return `${node.name} still has "${fromUtf8(copy.key)}" ` +
        `${versionText(copy.version)}, which ended ${lateMs} ms ago`;
    }
  }
  return undefined;
}

/**
 * No read gives a value whose time was over when it began. To be asked of a time
 * without faults only: a write that is repeated begins its time again.
 *
 * @param slackMs by how much any two wall clocks may differ, with what a version
 * may be ahead
 */
export function expiredIsNotRead(
  operations: readonly Operation[],
  slackMs: number,
): Finding {
  const byKey = groupByKey(operations);
  for (const same of byKey.values()) {
    for (const read of same) {
      if (read.ending !== "ok" || read.found === undefined) continue;
      const write = same.find(({ value }) => value === read.found);
      if (write === undefined || write === read) continue;
      const endMs = lastEndMs(write, same) + slackMs;
      if (read.startMs <= endMs) continue;
      return `${read.type} of "${read.key}" at ${read.node}, begun at ` +
        `${read.startMs.toFixed(3)} ms, found ${read.found}, which ended ` +
        `before ${endMs.toFixed(3)} ms`;
    }
  }
  return undefined;
}

/** The latest moment at which a value can end, by the clock of the world. */
function lastEndMs(write: Operation, same: readonly Operation[]): number {
  const lives = same.filter((other) =>
    other === write || (other.type === "touch" && other.ending !== "no")
  );
  return Math.max(...lives.map((life) => {
    if (life.ttlMs === undefined || life.ending !== "ok") return Infinity;
    return life.endMs + life.ttlMs;
  }));
}

/**
 * Whoever wrote an entry of a session runs. True once all is quiet; old copies
 * that are still to be dropped do not count.
 */
export function sessionEnds(live: readonly LiveNode[]): Finding {
  const running = new Set(live.map((node) => node.machine.id));
  for (const { key, value, terms } of newestCopies(live).values()) {
    if (value === undefined || !terms?.session) continue;
    if (running.has(terms.owner)) continue;
    return `"${fromUtf8(key)}" is still there, of ` +
      `${terms.owner.slice(0, 4)}, which does not run any more`;
  }
  return undefined;
}

/**
 * While a node must think that a key is its own, nobody else changes it. To be
 * asked of a time in which nobody comes, goes or fails.
 */
export function oneOwner(
  operations: readonly Operation[],
  leaseMs: number,
): Finding {
  for (const same of groupByKey(operations).values()) {
    const changes = same.filter(tookEffect);
    for (const hold of changes) {
      if (hold.type === "delete" || hold.type === "pop") continue;
      const lastsMs = Math.min(leaseMs, hold.ttlMs ?? Infinity);
      const untilMs = hold.startMs + lastsMs - DRIFT_MS;
      const thief = changes.find((change) =>
        change.node !== hold.node && change.startMs >= hold.endMs &&
        change.endMs <= untilMs && !isOver(hold, same, change)
      );
      if (thief === undefined) continue;
      return `"${hold.key}" was ${hold.node}'s from ` +
        `${hold.endMs.toFixed(3)} to ${untilMs.toFixed(3)} ms, but ` +
        `${thief.type} at ${thief.node} took effect between ` +
        `${thief.startMs.toFixed(3)} and ${thief.endMs.toFixed(3)} ms`;
    }
  }
  return undefined;
}

/** Whether the owner itself may have ended its hold before `change` did. */
function isOver(
  hold: Operation,
  same: readonly Operation[],
  change: Operation,
): boolean {
  return same.some((other) =>
    other !== hold && other.node === hold.node && other.type !== "get" &&
    other.ending !== "no" && other.startMs < change.endMs &&
    other.endMs > hold.startMs
  );
}

/** Whether an operation has changed its key for certain. */
function tookEffect(operation: Operation): boolean {
  const { type, ending, found, value, didChange } = operation;
  if (ending !== "ok") return false;
  if (type === "setDefault") return found === value;
  return type === "set" || didChange;
}
