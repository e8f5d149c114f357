/**
 * From a seed to a whole set of options, drawn so that runs differ in kind.
 *
 * Swarm testing (Groce and others, 2012): a run in which half the kinds of
 * fault never happen reaches states that a run with all of them never does,
 * because each kind masks some of the others. So each kind is off with some
 * probability, and how often it strikes is drawn over a wide range.
 *
 * @module
 */
import { below, fraction, pick, SeededRandom } from "../base/random.ts";
import { FULL_TABLE_NODES_MAX } from "../base/limits.ts";
import { EVERYWHERE, SUCCESSORS } from "../base/options.ts";
import {
  type FaultKind,
  type FaultRates,
  faultRates,
  type Hazards,
  hazardsOf,
  NO_FAULTS,
  NO_HAZARDS,
} from "./hazards.ts";
import type { NetworkOptions } from "./network.ts";

/** Whose entries are, and how long they live. */
export interface LifeOptions {
  readonly leasing: boolean;
  readonly leaseMs: number;
  /** The share of writes whose entries end by the clock. */
  readonly ttlShare: number;
  readonly ttlMaxMs: number;
  /** The share of writes whose entries end with their writer. */
  readonly sessionShare: number;
}

/** Everything that a run depends on besides the code. */
export interface SwarmOptions extends Hazards {
  readonly seed: number;
  readonly members: number;
  readonly leaves: number;
  /** L: beyond 2(L + 1) members the ring is kept up by the stabilizer. */
  readonly successors: number;
  readonly replicas: number;
  /** How long the workload with faults lasts, in virtual minutes. */
  readonly minutes: number;
  /** How long, of these, nothing goes wrong yet. */
  readonly calmMinutes: number;
  readonly network: NetworkOptions;
  /** See {@linkcode Timings}; short, so that copies move a lot. */
  readonly dropAfterMs: number;
  readonly clockOffsetMaxMs: number;
  readonly clockDriftMax: number;
  readonly clients: number;
  /** Mean time between a client's operations. */
  readonly thinkMs: number;
  readonly timeoutMs: number;
  readonly hotKeys: number;
  readonly coldKeys: number;
  /** The share of operations that go to hot keys. */
  readonly hotShare: number;
  /** Values are padded up to a random size below this. */
  readonly valueBytesMax: number;
  readonly lives: LifeOptions;
  /** Processes whose application watches keys. */
  readonly watchers: number;
  readonly faults: FaultRates;
  /** How long a crashed or stopped host stays down at most. */
  readonly downMaxMs: number;
  /** Whether nodes must prove that they know a secret. */
  readonly isSecured: boolean;
  /** Kinds of fault that are drawn as always, and then do not happen. */
  readonly muted: readonly FaultKind[];
  /** Up to this many nodes every node knows every other one. */
  readonly fullTableMax: number;
}

/** Up to this delay nobody is slow enough to be suspected without a fault. */
const QUICK_MS = 50;
/** The part of a run before its first fault. */
const CALM_SHARE = 0.1;

/** Entries are nobody's and stay until they are deleted. */
const PLAIN_LIVES: LifeOptions = {
  leasing: false,
  leaseMs: 10_000,
  ttlShare: 0,
  ttlMaxMs: 5_000,
  sessionShare: 0,
};

/** The share of runs whose nodes have a secret. */
const SECURED_SHARE = 0.3;
/** Where frames change places none may be a piece of a longer message. */
const RAW_VALUE_BYTES_MAX = 100;

/** Up to how many nodes all know all: as the product has it, or so few. */
const TABLE_BOUNDS = [
  ...Array<number>(5).fill(FULL_TABLE_NODES_MAX),
  8,
  8,
  32,
];
/** Members more, where that is to make a difference. */
const MEMBERS_MORE = 6;
/** Links that nodes have there at least: eight are too few for them. */
const FAR_LINKS_MIN = 16;
/** An operation that is handed on takes several round trips. */
const FAR_TIMEOUT_MS = 10_000;

