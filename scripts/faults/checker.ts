/**
 * What must be true of a ring of processes once all faults have ended, judged
 * by what clients saw and by what the nodes say they hold.
 *
 * All processes share the clock of one machine, so that of two writes to one
 * key the one that began after the other had ended has the larger version, on
 * whatever side of a cut it was: what was replaced so is never seen again.
 *
 * @module
 */
import { readsAreFresh } from "../../src/testing/calm.ts";
import {
  allSettled,
  convergedReplicas,
  finalReadIsNewest,
  type Finding,
  noLostWrite,
  oneRing,
} from "../../src/testing/checkers.ts";
import { utf8 } from "../../src/base/bytes.ts";
import type { CopyView } from "../../src/dict/dict.ts";
import type { Id } from "../../src/id/id.ts";
import {
  type History,
  keyOf,
  type Operation,
} from "../../src/testing/history.ts";
import type { Ledger } from "../../src/testing/ledger.ts";
import type { LiveNode, MachineView } from "../../src/testing/node.ts";
import type { Snapshot } from "./node.ts";

/**
 * Nodes as the checkers look at them.
 *
 * @param isJudged which keys are looked at
 */
export function viewsOf(
  snapshots: ReadonlyMap<string, Snapshot>,
  isJudged: (key: string) => boolean = () => true,
): LiveNode[] {
  return [...snapshots].map(([name, snapshot]) => {
    const copies = new Map<Id, CopyView>();
    for (const { key, version, value } of snapshot.copies) {
      if (!isJudged(key)) continue;
      const { id, bytes } = keyOf(key);
      copies.set(id, {
        key: bytes,
        version,
        value: value === null ? undefined : utf8(value),
        terms: undefined,
      });
    }
    const { id, members, isSettled } = snapshot;
    const dict = {
      isSettled,
      copyOf: (id: Id) => copies.get(id),
      copies: () => copies.values(),
    };
    // What is queued in a process no check asks for here.
    const machine = { id, members, dict } as unknown as MachineView;
    return { name, machine };
  });
}

/** Which copies are not where they belong, or not the same, if any. */
export function unequalCopies(
  live: readonly LiveNode[],
  replicas: number,
): Finding {
  return oneRing(live) ?? convergedReplicas(live, replicas, false);
}

/** Which nodes know that they have not recovered yet, if any. */
export function unsettled(live: readonly LiveNode[]): Finding {
  return allSettled(live, live);
}

/** Keys that nobody has begun to write since a moment. */
export function quietSince(
  { operations }: History,
  sinceMs: number,
): (key: string) => boolean {
  const busy = new Set<string>();
  for (const { type, key, endMs } of operations) {
    if (type !== "get" && endMs >= sinceMs) busy.add(key);
  }
  return (key) => !busy.has(key);
}

/**
 * The verdict after the last fault.
 *
 * @param reads every key, read at every node
 */
export function verdictOf(
  history: History,
  ledger: Ledger,
  live: readonly LiveNode[],
  reads: readonly Operation[],
): string[] {
  const findings: string[] = [];
  const report = (check: string, finding: Finding) => {
    if (finding !== undefined) findings.push(`${check}: ${finding}`);
  };
  report("noLostWrite", noLostWrite(ledger, live));
  for (const { key, node, ending, found } of reads) {
    if (ending !== "ok") {
      report("everyKeyIsReadable", `"${key}" cannot be read from ${node}`);
      continue;
    }
    const finding = finalReadIsNewest(live, keyOf(key), node, found);
    report("finalReadIsNewest", finding);
  }
  // What a read, or a delete that found nothing, saw meanwhile may be stale.
  const writes = history.operations.filter(({ type, ending, didChange }) =>
    type === "set" || type === "delete" && (ending !== "ok" || didChange)
  );
  report("readsAreFresh", readsAreFresh([...writes, ...reads], 0));
  return findings;
}
