/**
 * A large ring that fills, and then a ring whose nodes come and go: what
 * lookups meet with, and what it costs to know who is there.
 *
 * @module
 */
import { fraction, SeededRandom } from "../../src/base/random.ts";
import { Lookups } from "../../src/testing/lookups.ts";
import type { Population } from "../../src/testing/population.ts";
import { holdersOf } from "../../src/testing/truth.ts";
import { fill, newPopulation } from "./worlds.ts";

/** How many nodes, how long they live, and who looks for what. */
export interface ChurnSize {
  readonly seed: number;
  readonly nodes: number;
  readonly joinsPerSecond: number;
  readonly keys: number;
  readonly meanLifeMs: number;
  readonly silently: boolean;
  /** How long the churn goes on before anything is counted. */
  readonly warmUpMs: number;
  readonly countedMs: number;
  readonly lookupsPerSecond: number;
}

/** What happened. */
export interface ChurnResult {
  /** Ms from the first join until all tables were equal. */
  readonly equalMs: number;
  readonly deaths: number;
  readonly lookups: number;
  /** The share of them that asked one node only. */
  readonly firstTry: number;
  readonly failed: number;
  readonly wrong: number;
  readonly hops: number;
  readonly lookupP99Ms: number;
  /** Payload that one node sent in a second. */
  readonly bytesPerSecond: number;
  readonly messagesPerSecond: number;
  /** Nodes that lookups asked which did not succeed at the first try; the most. */
  readonly askedMax: number;
}

/** Fills a ring, lets its nodes come and go, and looks for keys meanwhile. */
export function liveThroughChurn(size: ChurnSize): ChurnResult {
  const lookups = new Lookups();
  const population = newPopulation(size.seed, lookups.create);
  // Where everybody is told of new entries, few nodes are told sooner.
  fill(population, Math.min(16, size.nodes), 50);
  lookups.write(population, size.keys);
  population.run(10_000);
  const { nodes, joinsPerSecond } = size;
  const equalMs = fill(
    population,
    nodes - population.nodes.length,
    joinsPerSecond,
  );
  population.run(10_000);
  let deaths = 0;
  population.onDeath = () => deaths++;
  population.begin(size);
  population.run(size.warmUpMs);
  deaths = 0;
  const asking = new Asking(population, lookups, size);
  const sent = new Sent(population);
  population.run(size.countedMs);
  const { bytes, messages } = sent.perNodeAndSecond(size.countedMs);
  asking.stop();
  population.settle();
  population.until(() => lookups.underWay === 0, 1_000, 20_000);
  return {
    equalMs,
    deaths,
    lookups: lookups.ended,
    firstTry: lookups.firstTry / lookups.ended,
    failed: lookups.failed,
    wrong: lookups.wrong,
    hops: lookups.hops / lookups.firstTry,
    lookupP99Ms: lookups.percentileMs(0.99),
    bytesPerSecond: bytes,
    messagesPerSecond: messages,
    askedMax: Math.max(1, ...lookups.retries),
  };
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