/** What a caller may fix instead of having it drawn. */
export interface SwarmOverrides {
  readonly members?: number | undefined;
  readonly minutes?: number | undefined;
  readonly successors?: number | undefined;
  /** Whether every node is a member and holds everything. */
  readonly sync?: boolean | undefined;
  readonly clients?: number | undefined;
  /** What does not happen, and is not there. */
  readonly without?: readonly Extra[] | undefined;
  /** Up to how many nodes every node knows every other one. */
  readonly fullTableMax?: number | undefined;
}

/** Hazards and others that a run can do without. */
const EXTRAS = [
  "limits",
  "fewLinks",
  "buggify",
  "idleDrop",
  "raw",
  "vandal",
  "lives",
  "secret",
  "leaves",
  "watchers",
] as const;

/** What a run can do without: a kind of fault, or something else. */
export type Extra = FaultKind | typeof EXTRAS[number];

/** All of them, in the order in which they are best tried. */
export const EXTRAS_ALL: readonly Extra[] = [
  ...Object.keys(NO_FAULTS) as FaultKind[],
  ...EXTRAS,
];

/** The options that belong to a seed. */
export function swarmOptions(
  seed: number,
  overrides: SwarmOverrides = {},
): SwarmOptions {
  const { without = [] } = overrides;
  const drawn = drawnOptions(seed, overrides);
  const off = new Set<string>(without);
  const { hasVandal, raw, idleDropMs } = drawn;
  return {
    ...drawn,
    muted: without.filter((extra) => extra in NO_FAULTS) as FaultKind[],
    limits: off.has("limits") ? {} : drawn.limits,
    linksMax: off.has("fewLinks") ? NO_HAZARDS.linksMax : drawn.linksMax,
    buggify: off.has("buggify") ? {} : drawn.buggify,
    idleDropMs: off.has("idleDrop") ? Infinity : idleDropMs,
    raw: off.has("raw") ? undefined : raw,
    // Where everybody holds everything a vandal would be asked for entries.
    hasVandal: hasVandal && overrides.sync !== true && !off.has("vandal"),
    lives: off.has("lives") ? PLAIN_LIVES : drawn.lives,
    isSecured: drawn.isSecured && !off.has("secret"),
    leaves: off.has("leaves") ? 0 : drawn.leaves,
    watchers: off.has("watchers") ? 0 : drawn.watchers,
  };
}

