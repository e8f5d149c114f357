/**
 * Whether nodes find who holds what: K1 to K3.
 *
 * @module
 */
import { ROUTE_HOPS_MAX } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { Located } from "../dict/operations.ts";
import { randomId } from "../id/id.ts";
import type { Finding } from "./checkers.ts";
import type { LiveNode, Outcome, SimulatedNode } from "./node.ts";
import { report, type Simulator, Violation } from "./simulator.ts";
import { placement } from "./truth.ts";

/** Hashes that each node is asked for. */
const LOOKUPS = 8;
const TIMEOUT_MS = 20_000;
const POLL_MS = 500;

/** K2: nothing that came to a node had been handed on too often. */
export function hopsAreFew(live: readonly LiveNode[]): Finding {
  for (const { name, machine } of live) {
    const hops = machine.dict.routes?.hopsMost ?? 0;
    if (hops > ROUTE_HOPS_MAX) {
      return `${name} got something that was handed on ${hops} times`;
    }
  }
  return undefined;
}

/** K3: no member handed on what it was nearer to itself. */
export function hopsComeNearer(live: readonly LiveNode[]): Finding {
  for (const { name, machine } of live) {
    const stepsBack = machine.dict.routes?.stepsBack ?? 0;
    if (stepsBack > 0) {
      return `${name} handed on ${stepsBack} operations that it was nearer to`;
    }
  }
  return undefined;
}

/** K1: every node finds for every hash the owner that the sorted ring has. */
export function demandOwners(simulator: Simulator, random: Random): void {
  const live = simulator.nodes;
  const ownerOf = placement(live, 1);
  let waiting = 0;
  const look = (node: SimulatedNode) => {
    const id = randomId(random);
    const wanted = ownerOf(id)[0]!;
    waiting++;
    const operation = { type: "locate", id, timeoutMs: TIMEOUT_MS } as const;
    simulator.call(node, operation, (outcome: Outcome) => {
      waiting--;
      const found = outcome.type === "ok"
        ? (outcome.value as Located).owner
        : undefined;
      const finding = found === wanted.machine.id
        ? undefined
        : `${node.name} finds ${found?.slice(0, 4) ?? "nobody"} for ` +
          `${id.slice(0, 4)}, which belongs to ${wanted.name}`;
      report("ownersAgree", finding);
    });
  };
  for (const node of live) {
    for (let i = 0; i < LOOKUPS; i++) look(node);
  }
  const untilMs = simulator.nowMs + 2 * TIMEOUT_MS;
  while (waiting > 0 && simulator.nowMs < untilMs) {
    simulator.queue.run(simulator.nowMs + POLL_MS);
  }
  if (waiting > 0) throw new Violation("ownersAgree", "the lookups hang");
}
