/**
 * The worlds that the figures are measured in: their network, and how they are
 * filled.
 *
 * @module
 */
import type { NetworkOptions } from "../../src/testing/network.ts";
import type { CreateMachine } from "../../src/testing/node.ts";
import { Population, ringIsKnown } from "../../src/testing/population.ts";
import { createChordMachine } from "../../src/testing/run.ts";

/** A cluster in one or two data centres: 1 to 10 ms one way, some jitter. */
export const NETWORK: NetworkOptions = {
  latencyMinMs: 1,
  latencyMaxMs: 10,
  jitter: 0.2,
  bytesPerMs: Infinity,
  roomBytes: 1024 * 1024,
};

/** How often it is asked whether all know whom they should. */
const POLL_MS = 250;
const GROWTH_MAX_MS = 120_000;

/**
 * A population of nobody yet.
 *
 * @param fullTableMax up to how many nodes all know all, if not as ever
 */
export function newPopulation(
  seed: number,
  create: CreateMachine = createChordMachine,
  fullTableMax?: number,
): Population {
  const replicas = 3;
  const network = NETWORK;
  return new Population({ seed, create, network, replicas, fullTableMax });
}

/**
 * Lets `count` more nodes join, and waits until all know whom they should.
 *
 * @returns how many ms that took from the first one on
 * @throws {Error} If it takes longer than two minutes
 */
export function fill(
  population: Population,
  count: number,
  perSecond: number,
): number {
  const startMs = population.nowMs;
  const wanted = population.nodes.length + count;
  population.grow(count, perSecond);
  population.run(1000 * count / perSecond);
  const isFull = () =>
    population.nodes.length === wanted && ringIsKnown(population.nodes);
  if (!population.until(isFull, POLL_MS, GROWTH_MAX_MS)) {
    throw new Error(`${wanted} nodes do not agree after ${GROWTH_MAX_MS} ms`);
  }
  return population.nowMs - startMs;
}