function drawnOptions(
  seed: number,
  overrides: SwarmOverrides,
): Omit<SwarmOptions, "muted"> {
  const random = new SeededRandom(seed, "swarm");
  const bound = overrides.sync === true
    ? FULL_TABLE_NODES_MAX
    : pick(new SeededRandom(seed, "table bound"), TABLE_BOUNDS)!;
  const fullTableMax = overrides.fullTableMax ?? bound;
  const isSmall = fullTableMax < FULL_TABLE_NODES_MAX;
  const drawn = 3 + below(random, 10) + (isSmall ? MEMBERS_MORE : 0);
  const network = networkOptions(random);
  const drawnFaults = faultRates(random, seed);
  const minutes = overrides.minutes ?? 10;
  // Where a round trip takes a second, somebody is always suspected.
  const isQuick = network.latencyMaxMs <= QUICK_MS;
  const isHealthy = Object.values(drawnFaults).every((rate) => rate === 0);
  const hazards = hazardsOf(seed, isHealthy);
  const lives = lifeOptions(new SeededRandom(seed, "lives of entries"));
  // What ends by a clock that is wrong ends at another time at each node.
  const faults = lives.ttlShare > 0
    ? { ...drawnFaults, clockJump: 0, clockDrift: 0 }
    : drawnFaults;
  const options = {
    seed,
    members: overrides.members ?? drawn,
    leaves: below(random, 3),
    successors: overrides.successors ??
      pick(new SeededRandom(seed, "successors"), [2, 2, 3, SUCCESSORS])!,
    replicas: overrides.sync === true ? EVERYWHERE : 3,
    minutes,
    calmMinutes: isQuick ? minutes * (isHealthy ? 1 : CALM_SHARE) : 0,
    network,
    dropAfterMs: pick(random, [60_000, 60_000, 10_000])!,
    clockOffsetMaxMs: pick(random, [0, 5, 500, 2_000])!,
    clockDriftMax: pick(random, [0, 0.0001, 0.001])!,
    clients: 2 + below(random, 5),
    thinkMs: 500 + below(random, 1_500),
    timeoutMs: Math.max(
      pick(random, [2_000, 5_000, 10_000])!,
      isSmall ? FAR_TIMEOUT_MS : 0,
    ),
    hotKeys: 1 + below(random, 8),
    coldKeys: 50 + below(random, 250),
    hotShare: 0.2 + 0.6 * fraction(random),
    valueBytesMax: pick(random, [16, 100, 1_000, 20_000])!,
    lives,
    // From a draw of its own: what others draw must not shift.
    watchers: pick(new SeededRandom(seed, "watching"), [0, 0, 1, 2, 4])!,
    faults,
    downMaxMs: pick(random, [2_000, 20_000, 60_000])!,
    isSecured: fraction(new SeededRandom(seed, "secret")) < SECURED_SHARE,
    fullTableMax,
    ...hazards,
  };
  const valueBytesMax = hazards.raw === undefined
    ? options.valueBytesMax
    : Math.min(options.valueBytesMax, RAW_VALUE_BYTES_MAX);
  const clients = overrides.clients ?? options.clients;
  // Where nobody knows all there are neighbours in two orders, and fingers.
  const linksMax = isSmall
    ? Math.max(FAR_LINKS_MIN, options.linksMax)
    : options.linksMax;
  return { ...options, valueBytesMax, clients, linksMax };
}

function networkOptions(random: SeededRandom): NetworkOptions {
  return {
    latencyMinMs: 0.1,
    latencyMaxMs: pick(random, [1, 10, 50, 300])!,
    jitter: pick(random, [0, 0.2, 0.5])!,
    bytesPerMs: pick(random, [Infinity, 12_500, 1_250])!,
    roomBytes: pick(random, [16 * 1024, 256 * 1024, 1024 * 1024])!,
  };
}

/** Entries are nobody's and stay in some runs; the others mix what there is. */
function lifeOptions(random: SeededRandom): LifeOptions {
  const isPlain = fraction(random) < 0.3;
  const isOn = () => fraction(random) < 0.6 && !isPlain;
  return {
    leasing: isOn(),
    leaseMs: pick(random, [500, 3_000, 20_000])!,
    ttlShare: isOn() ? 0.5 * fraction(random) : 0,
    ttlMaxMs: pick(random, [2_000, 20_000, 120_000])!,
    sessionShare: isOn() ? 0.5 * fraction(random) : 0,
  };
}

/** The options as lines of text. */
export function describeOptions(options: SwarmOptions): string[] {
  const { network, lives, faults, limits, buggify, raw, ...rest } = options;
  const shown = (value: unknown) =>
    typeof value === "number" ? +value.toFixed(4) : value;
  const line = (name: string, values: object) =>
    `${name}: ` + Object.entries(values)
      .map(([key, value]) => `${key}=${shown(value)}`).join(" ");
  const on = Object.fromEntries(
    Object.entries(faults).filter(([, rate]) => rate > 0),
  );
  const others = { limits, buggify, raw: raw ?? {} };
  return [
    line("run", rest),
    line("network", network),
    line("lives", lives),
    line("faults per minute", on),
    ...Object.entries(others)
      .filter(([, values]) => Object.keys(values).length > 0)
      .map(([name, values]) => line(name, values)),
  ];
}

/** A seed from a number, or from the first digits of a commit's hash. */
export function seedOf(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text) >>> 0;
  if (/^[0-9a-f]{7,64}$/i.test(text)) return parseInt(text.slice(0, 8), 16);
  return undefined;
}
