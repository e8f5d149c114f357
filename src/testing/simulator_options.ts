/**
 * What a simulated world is made of.
 *
 * @module
 */
import type { Limits, Timings } from "../base/options.ts";
import type { BuggifyShares } from "./buggify.ts";
import type { NetworkOptions } from "./network.ts";
import type { CreateMachine } from "./node.ts";

/** What a world is made of. */
export interface SimulatorOptions {
  readonly seed: number;
  readonly create: CreateMachine;
  readonly network: NetworkOptions;
  readonly replicas: number;
  /** What all nodes know; empty for none. */
  readonly secret?: string;
  /** L: beyond 2(L + 1) members the ring is kept up by the stabilizer. */
  readonly successors?: number;
  readonly timings?: Partial<Timings>;
  readonly limits?: Partial<Limits>;
  /** Links that each node keeps at most. */
  readonly linksMax?: number;
  /** Up to so many nodes every node knows every other one. */
  readonly fullTableMax?: number | undefined;
  /** How long a key belongs to its writer; without it there are no leases. */
  readonly leaseMs?: number | undefined;
  /** How often machines take unlikely ways. */
  readonly buggify?: BuggifyShares | undefined;
  /** Each wall clock is off by up to this much, either way. */
  readonly clockOffsetMaxMs: number;
  /** Each wall clock gains or loses up to this share of the time. */
  readonly clockDriftMax: number;
  /** Receives a readable line for each event. */
  readonly print?: (line: string) => void;
}
