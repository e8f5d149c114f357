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
import { EVERYWHERE, SUCCESSORS } from "../base/options.ts";
import type { NetworkOptions } from "./network.ts";

/** The kinds of fault, each with how often it strikes per virtual minute. */
export interface FaultRates {
  /** A process ends; its peers see their links break. */
  readonly crash: number;
  /** A host loses power; nobody is told anything. */
  readonly powerLoss: number;
  /** A process stands still for 0.1 to 30 s. */
  readonly pause: number;
  /** The hosts fall into two or three groups that do not reach each other. */
  readonly split: number;
  /** One host does not hear the others, or is not heard. */
  readonly oneWayCut: number;
  /** One link breaks. */
  readonly reset: number;
  /** One side of a link forgets it. */
  readonly halfOpen: number;
  /** All frames of one link vanish from now on. */
  readonly blackHole: number;
  /** One link holds everything back for a while. */
  readonly clog: number;
  /** One host becomes 10 times slower for a while. */
  readonly slow: number;
  /** Dials are refused for a while. */
  readonly refuse: number;
  /** A member leaves in good order and comes back as a new one. */
  readonly leave: number;
}

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
export interface SwarmOptions {
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
  /** Whether nodes read their peers more slowly than these may send. */
  readonly isLimited: boolean;
}

/** How many times as often faults strike in a storm. */
const STORM_FACTOR = 8;
/** Up to this delay nobody is slow enough to be suspected without a fault. */
const QUICK_MS = 50;
/** The part of a run before its first fault. */
const CALM_SHARE = 0.1;

/** The share of runs whose nodes have a secret. */
const SECURED_SHARE = 0.3;
/** The share of runs in which a busy peer is read more slowly. */
const LIMITED_SHARE = 0.2;

/** What a caller may fix instead of having it drawn. */
export interface SwarmOverrides {
  readonly members?: number | undefined;
  readonly minutes?: number | undefined;
  readonly successors?: number | undefined;
  /** Whether every node is a member and holds everything. */
  readonly sync?: boolean | undefined;
}

/** The most often that each kind may strike, per virtual minute. */
const RATES_MAX: FaultRates = {
  crash: 2,
  powerLoss: 1,
  pause: 3,
  split: 1.5,
  oneWayCut: 1,
  reset: 10,
  halfOpen: 5,
  blackHole: 2,
  clog: 5,
  slow: 1,
  refuse: 1,
  leave: 1,
};

/** Nothing goes wrong. */
export const NO_FAULTS: FaultRates = {
  crash: 0,
  powerLoss: 0,
  pause: 0,
  split: 0,
  oneWayCut: 0,
  reset: 0,
  halfOpen: 0,
  blackHole: 0,
  clog: 0,
  slow: 0,
  refuse: 0,
  leave: 0,
};

/** The options that belong to a seed. */
export function swarmOptions(
  seed: number,
  overrides: SwarmOverrides = {},
): SwarmOptions {
  const random = new SeededRandom(seed, "swarm");
  const drawn = 3 + below(random, 10);
  const network = networkOptions(random);
  const faults = faultRates(random);
  const minutes = overrides.minutes ?? 10;
  // Where a round trip takes a second, somebody is always suspected.
  const isQuick = network.latencyMaxMs <= QUICK_MS;
  const isHealthy = Object.values(faults).every((rate) => rate === 0);
  return {
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
    timeoutMs: pick(random, [2_000, 5_000, 10_000])!,
    hotKeys: 1 + below(random, 8),
    coldKeys: 50 + below(random, 250),
    hotShare: 0.2 + 0.6 * fraction(random),
    valueBytesMax: pick(random, [16, 100, 1_000, 20_000])!,
    lives: lifeOptions(new SeededRandom(seed, "lives of entries")),
    // From a draw of its own: what others draw must not shift.
    watchers: pick(new SeededRandom(seed, "watching"), [0, 0, 1, 2, 4])!,
    faults,
    downMaxMs: pick(random, [2_000, 20_000, 60_000])!,
    isSecured: fraction(new SeededRandom(seed, "secret")) < SECURED_SHARE,
    isLimited: fraction(new SeededRandom(seed, "limits")) < LIMITED_SHARE,
  };
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

/**
 * One run in ten has no faults at all: what then fails, fails plainly. One in
 * ten is a storm, in which repair never catches up.
 */
function faultRates(random: SeededRandom): FaultRates {
  const kind = fraction(random);
  const factor = kind < 0.1 ? 0 : kind < 0.9 ? 1 : STORM_FACTOR;
  const rates: { -readonly [K in keyof FaultRates]: number } = { ...NO_FAULTS };
  for (const kind of Object.keys(NO_FAULTS) as (keyof FaultRates)[]) {
    const isOn = fraction(random) < 0.5;
    const share = fraction(random);
    if (isOn) rates[kind] = RATES_MAX[kind] * share * factor;
  }
  return rates;
}

/** The options as lines of text. */
export function describeOptions(options: SwarmOptions): string[] {
  const { network, lives, faults, ...rest } = options;
  const line = (name: string, values: object) =>
    `${name}: ` +
    Object.entries(values).map(([key, value]) =>
      `${key}=${typeof value === "number" ? +value.toFixed(4) : value}`
    ).join(" ");
  const on = Object.fromEntries(
    Object.entries(faults).filter(([, rate]) => rate > 0),
  );
  return [
    line("run", rest),
    line("network", network),
    line("lives", lives),
    line("faults per minute", on),
  ];
}

/** A seed from a number, or from the first digits of a commit's hash. */
export function seedOf(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text) >>> 0;
  if (/^[0-9a-f]{7,64}$/i.test(text)) return parseInt(text.slice(0, 8), 16);
  return undefined;
}
