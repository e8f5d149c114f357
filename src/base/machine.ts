/**
 * What a state machine is here: a function of events and a time.
 *
 * A machine never awaits, never reads a clock, never draws from a global source
 * of chance and never touches a socket. A driver hands in one event and the
 * time at which it happened, carries out the effects, and calls again at
 * `wakeAtMs`. Real sockets are one driver, the simulator is another.
 *
 * @module
 */

/** One moment, on the two clocks that a node has. */
export interface Instant {
  /** Monotonic milliseconds; only differences mean anything. */
  readonly nowMs: number;
  /** Milliseconds since 1970 by the node's wall clock; may jump. */
  readonly wallMs: number;
}

/** A protocol as a function of events and a time. */
export interface Machine<Event, Effect> {
  /** Takes one event; never throws for anything that a peer sent. */
  step(event: Event, at: Instant): Effect[];
  /** When to step with a wake event next, in monotonic ms; `Infinity`: never. */
  readonly wakeAtMs: number;
}
