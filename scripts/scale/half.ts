/**
 * Half of a ring ends in one moment.
 *
 * @module
 */
import { SeededRandom } from "../../src/base/random.ts";
import { Lookups } from "../../src/testing/overheard.ts";
import { sample } from "../../src/testing/population.ts";
import { holdersOf } from "../../src/testing/truth.ts";
import { fill, newPopulation } from "./worlds.ts";

/** How many nodes and entries. */
export interface HalfSize {
  readonly seed: number;
  readonly nodes: number;
  readonly keys: number;
  readonly silently: boolean;
}

/** What is left. */
export interface HalfResult {
  readonly acknowledged: number;
  /** Entries of which no holder was left, by the ledger. */
  readonly orphaned: number;
  /** Entries that nobody finds afterwards. */
  readonly lost: number;
  /** Entries that are lost though a holder was left, or the other way round. */
  readonly unexplained: number;
  readonly lookups: number;
  readonly failed: number;
  /** Lookups that were told of no entry, or another one, although it was held. */
  readonly wrong: number;
  /** The longest that a lookup begun in the moment of the end took. */
  readonly slowestMs: number;
  readonly p50Ms: number;
}

const REPAIR_MS = 60_000;

/** Kills half of a ring and looks for everything, at once and later. */
export function killHalf(size: HalfSize): HalfResult {
  const lookups = new Lookups();
  const population = newPopulation(size.seed, lookups.create);
  fill(population, size.nodes, 50);
  lookups.write(population, size.keys);
  population.run(30_000);
  const { cluster } = population;
  cluster.audit();
  const random = new SeededRandom(size.seed, "half");
  const half = sample(random, population.nodes, Math.floor(size.nodes / 2));
  for (const node of half) population.kill(node, size.silently);
  const left = population.nodes;
  const ids = new Set(left.map((node) => node.machine.id));
  const orphaned = new Set<string>();
  for (const { key, safe } of cluster.ledger.owed) {
    if (![...safe].some((id) => ids.has(id))) orphaned.add(key.text);
  }
  for (const [i, key] of lookups.keys.entries()) {
    lookups.look(
      population,
      left[i % left.length]!,
      key,
      () => !orphaned.has(key.text),
    );
  }
  population.until(() => lookups.underWay === 0, 100, REPAIR_MS);
  const { ended, failed, wrong, elapsedMs } = lookups;
  population.run(REPAIR_MS);
  let lost = 0;
  let unexplained = 0;
  for (const { key, version } of cluster.ledger.owed) {
    const isLost = holdersOf(key, version, left).length === 0;
    if (isLost) lost++;
    if (isLost !== orphaned.has(key.text)) unexplained++;
  }
  return {
    acknowledged: lookups.keys.length,
    orphaned: orphaned.size,
    lost,
    unexplained,
    lookups: ended,
    failed,
    wrong,
    slowestMs: Math.max(...elapsedMs),
    p50Ms: lookups.percentileMs(0.5),
  };
}
