/**
 * Lets virtual time pass while code waits for it.
 *
 * @module
 */
import type { MeshSocket } from "../../mesh/mesh_socket.ts";
import type { EventQueue } from "../event_queue.ts";
import { Violation } from "../violation.ts";
import { nextTurn } from "./turns.ts";
import type { SimulatedWorld } from "./world.ts";

/** Events of one run, and of one moment of it. */
const EVENTS_MAX = 20_000_000;
const EVENTS_AT_ONCE_MAX = 100_000;

/**
 * Runs code to its end, and the world meanwhile: one event in each turn of the
 * platform's loop, for as long as the code waits.
 *
 * @param virtualMsMax how long the code may take
 * @throws {Violation} If the code does not end
 */
export async function runToEnd<S extends MeshSocket, T>(
  world: SimulatedWorld<S>,
  virtualMsMax: number,
  code: () => Promise<T>,
): Promise<T> {
  let outcome: { readonly value: T } | undefined;
  code().then(
    (value) => outcome = { value },
    (error) => world.fail(error),
  );
  let events = 0;
  let eventsAtOnce = 0;
  for (;;) {
    await rest(world);
    if (world.failure !== undefined) throw world.failure.error;
    if (outcome !== undefined) return outcome.value;
    const { nowMs } = world;
    happen(world.queue, virtualMsMax);
    eventsAtOnce = world.nowMs > nowMs ? 0 : eventsAtOnce + 1;
    if (eventsAtOnce > EVENTS_AT_ONCE_MAX) {
      throw new Violation("codeEnds", `no time passes any more`);
    }
    if (++events > EVENTS_MAX) {
      throw new Violation("codeEnds", `it waits after ${EVENTS_MAX} events`);
    }
  }
}

/** What comes of a proof has come of it a turn after that is there. */
async function rest<S extends MeshSocket>(
  world: SimulatedWorld<S>,
): Promise<void> {
  let isWaiting: boolean;
  do {
    isWaiting = world.isProving;
    await nextTurn();
  } while (isWaiting || world.isProving);
}

function happen(queue: EventQueue, maxMs: number): void {
  if (queue.size === 0) {
    throw new Violation(
      "codeEnds",
      `nothing is left to happen: the code waits for something outside of ` +
        `the simulation`,
    );
  }
  if (queue.run(maxMs, () => true)) return;
  throw new Violation(
    "codeEnds",
    `the code still waits after ${maxMs / 1000} s of virtual time: for ` +
      `something outside of the simulation, or for what does not come`,
  );
}
