/**
 * When a world has come to rest: what must be true some time after the last
 * fault, asked again and again until it is.
 *
 * @module
 */
import {
  allSettled,
  boundedQueues,
  convergedReplicas,
  type Finding,
  oneRing,
} from "./checkers.ts";
import type { Cluster } from "./cluster.ts";
import type { InvariantName } from "./invariants.ts";
import { sessionEnds } from "./lives.ts";
import { unevenRing } from "./ring_watch.ts";
import { tablesAgree } from "./member_checkers.ts";
import { Violation } from "./simulator.ts";

/** The first check that is not fulfilled, and what it found. */
export type Unrest = readonly [check: InvariantName, finding: Finding];

/** What a node needs that has nothing to do: digests and life signs. */
const IDLE_REQUESTS = 16;
const IDLE_REQUESTS_PER_NODE = 2;
const IDLE_TIMERS = 32;
const IDLE_TIMERS_PER_NODE = 4;

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
  }
  const busy = boundedQueues(live, {
    queuedBytes: 0,
    broadcastBytes: Infinity,
    castsOpen: Infinity,
    sendsWaiting: 0,
    repliesWaiting: 0,
    callsWaiting: 0,
    requestsInFlight: IDLE_REQUESTS + IDLE_REQUESTS_PER_NODE * live.length,
    timers: Infinity,
    links: Infinity,
    members: Infinity,
  });
  if (busy !== undefined) return ["boundedQueues", busy];
  const timersMax = IDLE_TIMERS + IDLE_TIMERS_PER_NODE * live.length;
  const late = live.find(({ machine }) => machine.stats.timers > timersMax);
  if (late !== undefined) {
    const { name, machine } = late;
    const finding = `${name} has ${machine.stats.timers} deadlines, at most ` +
      `${timersMax} where nothing happens`;
    return ["deadlinesEnd", finding];
  }
  const unrest = unsettled(cluster);
  if (unrest[1] !== undefined) return unrest;
  const uneven = unevenRing(live, simulator.successors);
  if (uneven[1] !== undefined) return uneven;
  const differing = tablesAgree(live);
  if (differing !== undefined) return ["tablesAgree", differing];
  const left = sessionEnds(live);
  if (left !== undefined) return ["sessionEnds", left];
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

/** Broadcasts that somebody misses, or that others are still told of. */
export function untold({ simulator }: Cluster): Unrest {
  const open = simulator.nodes.find(({ machine }) =>
    machine.stats.castsOpen > 0
  );
  const finding = open && `${open.name} misses, or still tells of, what ` +
      `${open.machine.stats.castsOpen} nodes have said`;
  return ["castsComplete", finding];
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
