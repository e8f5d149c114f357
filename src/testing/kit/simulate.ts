/**
 * Runs an application's own code against real nodes on a simulated network.
 *
 * @module
 */
import { ChordSocket } from "../../dict/chord_socket.ts";
import type { MeshSocket } from "../../mesh/mesh_socket.ts";
import type { NetworkOptions } from "../network.ts";
import { type FaultRates, NO_FAULTS } from "../hazards.ts";
import { runToEnd } from "./loop.ts";
import type { NodeGiven } from "./process.ts";
import { SimulatedRing } from "./ring.ts";
import { SimulatedWorld } from "./world.ts";

/** Options of {@linkcode simulate}. */
export interface SimulateOptions<S extends MeshSocket = ChordSocket> {
  /** Any whole number: the same one gives the same run. */
  readonly seed: number;
  /** How many nodes there are at first, 1 to 64. */
  readonly nodes: number;
  /** How the network behaves. */
  readonly net?: NetOptions;
  /** What goes wrong, and how often: times in a virtual minute. */
  readonly faults?: Partial<FaultRates>;
  /**
   * Makes the socket of a node, with all options that it is given and those of
   * the application: `(given) => new SyncSocket({ ...given, keys: text })`.
   *
   * @default {(given) => new ChordSocket(given)}
   */
  readonly create?: (given: NodeGiven) => S;
  /**
   * How long the code may take, in virtual milliseconds.
   *
   * @default {3_600_000}
   */
  readonly virtualMsMax?: number;
  /** Is given a line for each event, to follow a run that went wrong. */
  readonly print?: (line: string) => void;
}

/** How the simulated network behaves. */
export interface NetOptions {
  /**
   * How long a message takes: each pair of nodes has its own latency, between
   * these two, in milliseconds; each message varies it by some 20%.
   *
   * @default {[0.5, 5]}
   */
  readonly latencyMs?: readonly [min: number, max: number];
}

/** How a simulation went. */
export interface Simulated<T> {
  /** What the code gave. */
  readonly value: T;
  /** Equal for equal runs of one runtime. */
  readonly traceHash: string;
  /** How much virtual time has passed, in milliseconds. */
  readonly virtualMs: number;
}

/** Code that has failed on a simulated ring; why is the `cause`. */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
  /** Gives the same failure again. */
  readonly seed: number;
  /** When it failed, in virtual milliseconds. */
  readonly virtualMs: number;

  constructor(seed: number, virtualMs: number, cause: unknown) {
    super(
      `Cannot finish the simulation of seed ${seed}, after ` +
        `${(virtualMs / 1000).toFixed(3)} s: ${cause}\n` +
        `To see it again, run it with "seed: ${seed}" and the same options; ` +
        `"print: console.log" shows every event`,
      { cause },
    );
    this.seed = seed;
    this.virtualMs = virtualMs;
  }
}

const NODES_MAX = 64;
const LATENCY_MS = [0.5, 5] as const;
const VIRTUAL_MS_MAX = 3_600_000;

/**
 * Runs code against a ring of real nodes, sockets and all, whose network, clock
 * and chance are simulated. Hours pass in seconds; the same seed gives the same
 * run, so a failure comes again until it is understood.
 *
 * That holds for code that waits for nothing but the ring: its sockets, its
 * clock, `ring.pass`. Code that waits for anything else (timers of the platform,
 * files, another network) is overtaken by virtual time.
 *
 * @param code begins when all nodes are members and at rest. Faults strike from
 * then on; all ends when it does
 * @throws {SimulationError} If the code fails or never ends; it names the seed
 * @throws {TypeError} If an option is of the wrong type
 * @throws {RangeError} If one is out of its range
 *
 * @example A node dies, and nothing is lost
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ChordSocket, text } from "@chord/dict";
 * import { simulate } from "@chord/dict/testing";
 *
 * await simulate({
 *   seed: 1,
 *   nodes: 5,
 *   create: (given) => new ChordSocket({ ...given, values: text }),
 * }, async (ring) => {
 *   const [first, second] = ring.nodes;
 *   await first!.set("greeting", "hello");
 *   ring.crash(first!);
 *   await ring.pass(10_000); // takes no time at all
 *   assertEquals(await second!.get("greeting"), "hello");
 *   await ring.check();
 * });
 * ```
 */
export async function simulate<T, S extends MeshSocket = ChordSocket>(
  options: SimulateOptions<S>,
  code: (ring: SimulatedRing<S>) => T | Promise<T>,
): Promise<Simulated<Awaited<T>>> {
  const { nodes, virtualMsMax = VIRTUAL_MS_MAX } = options;
  const world = new SimulatedWorld<S>({
    seed: checkWhole(options.seed, "seed", 0, 2 ** 32 - 1),
    network: networkOf(options.net ?? {}),
    faults: ratesOf(options.faults ?? {}),
    create: options.create ?? createChord as (given: NodeGiven) => never,
    print: options.print,
  });
  checkWhole(nodes, "nodes", 1, NODES_MAX);
  checkWhole(virtualMsMax, "virtualMsMax", 1, Number.MAX_SAFE_INTEGER);
  const ring = new SimulatedRing<S>(world);
  try {
    const value = await runToEnd(world, virtualMsMax, async () => {
      await world.start(world.addHost());
      const others = Array.from({ length: nodes - 1 }, () => world.addHost());
      await Promise.all(others.map((host) => world.start(host)));
      await ring.settled();
      world.faults.start();
      return await code(ring);
    });
    return { value, traceHash: world.trace.hash, virtualMs: world.nowMs };
  } catch (error) {
    throw new SimulationError(world.seed, world.nowMs, error);
  } finally {
    await world.close();
  }
}

function createChord(given: NodeGiven): ChordSocket {
  return new ChordSocket(given);
}

function networkOf({ latencyMs = LATENCY_MS }: NetOptions): NetworkOptions {
  const [latencyMinMs, latencyMaxMs] = latencyMs;
  if (
    !(latencyMinMs > 0 && latencyMinMs <= latencyMaxMs) ||
    latencyMaxMs === Infinity
  ) {
    throw new RangeError(
      `Cannot simulate latencies from ${latencyMinMs} to ${latencyMaxMs} ms: ` +
        `give two numbers above 0, the smaller one first`,
    );
  }
  const roomBytes = 1024 * 1024;
  const jitter = 0.2;
  return {
    latencyMinMs,
    latencyMaxMs,
    jitter,
    bytesPerMs: Infinity,
    roomBytes,
  };
}

function ratesOf(faults: Partial<FaultRates>): FaultRates {
  for (const [kind, rate] of Object.entries(faults)) {
    if (!(kind in NO_FAULTS)) {
      throw new TypeError(
        `Cannot simulate the fault "${kind}": give one of ` +
          Object.keys(NO_FAULTS).join(", "),
      );
    }
    if (!(rate >= 0 && rate < Infinity)) {
      throw new RangeError(
        `Cannot have ${rate} faults of the kind "${kind}" in a minute: give ` +
          `a number from 0 up`,
      );
    }
  }
  return { ...NO_FAULTS, ...faults };
}

function checkWhole(
  value: unknown,
  name: string,
  min: number,
  max: number,
): number {
  if (
    typeof value === "number" && Number.isInteger(value) && value >= min &&
    value <= max
  ) return value;
  throw new RangeError(
    `Cannot simulate with "${name}" ${value}: give a whole number from ${min} ` +
      `to ${max}`,
  );
}
