/**
 * Makes the machines of a simulation take unlikely ways, now and then.
 *
 * @module
 */
import { fraction, type Random } from "../base/random.ts";
import type { BuggifyPoint, Rule, Sabotage } from "../base/sabotage.ts";

/** How often each way is taken where it could be; 0 if it is not named. */
export type BuggifyShares = Readonly<Partial<Record<BuggifyPoint, number>>>;

/** One for all nodes; it draws in the order in which they ask. */
export class Buggify implements Sabotage {
  readonly #random: Random;
  readonly #shares: BuggifyShares;
  /** Nothing is unlucky while this is off, and nothing is drawn. */
  isOn = false;

  constructor(random: Random, shares: BuggifyShares) {
    this.#random = random;
    this.#shares = shares;
  }

  isUnlucky(point: BuggifyPoint): boolean {
    if (!this.isOn) return false;
    const share = this.#shares[point];
    return share !== undefined && fraction(this.#random) < share;
  }

  /** Unlikely ways are allowed ones: no rule is left out. */
  lacks(_rule: Rule): boolean {
    return false;
  }
}
