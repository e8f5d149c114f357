/**
 * Starts the processes of one benchmark and brings them together.
 *
 * @module
 */
import type { ClientLine, ClientOptions } from "./client.ts";
import type { PeerOptions, RingOptions } from "./peer.ts";
import type { Result } from "./rows.ts";
import { type Place, Workers } from "./workers.ts";

/** What is measured. */
export interface Plan extends Place {
  readonly nodes: number;
  readonly rounds: number;
  /** A smaller number measures that much less. */
  readonly scale: number;
  /** The only rows that are measured, besides their limits; none: all. */
  readonly only?: readonly string[];
  /** Every frame of the ring's other nodes is this late; for a control. */
  readonly lateMs?: number;
}

/** Runs one benchmark from its first process to its last. */
export async function run(plan: Plan): Promise<Result[]> {
  await using workers = new Workers(plan);
  const [echo] = await workers.start("peer.ts", {}).next<[string]>();
  const late = plan.lateMs === undefined ? {} : { lateMs: plan.lateMs };
  const startPeer = (rings: readonly RingOptions[]) => {
    const options: PeerOptions = { rings, ...late };
    return workers.start("peer.ts", options).next<string[]>();
  };
  let rings: RingOptions[] = [
    { subnet: "of three", replicas: 3 },
    { subnet: "of one", replicas: 1 },
  ];
  // Of the nodes one measures, and one comes after it.
  for (let node = 2; node < plan.nodes; node++) {
    const seeds = await startPeer(rings);
    rings = rings.map((ring, i) => ({ seed: seeds[i]!, ...ring }));
  }
  const { nodes, rounds, scale, only } = plan;
  const options: ClientOptions = {
    echo: echo,
    rings: [rings[0]!, rings[1]!],
    nodes,
    rounds,
    scale,
    ...only && { only },
  };
  const client = workers.start("client.ts", options);
  for (;;) {
    const line = await client.next<ClientLine>();
    if ("results" in line) return line.results;
    if ("urls" in line) {
      await startPeer(
        rings.map((ring, i) => ({ ...ring, seed: line.urls[i]! })),
      );
      await client.say("all are there");
      continue;
    }
    const others = workers.all.filter((worker) => worker !== client);
    const times = await Promise.all(
      others.map((other) => other.ask<number>("cpu")),
    );
    await client.say(times.reduce((sum, ms) => sum + ms, 0));
  }
}
