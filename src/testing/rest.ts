/**
 * When a world has come to rest: what must be true some time after the last
 * fault, asked again and again until it is.
 *
 * @module
 */
import {
  allSettled,
  convergedReplicas,
  type Finding,
  oneRing,
} from "./checkers.ts";
import type { Cluster } from "./cluster.ts";
import { Violation } from "./simulator.ts";

/** The first check that is not fulfilled, and what it found. */
export type Unrest = readonly [check: string, finding: Finding];

/** How often is asked, in parts of the time allowed. */
const POLLS = 120;

/** Members that are not active, not settled, or see another ring. */
export function unsettled(cluster: Cluster): Unrest {
  const live = cluster.simulator.nodes;
  const finding = allSettled(live, cluster.members);
  if (finding !== undefined) return ["allSettled", finding];
  return ["oneRing", oneRing(live)];
}

/** Calls that go on, members that are unsettled, holders that differ. */
export function unfinished(cluster: Cluster): Unrest {
  const { simulator, ledger } = cluster;
  const live = simulator.nodes;
  for (const node of live) {
    for (const { operation } of node.calls.values()) {
      return ["callsEnd", `${operation.type} at ${node.name} goes on`];
    }
    const { stats, dict } = node.machine;
    const { queuedBytes } = stats;
    const { callsWaiting } = dict.stats;
    if (callsWaiting > 0) {
      return ["callsEnd", `${callsWaiting} calls wait at ${node.name}`];
    }
    if (queuedBytes > 0) {
      return [
        "boundedQueues",
        `${node.name} still queues ${queuedBytes} bytes`,
      ];
    }
  }
  const unrest = unsettled(cluster);
  if (unrest[1] !== undefined) return unrest;
  return [
    "convergedReplicas",
    convergedReplicas(live, ledger.replicas, false),
  ];
}

/** Copies that are still where they do not belong. */
export function undropped({ simulator, ledger }: Cluster): Unrest {
  return [
    "convergedReplicas",
    convergedReplicas(simulator.nodes, ledger.replicas, true),
  ];
}

/** Lets time pass until nothing is found any more, or too much has passed. */
export function demand(
  cluster: Cluster,
  phase: string,
  maxMs: number,
  ask: (cluster: Cluster) => Unrest,
): void {
  const { queue } = cluster.simulator;
  const untilMs = queue.nowMs + maxMs;
  for (;;) {
    const [check, finding] = ask(cluster);
    if (finding === undefined) return;
    if (queue.nowMs >= untilMs) {
      throw new Violation(
        check,
        `${maxMs / 1000} s were not enough (${phase}): ${finding}`,
      );
    }
    queue.run(queue.nowMs + maxMs / POLLS);
  }
}
