/**
 * The wall clock of one simulated process: wrong by some, and running at its
 * own pace.
 *
 * @module
 */

/** The day on which every run begins: 2024-01-01, in milliseconds since 1970. */
const START_WALL_MS = 1_704_067_200_000;

/** A clock that can be set, and set right again. */
export class WallClock {
  readonly #firstOffsetMs: number;
  readonly #firstDrift: number;
  #offsetMs: number;
  #drift: number;
  #setMs = -Infinity;

  /**
   * @param offsetMs by how much it is wrong at the start of the run
   * @param drift by which share of the time it gains
   */
  constructor(offsetMs: number, drift: number) {
    this.#firstOffsetMs = this.#offsetMs = offsetMs;
    this.#firstDrift = this.#drift = drift;
  }

  /** What it shows: milliseconds since 1970. */
  wallMs(nowMs: number): number {
    return Math.floor(
      START_WALL_MS + nowMs + this.#offsetMs + nowMs * this.#drift,
    );
  }

  get drift(): number {
    return this.#drift;
  }

  /** When somebody last set it. */
  get setMs(): number {
    return this.#setMs;
  }

  /** Sets it ahead, or back, of what it would show if nobody ever set it. */
  jump(nowMs: number, byMs: number): void {
    this.#setMs = nowMs;
    this.#offsetMs = this.#firstOffsetMs + byMs;
    this.#drift = this.#firstDrift;
  }

  /** From now on it runs at another pace. */
  run(nowMs: number, drift: number): void {
    this.#setMs = nowMs;
    this.#offsetMs += nowMs * (this.#drift - drift);
    this.#drift = drift;
  }

  /** Sets it as if nobody had ever set it, if somebody has. */
  setRight(nowMs: number): void {
    if (this.#setMs > -Infinity) this.jump(nowMs, 0);
  }
}
