/**
 * How often a node that merely pauses is taken for dead.
 *
 * @module
 */
import { fraction, SeededRandom } from "../../src/base/random.ts";
import type { SimulatedNode } from "../../src/testing/node.ts";
import { sample } from "../../src/testing/population.ts";
import { Health } from "../../src/wire/messages.ts";
import { fill, newPopulation } from "./worlds.ts";

/** Who pauses how often, and for how long that is watched. */
export interface PausesSize {
  readonly seed: number;
  readonly nodes: number;
  /** The share of the nodes that pause again and again. */
  readonly share: number;
  readonly pauseMaxMs: number;
  /** The mean time between two pauses of one node. */
  readonly everyMs: number;
  readonly hours: number;
}

/** What came of the pauses. */
export interface PausesResult {
  readonly pauses: number;
  /** Times that a node which lives was taken for dead by any other one. */
  readonly falseDeaths: number;
  /** Suspicions that were refuted. */
  readonly suspicions: number;
}

/** News of a death are held back for longer than this: none goes unseen. */
const POLL_MS = 40;

/** Lets some nodes pause at random, and counts who is given up. */
export function watchPauses(size: PausesSize): PausesResult {
  const population = newPopulation(size.seed);
  fill(population, size.nodes, 100);
  const random = new SeededRandom(size.seed, "pauses");
  const { simulator, nodes } = population;
  const pausing = sample(random, nodes, Math.round(size.share * size.nodes));
  let pauses = 0;
  for (const node of pausing) {
    const next = () => {
      const waitMs = -Math.log(1 - fraction(random)) * size.everyMs;
      simulator.queue.after(waitMs, () => {
        pauses++;
        simulator.pause(node);
        simulator.queue.after(size.pauseMaxMs * fraction(random), () => {
          simulator.resume(node);
          next();
        });
      });
    };
    next();
  }
  const incarnations = () => pausing.map(incarnationOf);
  const before = incarnations();
  const dead = new Set<string>();
  const look = () => {
    for (const node of pausing) countDeaths(nodes, node, dead);
    simulator.queue.after(POLL_MS, look);
  };
  look();
  population.run(size.hours * 3_600_000);
  const suspicions = incarnations()
    .reduce((sum, incarnation, i) => sum + incarnation - before[i]!, 0);
  return { pauses, falseDeaths: dead.size, suspicions };
}

/** Notes who takes `node` for dead; once for each of its incarnations. */
function countDeaths(
  nodes: readonly SimulatedNode[],
  node: SimulatedNode,
  dead: Set<string>,
): void {
  const { id } = node.machine;
  for (const { machine } of nodes) {
    const record = machine.member(id);
    if (record?.health !== Health.dead) continue;
    dead.add(`${id} ${record.incarnation}`);
  }
}

function incarnationOf({ machine }: SimulatedNode): number {
  return machine.member(machine.id)!.incarnation;
}
