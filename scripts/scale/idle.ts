/**
 * What a ring costs that has nothing to do.
 *
 * @module
 */
import { Sent } from "./churn.ts";
import { fill, newPopulation } from "./worlds.ts";

/** Frames and payload that one idle node sends in a second. */
export interface IdleResult {
  readonly messages: number;
  readonly bytes: number;
}

/** Fills a ring, waits until it is quiet, and then counts for a while. */
export function idleCost(
  { seed, nodes, countedMs }: {
    readonly seed: number;
    readonly nodes: number;
    readonly countedMs: number;
  },
): IdleResult {
  const population = newPopulation(seed);
  fill(population, nodes, 50);
  population.run(60_000);
  const sent = new Sent(population);
  population.run(countedMs);
  return sent.perNodeAndSecond(countedMs);
}
