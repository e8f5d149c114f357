/**
 * What one part of a machine needs to be tested alone: chance, and deadlines on
 * a virtual clock.
 *
 * @module
 */
import {
  LEASE_MS,
  LIMITS,
  SUCCESSORS,
  TIMINGS,
} from "../../src/base/options.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { Context } from "../../src/mesh/context.ts";

/** A context that nobody drives but the test. */
export class Clockwork {
  readonly context: Context = new Context(
    {
      subnet: "test",
      dialect: "",
      isSecured: false,
      url: "",
      replicas: 3,
      leasing: false,
      leaseMs: LEASE_MS,
      linksMax: 256,
      successors: SUCCESSORS,
      fullTableMax: 4096,
      limits: LIMITS,
      timings: TIMINGS,
    },
    new SeededRandom(1),
    { nowMs: 0, wallMs: 0 },
  );

  /** Lets time pass, and runs what is due meanwhile. */
  until(nowMs: number): void {
    const { timers } = this.context;
    while (timers.nextMs <= nowMs) {
      const atMs = timers.nextMs;
      this.context.begin({ nowMs: atMs, wallMs: atMs });
      timers.run(atMs);
    }
    this.context.begin({ nowMs, wallMs: nowMs });
  }
}
