/**
 * Lookups over rings that stand still: how many messages lead from who asks to
 * the owner of a key, by the product's own choice of the next hop.
 *
 * @module
 */
import { below, fraction, SeededRandom } from "../../src/base/random.ts";
import {
  apart,
  fingerTowards,
  indexAtOrAfter,
  indexNearest,
  indexOfNextHop,
  PLACES,
} from "../../src/mesh/fingers.ts";
import { percentile } from "../../src/testing/population.ts";

/** Whom every node of a ring knows. */
export interface Knowledge {
  /** Whether it knows all; else its neighbours, its fingers and its cache. */
  readonly isFull: boolean;
  /** Members in its route cache, taken at random. */
  readonly cache: number;
}

/** Hops of many lookups. */
export interface Hops {
  readonly mean: number;
  readonly p99: number;
}

/** The members that follow, and that precede, which a node knows. */
const NEIGHBOURS = 16;
/** More hops than that are no lookup. */
const HOPS_MAX = 32;

/**
 * Looks up random keys from random members.
 *
 * @throws {Error} If a lookup does not reach the owner
 */
export function staticHops(
  { seed, nodes, lookups }: {
    readonly seed: number;
    readonly nodes: number;
    readonly lookups: number;
  },
  knowledge: Knowledge,
): Hops {
  const random = new SeededRandom(seed, `ring of ${nodes}`);
  const ring = new Float64Array(nodes).map(() => randomPlace(random)).sort();
  const hops: number[] = [];
  for (let i = 0; i < lookups; i++) {
    const key = randomPlace(random);
    hops.push(lookUp(ring, key, below(random, nodes), knowledge, random));
  }
  const mean = hops.reduce((sum, count) => sum + count, 0) / lookups;
  return { mean, p99: percentile(hops, 0.99) };
}

function lookUp(
  ring: Float64Array,
  key: number,
  from: number,
  { isFull, cache }: Knowledge,
  random: SeededRandom,
): number {
  const owner = indexAtOrAfter(ring, key);
  let at = from;
  for (let hops = 0; hops <= HOPS_MAX; hops++) {
    if (at === owner) return hops;
    const ahead = (owner - at + ring.length) % ring.length;
    const isNear = Math.min(ahead, ring.length - ahead) <= NEIGHBOURS;
    at = isFull || isNear
      ? owner
      : nextHop(ring, key, at, cached(ring, owner, cache, random));
  }
  throw new Error(`Cannot reach the owner of ${key} in ${HOPS_MAX} hops`);
}

/** The choice among those that can be the nearest to the key. */
function nextHop(
  ring: Float64Array,
  key: number,
  at: number,
  met: readonly number[],
): number {
  const self = ring[at]!;
  const { length } = ring;
  const known = [
    indexNearest(ring, fingerTowards(self, key)),
    (at + NEIGHBOURS) % length,
    (at - NEIGHBOURS + length) % length,
    ...met,
  ].sort((a, b) => a - b);
  const places = known.map((index) => ring[index]!);
  const next = indexOfNextHop(places, key, apart(self, key), () => true);
  if (next < 0) throw new Error("Cannot go on: nobody is nearer to the key");
  return known[next]!;
}

/**
 * The two of a random cache that are nearest to a key, one on each side: each
 * member is in the cache with the same chance, so that the gap is geometric.
 */
function cached(
  { length }: Float64Array,
  owner: number,
  cache: number,
  random: SeededRandom,
): number[] {
  if (cache === 0) return [];
  const chance = Math.min(1, cache / length);
  const gap = () =>
    chance === 1
      ? 0
      : Math.floor(Math.log(1 - fraction(random)) / Math.log(1 - chance));
  const after = (owner + gap()) % length;
  const before = (owner - 1 - gap() % length + 2 * length) % length;
  return [after, before];
}

function randomPlace(random: SeededRandom): number {
  return Math.floor(fraction(random) * PLACES);
}
