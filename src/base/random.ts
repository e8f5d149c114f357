/**
 * Chance, as something that is handed in.
 *
 * @module
 */

/** A source of randomness; the real one is in `system.ts`. */
export interface Random {
  /** 32 random bits as an unsigned integer. */
  uint32(): number;
}

/** A number in [0, 1). */
export function fraction(random: Random): number {
  return random.uint32() / 0x1_0000_0000;
}

/** An integer in [0, `limit`). */
export function below(random: Random, limit: number): number {
  return Math.floor(fraction(random) * limit);
}

/** `ms` moved at random by up to `share` of itself, up or down. */
export function jittered(random: Random, ms: number, share: number): number {
  return ms * (1 + share * (2 * fraction(random) - 1));
}

/** One of `items`, or `undefined` of none. */
export function pick<T>(random: Random, items: readonly T[]): T | undefined {
  return items[below(random, items.length)];
}

/** The items in random order (Fisher and Yates), in a new array. */
export function shuffled<T>(random: Random, items: Iterable<T>): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    const item = order[i]!;
    order[i] = order[j]!;
    order[j] = item;
  }
  return order;
}

/**
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2018), its state filled from a 32-bit seed by splitmix32.
 * For replays; never for ids or secrets on a real network.
 */
export class SeededRandom implements Random {
  readonly #state = new Uint32Array(4);

  /** @param seed any integer; `stream` keeps the draws of one concern apart */
  constructor(seed: number, stream = "") {
    let mixed = seed >>> 0;
    for (let i = 0; i < stream.length; i++) {
      mixed = Math.imul(mixed ^ stream.charCodeAt(i), 0x0100_0193) >>> 0;
    }
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e37_79b9) >>> 0;
      let z = mixed;
      z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
      this.#state[i] = (z ^ (z >>> 15)) >>> 0;
    }
  }

  uint32(): number {
    const s = this.#state;
    const scrambled = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11);
    return scrambled;
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}
