/**
 * How soon everybody knows that a node is gone, and how often that is wrong.
 *
 * @module
 */
import { type Population, unaware } from "../../src/testing/population.ts";
import type { SimulatedNode } from "../../src/testing/node.ts";
import { fill, newPopulation } from "./worlds.ts";

/** How to kill how many out of how many. */
export interface DetectionSize {
  readonly seed: number;
  readonly nodes: number;
  readonly kills: number;
  /** A node is killed, and another one comes, this often. */
  readonly everyMs: number;
  /** Whether hosts lose power, or else processes end and their links with them. */
  readonly silently: boolean;
}

/** How often it is asked who knows. */
const POLL_MS = 20;
/** Nobody needs longer than this, or the figure says so. */
const KNOWN_MAX_MS = 60_000;

/** Gives, for each node killed, the ms until all who live on know of it. */
export function detectionTimes(size: DetectionSize): number[] {
  const population = newPopulation(size.seed);
  fill(population, size.nodes, 100);
  population.run(10_000);
  const times: number[] = [];
  for (let i = 0; i < size.kills; i++) {
    population.simulator.queue.after(i * size.everyMs, () => {
      killOne(population, size.silently, (ms) => times.push(ms));
    });
  }
  population.until(
    () => times.length === size.kills,
    1_000,
    size.kills * size.everyMs + KNOWN_MAX_MS + POLL_MS,
  );
  return times;
}

function killOne(
  population: Population,
  silently: boolean,
  onKnown: (ms: number) => void,
): void {
  const victim = population.pickActive()!;
  const { id } = victim.machine;
  const startMs = population.nowMs;
  let open: SimulatedNode[] = population.nodes.filter((n) => n !== victim);
  population.kill(victim, silently);
  population.add();
  const look = () => {
    open = open.filter((node) => node.isAlive && unaware(id, [node]) > 0);
    const elapsedMs = population.nowMs - startMs;
    if (open.length === 0 || elapsedMs > KNOWN_MAX_MS) {
      return onKnown(elapsedMs);
    }
    population.simulator.queue.after(POLL_MS, look);
  };
  look();
}
