/**
 * For the tests of applications: their own code, run against real nodes on a
 * simulated network, with everything that can go wrong in one.
 *
 * @module
 */
export type { NodeGiven } from "./kit/process.ts";
export { type Recorded, Recorder } from "./kit/recorder.ts";
export { type Program, SimulatedRing } from "./kit/ring.ts";
export {
  type NetOptions,
  simulate,
  type Simulated,
  type SimulateOptions,
  SimulationError,
} from "./kit/simulate.ts";
export type { FaultRates } from "./hazards.ts";
export { Violation } from "./violation.ts";
