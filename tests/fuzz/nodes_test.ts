/** Nodes that a hostile peer talks to, and some that cannot bear it. */
import { assert, assertThrows } from "@std/assert";
import { EVERYWHERE } from "../../src/base/options.ts";
import type { Instant } from "../../src/base/machine.ts";
import { ChordMachine } from "../../src/dict/chord_machine.ts";
import type { DictOperation } from "../../src/dict/operations.ts";
import type { NodeEffect, NodeEvent } from "../../src/mesh/events.ts";
import type { NodeStats } from "../../src/mesh/node_machine.ts";
import { besiege, type Siege } from "./nodes.ts";

/** `deno task fuzz` says more. */
const MESSAGES = 1_000;

for (const [what, replicas] of [["chord", 3], ["sync", EVERYWHERE]] as const) {
  for (const isMember of [true, false]) {
    const who = isMember ? "a member" : "a node that did not join";
    Deno.test(`whatever ${who} says, ${what} nodes neither throw nor grow`, () => {
      const siege = { seed: 1, messages: MESSAGES, isMember, replicas };
      assert(besiege(siege).said >= MESSAGES);
    });
  }
}

const SIEGE: Siege = {
  seed: 1,
  messages: MESSAGES,
  isMember: true,
  replicas: 3,
};

/** How many frames came in. */
class Counting extends ChordMachine {
  frames = 0;

  override step(
    event: NodeEvent<DictOperation>,
    at: Instant,
  ): NodeEffect[] {
    if (event.type === "frame") this.frames++;
    return super.step(event, at);
  }
}

/** Throws what no link is to blame for. */
class Throwing extends Counting {
  override step(
    event: NodeEvent<DictOperation>,
    at: Instant,
  ): NodeEffect[] {
    if (this.frames > 500) throw new RangeError("Cannot bear it any more");
    return super.step(event, at);
  }
}

/** Forgets nothing. */
class Growing extends Counting {
  readonly #all = new Map<number, number>();

  override step(
    event: NodeEvent<DictOperation>,
    at: Instant,
  ): NodeEffect[] {
    this.#all.set(this.frames, at.nowMs);
    return super.step(event, at);
  }
}

/** Has a deadline more for every tenth frame, and none ever comes. */
class Planning extends Counting {
  override get stats(): NodeStats {
    const { timers } = super.stats;
    return { ...super.stats, timers: timers + Math.floor(this.frames / 10) };
  }
}

for (
  const [Defect, words] of [
    [Throwing, "machinesNeverThrow"],
    [Growing, "somewhere"],
    [Planning, "timers is still"],
  ] as const
) {
  Deno.test(`a node that is ${Defect.name.toLowerCase()} is found out`, () => {
    assertThrows(
      () =>
        besiege({
          ...SIEGE,
          create: (options, random, at) => new Defect(options, random, at),
        }),
      Error,
      words,
    );
  });
}
