/**
 * How soon everybody knows that a node is gone, and what it costs to know who
 * is there while nodes come and go.
 *
 * @module
 */
import { type Population, unaware } from "../../src/testing/population.ts";
import type { SimulatedNode } from "../../src/testing/node.ts";
import { Sent } from "./churn.ts";
import { fill, newPopulation } from "./worlds.ts";

/** Nodes that end, one after the other. */
export interface Deaths {
  readonly kills: number;
  /** A node is killed, and another one comes, this often. */
  readonly everyMs: number;
  /** Whether hosts lose power, or else processes end and their links with them. */
  readonly silently: boolean;
}

/** What came of them. */
export interface DetectionResult {
  /** For each node killed, the ms until all who live on know of it. */
  readonly timesMs: readonly number[];
  /** What one node sent in a second meanwhile. */
  readonly bytes: number;
  readonly messages: number;
}

/** How often it is asked who knows. */
const POLL_MS = 20;
/** Nobody needs longer than this, or the figure says so. */
const KNOWN_MAX_MS = 60_000;
/** After the joins, and after what was killed before. */
const REST_MS = 10_000;

/** A filled ring of which some nodes end, in one way after the other. */
export class Ending {
  readonly #population: Population;

  constructor(size: { readonly seed: number; readonly nodes: number }) {
    this.#population = newPopulation(size.seed);
    fill(this.#population, size.nodes, 100);
  }

  /** Kills nodes, and waits until all know of each. */
  detect({ kills, everyMs, silently }: Deaths): DetectionResult {
    const population = this.#population;
    population.run(REST_MS);
    const timesMs: number[] = [];
    for (let i = 0; i < kills; i++) {
      population.simulator.queue.after(i * everyMs, () => {
        killOne(population, silently, (ms) => timesMs.push(ms));
      });
    }
    const sent = new Sent(population);
    const forMs = kills * everyMs;
    population.run(forMs);
    const cost = sent.perNodeAndSecond(forMs);
    population.until(
      () => timesMs.length === kills,
      1_000,
      KNOWN_MAX_MS + POLL_MS,
    );
    return { timesMs, ...cost };
  }
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
