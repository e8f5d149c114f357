/**
 * What negative controls are made of: a defect, and the checks that must notice.
 *
 * @module
 */
import type { Bytes } from "../../../src/base/bytes.ts";
import type { Instant } from "../../../src/base/machine.ts";
import type { Rule, Sabotage } from "../../../src/base/sabotage.ts";
import type { DictOperation } from "../../../src/dict/operations.ts";
import type { Id } from "../../../src/id/id.ts";
import type { NodeEffect, NodeEvent } from "../../../src/mesh/events.ts";
import type { InvariantName } from "../../../src/testing/invariants.ts";
import type {
  CreateMachine,
  SimulatedMachine,
} from "../../../src/testing/node.ts";
import { createChordMachine, runSeed } from "../../../src/testing/run.ts";
import { Violation } from "../../../src/testing/simulator.ts";
import {
  type FaultRates,
  NO_FAULTS,
  NO_HAZARDS,
} from "../../../src/testing/hazards.ts";
import {
  type LifeOptions,
  type SwarmOptions,
  swarmOptions,
} from "../../../src/testing/swarm.ts";
import type { MemberRecord } from "../../../src/wire/messages.ts";

/** A defect, and who must notice it. */
export interface Control {
  /** What is broken, in words. */
  readonly defect: string;
  /** Any of these may end the run; another one is no conviction. */
  readonly checks: readonly InvariantName[];
  /** Seeds of which one must show it. */
  readonly seedsMax: number;
  /** Runs one seed; gives what ended it. */
  readonly run: (seed: number) => Violation | undefined;
  /** The same without the defect, which must pass. */
  readonly sound: (seed: number) => Violation | undefined;
}

/** Passes everything on; what is defective overrides something. */
export class Defective implements SimulatedMachine {
  readonly inner: SimulatedMachine;

  constructor(inner: SimulatedMachine) {
    this.inner = inner;
  }

  get id(): Id {
    return this.inner.id;
  }
  get wakeAtMs(): number {
    return this.inner.wakeAtMs;
  }
  get members(): readonly MemberRecord[] {
    return this.inner.members;
  }
  get window(): SimulatedMachine["window"] {
    return this.inner.window;
  }
  get reach(): number {
    return this.inner.reach ?? Infinity;
  }
  get pointers(): SimulatedMachine["pointers"] {
    return this.inner.pointers;
  }
  get stats(): SimulatedMachine["stats"] {
    return this.inner.stats;
  }
  get dict(): SimulatedMachine["dict"] {
    return this.inner.dict;
  }
  pull(link: number): Bytes | undefined {
    return this.inner.pull(link);
  }
  member(id: Id): MemberRecord | undefined {
    return this.inner.member(id);
  }
  step(event: NodeEvent<DictOperation>, at: Instant): NodeEffect[] {
    return this.inner.step(event, at);
  }
}

/** A ring in which every node has the same defect. */
export function all(
  Defect: new (inner: SimulatedMachine) => Defective,
): CreateMachine {
  return (options, random, at) =>
    new Defect(createChordMachine(options, random, at));
}

/** A ring of product machines that were given other options. */
export function withOptions(
  change: (options: Parameters<CreateMachine>[0]) => object,
): CreateMachine {
  return (options, random, at) =>
    createChordMachine({ ...options, ...change(options) }, random, at);
}

/** A ring of product machines that leave a rule out. */
export function without(...rules: readonly Rule[]): CreateMachine {
  return withOptions(({ sabotage: given }) => {
    const sabotage: Sabotage = {
      isUnlucky: (place) => given?.isUnlucky(place) ?? false,
      lacks: (asked) => rules.includes(asked),
    };
    return { sabotage };
  });
}

/** What is different from a run without faults, two minutes long. */
export interface Profile {
  readonly options?: Partial<Omit<SwarmOptions, "faults" | "lives" | "seed">>;
  readonly faults?: Partial<FaultRates>;
  readonly lives?: Partial<LifeOptions>;
}

/** A seed without faults, in which entries live until they are deleted. */
export function optionsOf(seed: number, profile: Profile = {}): SwarmOptions {
  const { options, faults, lives } = profile;
  return {
    ...swarmOptions(seed, { minutes: 2, members: 4 }),
    ...NO_HAZARDS,
    network: {
      latencyMinMs: 0.5,
      latencyMaxMs: 10,
      jitter: 0.2,
      bytesPerMs: Infinity,
      roomBytes: 256 * 1024,
    },
    dropAfterMs: 60_000,
    calmMinutes: faults === undefined ? 2 : 0,
    ...options,
    faults: { ...NO_FAULTS, ...faults },
    lives: {
      leasing: false,
      leaseMs: 10_000,
      ttlShare: 0,
      ttlMaxMs: 5_000,
      sessionShare: 0,
      ...lives,
    },
  };
}

/** A defect that whole runs show. */
export function inRuns(
  defect: string,
  checks: readonly InvariantName[],
  create: () => CreateMachine,
  profile: Profile = {},
  seedsMax = 1,
): Control {
  const judge = (seed: number, settings: { create?: CreateMachine }) =>
    runSeed(optionsOf(seed, profile), settings).violation;
  return {
    defect,
    checks,
    seedsMax,
    run: (seed) => judge(seed, { create: create() }),
    sound: (seed) => judge(seed, {}),
  };
}

/** A defect that a story shows, which is told with it and without. */
export function inStory<Part>(
  defect: string,
  checks: readonly InvariantName[],
  parts: { readonly broken: () => Part; readonly sound: () => Part },
  tell: (part: Part) => void,
): Control {
  const judge = (part: Part): Violation | undefined => {
    try {
      tell(part);
      return undefined;
    } catch (error) {
      if (error instanceof Violation) return error;
      throw error;
    }
  };
  return {
    defect,
    checks,
    seedsMax: 1,
    run: () => judge(parts.broken()),
    sound: () => judge(parts.sound()),
  };
}
