/**
 * What it costs to belong to a ring that is larger than its nodes may know: as
 * much in a large one as in a small one, if news stay near whom they are about.
 *
 * How many nodes happen to end while it is counted makes more of a difference
 * than anything else; so what an end and the join that follows it cost is
 * counted apart from what goes on anyway.
 *
 * @module
 */
import type { CreateMachine } from "../../src/testing/node.ts";
import { Crowd } from "./churn.ts";

/** A ring beyond the bound, of which nodes come and go. */
export interface BeyondSize {
  readonly seed: number;
  readonly nodes: number;
  /** Up to so many nodes all would know all. */
  readonly bound: number;
  /** How long lives are while it is counted. */
  readonly meanLifeMs: number;
  readonly countedMs: number;
}

/** What one ring has cost, and whether it was right. */
export interface BeyondResult {
  /** What a node sends in a second if lives are of ten minutes in the mean. */
  readonly bytes: number;
  /** What of it a node sends in a ring of which nobody comes or goes. */
  readonly idleBytes: number;
  /** Changes that the rest was counted from. */
  readonly deaths: number;
  readonly lookups: number;
  readonly failed: number;
  readonly wrong: number;
}

/** Each node looks for something so often. */
const LOOKUPS_PER_NODE_AND_SECOND = 0.1;
/** The life that figures are given for. */
const LIFE_SECONDS = 600;

/** Fills the ring, and counts: first in peace, then while nodes come and go. */
export function beyondCost(
  { seed, nodes, bound, meanLifeMs, countedMs }: BeyondSize,
  create?: CreateMachine,
): BeyondResult {
  const crowd = new Crowd({
    seed,
    nodes,
    joinsPerSecond: 10,
    keys: 100,
    fullTableMax: bound,
    ...(create === undefined ? {} : { create }),
  });
  const phase = {
    silently: false,
    warmUpMs: 10_000,
    countedMs,
    lookupsPerSecond: LOOKUPS_PER_NODE_AND_SECOND * nodes,
  };
  const idle = crowd.live({ ...phase, meanLifeMs: Infinity });
  const live = crowd.live({ ...phase, meanLifeMs });
  const extra = (live.bytes - idle.bytes) * nodes * countedMs / 1000;
  return {
    bytes: idle.bytes + extra / live.deaths / LIFE_SECONDS,
    idleBytes: idle.bytes,
    deaths: live.deaths,
    lookups: idle.lookups + live.lookups,
    failed: idle.failed + live.failed,
    wrong: idle.wrong + live.wrong,
  };
}
