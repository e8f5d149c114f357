/**
 * A large ring that fills, and then a ring whose nodes come and go: what
 * lookups meet with, and what it costs to know who is there.
 *
 * @module
 */
import { fraction, SeededRandom } from "../../src/base/random.ts";
import { Lookups } from "../../src/testing/overheard.ts";
import type { CreateMachine } from "../../src/testing/node.ts";
import type { Churn, Population } from "../../src/testing/population.ts";
import { holdersOf } from "../../src/testing/truth.ts";
import { fill, newPopulation } from "./worlds.ts";

/** A ring to be filled. */
export interface CrowdSize {
  readonly seed: number;
  readonly nodes: number;
  readonly joinsPerSecond: number;
  readonly keys: number;
  /** Up to so many nodes every node knows every other one. */
  readonly fullTableMax?: number;
  /** Another machine than the product's. */
  readonly create?: CreateMachine;
}

/** How nodes come and go for a while, and how much is looked for meanwhile. */
export interface ChurnPhase extends Churn {
  /** How long it goes on before anything is counted. */
  readonly warmUpMs: number;
  readonly countedMs: number;
  readonly lookupsPerSecond: number;
}

/** What happened in one phase. */
export interface ChurnResult {
  readonly deaths: number;
  readonly lookups: number;
  /** The share of them that asked one node only. */
  readonly firstTry: number;
  readonly failed: number;
  readonly wrong: number;
  /** The mean, of those at the first try. */
  readonly hops: number;
  /** The most nodes that one lookup asked. */
  readonly askedMax: number;
  /** What one node sent in a second. */
  readonly bytes: number;
  readonly messages: number;
}

/** A ring that has been filled. */
export class Crowd {
  readonly population: Population;
  readonly #lookups: Lookups;
  readonly #seed: number;
  /** Ms from the first join until all tables were equal. */
  readonly equalMs: number;

  constructor(size: CrowdSize) {
    this.#seed = size.seed;
    this.#lookups = new Lookups();
    this.population = newPopulation(
      size.seed,
      size.create ?? this.#lookups.create,
      size.fullTableMax,
    );
    // Everybody is told of new entries: few nodes are told sooner.
    fill(this.population, Math.min(16, size.nodes), 50);
    this.#lookups.write(this.population, size.keys);
    this.population.run(10_000);
    const missing = size.nodes - this.population.nodes.length;
    this.equalMs = fill(this.population, missing, size.joinsPerSecond);
    this.population.run(10_000);
  }

  /** Lets nodes come and go, and looks for keys meanwhile. */
  live(phase: ChurnPhase): ChurnResult {
    const { population } = this;
    const lookups = this.#lookups;
    let deaths = 0;
    population.begin(phase);
    population.run(phase.warmUpMs);
    population.onDeath = () => deaths++;
    lookups.forget();
    const seed = this.#seed;
    const { lookupsPerSecond, countedMs } = phase;
    const asking = new Asking(population, lookups, { seed, lookupsPerSecond });
    const sent = new Sent(population);
    population.run(countedMs);
    const cost = sent.perNodeAndSecond(countedMs);
    asking.stop();
    population.settle();
    population.until(() => lookups.underWay === 0, 500, 20_000);
    const { ended, firstTry, failed, wrong, hops, retries } = lookups;
    return {
      ...cost,
      deaths,
      lookups: ended,
      firstTry: firstTry / ended,
      failed,
      wrong,
      hops: hops / firstTry,
      askedMax: Math.max(1, ...retries),
    };
  }
}

/** Any node asks for any key, again and again. */
export class Asking {
  #isOver = false;

  constructor(
    population: Population,
    lookups: Lookups,
    { seed, lookupsPerSecond }: { seed: number; lookupsPerSecond: number },
  ) {
    const random = new SeededRandom(seed, "asking");
    const { queue } = population.simulator;
    const next = () => {
      if (this.#isOver) return;
      const node = population.pickActive();
      const key = lookups.keys[
        Math.floor(fraction(random) * lookups.keys.length)
      ];
      if (node !== undefined && key !== undefined) {
        lookups.look(population, node, key, () => {
          const { ledger } = population.cluster;
          const { version } = ledger.newestOf(key.text)!;
          return holdersOf(key, version, population.nodes).length > 0;
        });
      }
      queue.after(1000 / lookupsPerSecond, next);
    };
    queue.after(0, next);
  }

  stop(): void {
    this.#isOver = true;
  }
}

/** What all nodes that live through a time have sent in it. */
export class Sent {
  readonly #nodes: readonly {
    node: Population["nodes"][number];
    bytes: number;
    frames: number;
  }[];

  constructor(population: Population) {
    this.#nodes = population.nodes.map((node) => {
      const { bytesSent, framesSent } = node.machine.stats;
      return { node, bytes: bytesSent, frames: framesSent };
    });
  }

  perNodeAndSecond(forMs: number): { bytes: number; messages: number } {
    let bytes = 0;
    let messages = 0;
    let count = 0;
    for (const before of this.#nodes) {
      if (!before.node.isAlive) continue;
      const { bytesSent, framesSent } = before.node.machine.stats;
      count++;
      bytes += bytesSent - before.bytes;
      messages += framesSent - before.frames;
    }
    const seconds = forMs / 1000;
    return {
      bytes: bytes / count / seconds,
      messages: messages / count / seconds,
    };
  }
}
