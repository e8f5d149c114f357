/**
 * The kinds of fault: each makes something go wrong, says for how long, and
 * mends it. Fewer than R nodes are hurt at a time.
 *
 * @module
 */
import {
  below,
  fraction,
  pick,
  type Random,
  shuffled,
} from "../../src/base/random.ts";
import type { Weather } from "./proxy.ts";
import { FAIR } from "./proxy.ts";
import type { Place, ProcessRing } from "./ring.ts";

/** One fault that has begun. */
export interface Fault {
  /** What was done to whom. */
  readonly words: string;
  /** How long until it is mended; the ring recovers from then on. */
  readonly holdMs: number;
  readonly mend: () => Promise<void> | void;
  /** Brings back what is not mended, once the ring has recovered without it. */
  readonly replace?: () => Promise<void>;
}

/** What a fault is made of. */
export interface Circumstances {
  readonly ring: ProcessRing;
  readonly random: Random;
  readonly replicas: number;
  /** No fault is to last longer. */
  readonly holdMsMax: number;
}

type Kind = (at: Circumstances) => Promise<Fault> | Fault;

const STOP_MS = [3_000, 20_000] as const;
const CUT_MS = [2_000, 12_000] as const;
const DELAY_MS = [3_000, 10_000] as const;
const DELAY_MS_MAX = 150;
const RESETS_MS = [2_000, 8_000] as const;
const RESET_EVERY_MS = 400;

function between(
  { random, holdMsMax }: Circumstances,
  [least, most]: readonly [number, number],
): number {
  return Math.min(least + fraction(random) * (most - least), holdMsMax);
}

/** Fewer than R nodes, at least one. */
function victims({ ring, random, replicas }: Circumstances): Place[] {
  const count = 1 + below(random, Math.max(1, replicas - 1));
  return shuffled(random, ring.awake).slice(0, count);
}

const namesOf = (places: readonly Place[]): string =>
  places.map(({ name }) => name).join(" ");

function weather(
  at: Circumstances,
  words: string,
  ms: readonly [number, number],
  change: Partial<Weather>,
): Fault {
  const { proxies } = at.ring;
  proxies.weather = { ...FAIR, ...change };
  return {
    words,
    holdMs: between(at, ms),
    mend: () => void (proxies.weather = FAIR),
  };
}

/** Some nodes on one side, the others on the other. */
function sides({ ring, random }: Circumstances): {
  readonly isOne: (name: string) => boolean;
  readonly words: string;
} {
  const all = shuffled(random, ring.awake);
  const one = all.slice(0, 1 + below(random, Math.floor(all.length / 2)));
  const names = new Set(one.map(({ name }) => name));
  return { isOne: (name) => names.has(name), words: namesOf(one) };
}

/** All kinds, by name. */
export const KINDS: Readonly<Record<string, Kind>> = {
  /** Processes end; others come in their place, elsewhere. */
  kill: async (at) => {
    const { ring } = at;
    const gone = victims(at);
    await Promise.all(gone.map((place) => ring.kill(place)));
    for (const place of gone) ring.forget(place);
    return {
      words: `SIGKILL to ${namesOf(gone)}`,
      holdMs: 0,
      mend: () => {},
      replace: async () => void await Promise.all(gone.map(() => ring.add())),
    };
  },

  /** Processes end and start again at once, on the same port. */
  restart: async (at) => {
    const { ring } = at;
    const gone = victims(at);
    await Promise.all(gone.map((place) => ring.kill(place)));
    await Promise.all(gone.map((place) => ring.start(place)));
    return {
      words: `restart of ${namesOf(gone)} on the same port`,
      holdMs: 0,
      mend: () => {},
    };
  },

  /** Processes stand still. */
  stop: (at) => {
    const { ring } = at;
    const still = victims(at);
    for (const place of still) ring.stop(place);
    const holdMs = between(at, STOP_MS);
    return {
      words: `SIGSTOP to ${namesOf(still)} for ${(holdMs / 1000).toFixed(1)} s`,
      holdMs,
      mend: async () => {
        await Promise.all(still.map((place) => ring.resume(place)));
      },
    };
  },

  /** Everything takes long, and not the same everywhere. */
  delay: (at) => {
    const { random } = at;
    const delays = new Map<string, number>();
    const delayMs = (from: string, to: string) => {
      const pair = `${from} ${to}`;
      const known = delays.get(pair) ?? DELAY_MS_MAX * fraction(random);
      delays.set(pair, known);
      return known * (0.5 + fraction(random));
    };
    return weather(at, `delays of up to ${DELAY_MS_MAX} ms`, DELAY_MS, {
      delayMs,
    });
  },

  /** Some hear the others, who do not hear them. */
  "one-way": (at) => {
    const { isOne, words } = sides(at);
    return weather(at, `nobody else hears ${words}`, CUT_MS, {
      isCut: (from, to) => isOne(from) && !isOne(to),
    });
  },

  /** Two sides that do not hear each other. */
  "both-ways": (at) => {
    const { isOne, words } = sides(at);
    return weather(at, `${words} cut off from the others`, CUT_MS, {
      isCut: (from, to) => isOne(from) !== isOne(to),
    });
  },

  /** Connections break, again and again. */
  reset: (at) => {
    const { random, ring } = at;
    const share = pick(random, [0.1, 0.3, 1])!;
    const hit = () => ring.proxies.reset(() => fraction(random) < share);
    const timer = setInterval(hit, RESET_EVERY_MS);
    hit();
    return {
      words: `${share * 100}% of the connections break every ` +
        `${RESET_EVERY_MS} ms`,
      holdMs: between(at, RESETS_MS),
      mend: () => clearInterval(timer),
    };
  },
};
