/**
 * Time, as something that is handed in; the real one is in `system.ts`.
 *
 * @module
 */

/** Both clocks that a node has, and a way to be called later. */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. */
  nowMs(): number;
  /** Milliseconds since 1970; may jump. */
  wallMs(): number;
  /** Calls `run` once, `delayMs` from now or a little later. */
  setTimer(run: () => void, delayMs: number): unknown;
  /** Forgets what `setTimer` gave; does nothing if it has run. */
  clearTimer(timer: unknown): void;
  /**
   * Calls `run` once, when what has come in already was handled. Without it a
   * node sends after each frame that it takes, and so in smaller frames.
   */
  afterTurn?(run: () => void): void;
}
