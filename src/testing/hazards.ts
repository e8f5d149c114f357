/**
 * What can go wrong in a run: the kinds of fault with how often each strikes,
 * and what makes a world hard to live in all the time.
 *
 * @module
 */
import type { Limits } from "../base/options.ts";
import { fraction, pick, SeededRandom } from "../base/random.ts";
import type { BuggifyPoint } from "../base/sabotage.ts";
import type { BuggifyShares } from "./buggify.ts";
import type { RawOptions } from "./raw.ts";

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
  /** The ring falls into two to five arcs that do not reach each other. */
  readonly ringSplit: number;
  /** A wall clock is set wrong by up to ten minutes. */
  readonly clockJump: number;
  /** A wall clock runs up to 5 % too fast or too slow from now on. */
  readonly clockDrift: number;
}

/** A kind of fault. */
export type FaultKind = keyof FaultRates;

/** What makes a world hard to live in, besides faults. */
export interface Hazards {
  /** Limits other than the product's own. */
  readonly limits: Partial<Limits>;
  /** Links that a node keeps at most. */
  readonly linksMax: number;
  /** How often machines take unlikely ways. */
  readonly buggify: BuggifyShares;
  /** A link that is silent for so long is forgotten by what is in between. */
  readonly idleDropMs: number;
  /** How often the network reorders and duplicates. */
  readonly raw: RawOptions | undefined;
  /** Whether an admitted peer sends garbage. */
  readonly hasVandal: boolean;
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
  ringSplit: 1,
  clockJump: 2,
  clockDrift: 1,
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
  ringSplit: 0,
  clockJump: 0,
  clockDrift: 0,
};

/** Nothing makes it hard. */
export const NO_HAZARDS: Hazards = {
  limits: {},
  linksMax: 256,
  buggify: {},
  idleDropMs: Infinity,
  raw: undefined,
  hasVandal: false,
};

/** Kinds that are drawn apart from the others, which keep their meaning. */
export const LATER_KINDS: readonly FaultKind[] = [
  "ringSplit",
  "clockJump",
  "clockDrift",
];
const FIRST_KINDS = (Object.keys(NO_FAULTS) as FaultKind[])
  .filter((kind) => !LATER_KINDS.includes(kind));

/** How many times as often faults strike in a storm. */
const STORM_FACTOR = 8;
/** The share of runs with all faults of the later kinds, if with any. */
const LATER_SHARE = 0.25;

/** The shares of runs in which each hazard is there. */
const SLOW_SHARE = 0.2;
const TIGHT_SHARE = 0.15;
const FEW_LINKS_SHARE = 0.15;
const BUGGIFY_SHARE = 0.4;
const IDLE_DROP_SHARE = 0.15;
const RAW_SHARE = 0.1;
const VANDAL_SHARE = 0.1;

/** So low that copies on their way between nodes go beyond them. */
const SLOW_LIMITS: Partial<Limits> = {
  messagesPerSecondMax: 1_000,
  bytesPerSecondMax: 256 * 1024,
};
/** So low that a ring that starts, or heals, goes beyond them. */
const TIGHT_LIMITS: Partial<Limits> = {
  linksPerNodeMax: 2,
  dialsPendingMax: 2,
  handshakesPendingMax: 2,
};
/** With more members than this messages go through others. */
const FEW_LINKS = 8;

const POINTS: readonly BuggifyPoint[] = [
  "earlyTimeout",
  "tinyPage",
  "slowRead",
  "requestsFull",
  "castSkipped",
  "newsSkipped",
  "dropSkipped",
];

/**
 * One run in ten has no faults at all: what then fails, fails plainly. One in
 * ten is a storm, in which repair never catches up.
 */
export function faultRates(random: SeededRandom, seed: number): FaultRates {
  const kind = fraction(random);
  const factor = kind < 0.1 ? 0 : kind < 0.9 ? 1 : STORM_FACTOR;
  const rates: { -readonly [K in FaultKind]: number } = { ...NO_FAULTS };
  const draw = (from: SeededRandom, kind: FaultKind, onShare: number) => {
    const isOn = fraction(from) < onShare;
    const share = fraction(from);
    if (isOn) rates[kind] = RATES_MAX[kind] * share * factor;
  };
  for (const kind of FIRST_KINDS) draw(random, kind, 0.5);
  const later = new SeededRandom(seed, "later faults");
  for (const kind of LATER_KINDS) draw(later, kind, LATER_SHARE);
  return rates;
}

/**
 * The hazards of a seed, each drawn apart from all others.
 *
 * @param isHealthy whether nothing is to go wrong: only limits are drawn then
 */
export function hazardsOf(seed: number, isHealthy: boolean): Hazards {
  const isOn = (name: string, share: number) =>
    fraction(new SeededRandom(seed, name)) < share;
  const limits = {
    ...isOn("limits", SLOW_SHARE) ? SLOW_LIMITS : {},
    ...isOn("tight limits", TIGHT_SHARE) ? TIGHT_LIMITS : {},
  };
  const linksMax = isOn("few links", FEW_LINKS_SHARE)
    ? FEW_LINKS
    : NO_HAZARDS.linksMax;
  if (isHealthy) return { ...NO_HAZARDS, limits, linksMax };
  const random = new SeededRandom(seed, "hazards");
  const idleDropMs = pick(random, [4_000, 15_000, 60_000])!;
  const raw: RawOptions = {
    reorderShare: 0.1 * fraction(random),
    duplicateShare: 0.1 * fraction(random),
  };
  return {
    limits,
    linksMax,
    buggify: isOn("buggify", BUGGIFY_SHARE) ? buggifyShares(seed) : {},
    idleDropMs: isOn("idle drop", IDLE_DROP_SHARE) ? idleDropMs : Infinity,
    raw: isOn("raw", RAW_SHARE) ? raw : undefined,
    hasVandal: isOn("vandal", VANDAL_SHARE),
  };
}

function buggifyShares(seed: number): BuggifyShares {
  const random = new SeededRandom(seed, "buggify shares");
  const shares: Partial<Record<BuggifyPoint, number>> = {};
  for (const point of POINTS) {
    const isOn = fraction(random) < 0.5;
    const share = 0.2 * fraction(random) ** 2;
    if (isOn) shares[point] = share;
  }
  return shares;
}
