/**
 * Whole runs with a node that is defective on purpose: each must fail, and by
 * the check that is there for it. A simulator that passes them is broken.
 */
import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import type { Instant } from "../../src/base/machine.ts";
import type { DictOperation, Lifetime } from "../../src/dict/operations.ts";
import type { Id } from "../../src/id/id.ts";
import type { NodeEffect, NodeEvent } from "../../src/mesh/events.ts";
import type { MemberRecord } from "../../src/wire/messages.ts";
import type {
  CreateMachine,
  SimulatedMachine,
} from "../../src/testing/node.ts";
import { createChordMachine, runSeed } from "../../src/testing/run.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import { Violation } from "../../src/testing/simulator.ts";
import {
  type LifeOptions,
  type SwarmOptions,
  swarmOptions,
} from "../../src/testing/swarm.ts";

/** Passes everything on; what is defective overrides something. */
class Defective implements SimulatedMachine {
  readonly inner: SimulatedMachine;

  constructor(inner: SimulatedMachine) {
    this.inner = inner;
  }

  get id(): Id {
    return this.inner.id;
  }
  get wakeAtMs(): number {
    return this.inner.wakeAtMs;
  }
  get members(): readonly MemberRecord[] {
    return this.inner.members;
  }
  get stats(): SimulatedMachine["stats"] {
    return this.inner.stats;
  }
  get window(): SimulatedMachine["window"] {
    return this.inner.window;
  }
  get pointers(): SimulatedMachine["pointers"] {
    return this.inner.pointers;
  }
  get dict(): SimulatedMachine["dict"] {
    return this.inner.dict;
  }
  pull(link: number): Bytes | undefined {
    return this.inner.pull(link);
  }
  member(id: Id): MemberRecord | undefined {
    return this.inner.member(id);
  }
  step(event: NodeEvent<DictOperation>, at: Instant): NodeEffect[] {
    return this.inner.step(event, at);
  }
}

/** A ring in which every node has the same defect. */
function all(
  Defect: new (inner: SimulatedMachine) => Defective,
): CreateMachine {
  return (options, random, at) =>
    new Defect(createChordMachine(options, random, at));
}

/** A ring of product machines that were given other options. */
function withOptions(
  change: (options: Parameters<CreateMachine>[0]) => object,
): CreateMachine {
  return (options, random, at) =>
    createChordMachine({ ...options, ...change(options) }, random, at);
}

/** Runs a seed without faults, which one of `checks` must end. */
function assertConvicted(
  checks: string,
  create: CreateMachine,
  lives: Partial<LifeOptions> = {},
): void {
  const options = healthyOptions(lives);
  assert(Object.values(options.faults).every((rate) => rate === 0));
  const { violation } = runSeed(options, { create });
  assert(
    violation !== undefined && checks.split(" ").includes(violation.check),
    `wanted ${checks}, but found ${violation?.message ?? "nothing"}`,
  );
}

/** A seed that draws no faults, and delays short enough for all checks. */
const HEALTHY_SEED = (() => {
  for (let seed = 1;; seed++) {
    const { faults, calmMinutes } = swarmOptions(seed);
    const isHealthy = Object.values(faults).every((rate) => rate === 0);
    if (isHealthy && calmMinutes > 0) return seed;
  }
})();

/** That seed, in which entries live as long as nobody says otherwise. */
function healthyOptions(lives: Partial<LifeOptions>): SwarmOptions {
  const plain: LifeOptions = {
    leasing: false,
    leaseMs: 10_000,
    ttlShare: 0,
    ttlMaxMs: 5_000,
    sessionShare: 0,
  };
  const options = swarmOptions(HEALTHY_SEED, { minutes: 2, members: 4 });
  return { ...options, lives: { ...plain, ...lives } };
}

/** A story that must end with a violation of one of `checks`. */
function assertEndsWith(checks: string, story: () => void): void {
  let found = "nothing";
  try {
    story();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    found = error.check;
  }
  assert(
    checks.split(" ").includes(found),
    `wanted ${checks}, but found ${found}`,
  );
}

Deno.test("the product passes what its defective sisters fail", () => {
  for (
    const lives of [
      {},
      { leasing: true },
      { ttlShare: 0.5 },
      { sessionShare: 0.5 },
    ]
  ) assertEquals(runSeed(healthyOptions(lives)).violation, undefined);
});

Deno.test("acknowledgedOnAllHolders convicts a write on one copy", () => {
  assertConvicted(
    "acknowledgedOnAllHolders",
    withOptions(() => ({ replicas: 1 })),
  );
});

Deno.test("acknowledgedOnAllHolders convicts a write on two copies of three", () => {
  assertConvicted(
    "acknowledgedOnAllHolders",
    withOptions(() => ({ replicas: 2 })),
  );
});

Deno.test("copiesAreDroppedSafely convicts a ring that forgets its deletes", () => {
  // Where all forget between two audits, nobody is left to have dropped it.
  assertConvicted(
    "copiesAreDroppedSafely noLostWrite",
    withOptions(({ timings }) => ({
      timings: { ...timings, tombstoneMs: 1_000, antiEntropyMs: 1_000 },
    })),
  );
});

Deno.test("noLostWrite convicts the crash of all holders at once", () => {
  assertEndsWith("noLostWrite", () => {
    const ring = new Ring();
    ring.grow(6);
    ring.set("A", "k", "v");
    for (const name of ring.holders("k")) ring.crash(name);
    ring.run(10_000);
  });
});

Deno.test("oneRing convicts members that never look for the dead", () => {
  assertEndsWith("oneRing", () => {
    const ring = new Ring({
      timings: { reviveMs: 1e9, redialMinMs: 1e9, redialMaxMs: 1e9 },
    });
    ring.grow(4);
    ring.split("AB", "CD");
    ring.run(30_000);
    ring.heal();
    ring.settle();
  });
});

Deno.test("convergedReplicas convicts a joiner that takes too little", () => {
  let nodes = 0;
  const create = withOptions(() => (nodes++ === 3 ? { replicas: 1 } : {}));
  assertEndsWith("convergedReplicas copiesAreDroppedSafely", () => {
    const ring = new Ring({ create });
    ring.grow(3);
    for (let i = 0; i < 20; i++) ring.set("A", `key ${i}`, "v");
    ring.crash("C");
    ring.join("C", "A");
    ring.settle();
  });
});

Deno.test("noLostWrite convicts a ring that a sleeper talks out of a delete", () => {
  // It wakes up with a copy, and everybody else has forgotten the delete.
  assertEndsWith("noLostWrite copiesAreDroppedSafely", () => {
    const ring = new Ring({
      timings: { tombstoneMs: 1_000, antiEntropyMs: 1_000 },
    });
    ring.grow(4);
    ring.set("A", "k", "v");
    const [sleeper, , awake] = ring.holders("k");
    ring.pause(sleeper!);
    ring.run(15_000);
    ring.delete(awake!, "k");
    ring.run(15_000);
    ring.resume(sleeper!);
    ring.settle();
    for (const name of "ABCD") assertEquals(ring.get(name, "k"), undefined);
  });
});

Deno.test("leaversHandOver convicts a member that just says that it has left", () => {
  class Hasty extends Defective {
    override step(event: NodeEvent<DictOperation>, at: Instant): NodeEffect[] {
      if (event.type === "ask" && event.operation.type === "leave") {
        return [{ type: "result", call: event.call, value: undefined }];
      }
      return super.step(event, at);
    }
  }
  assertEndsWith("leaversHandOver", () => {
    const ring = new Ring({ create: all(Hasty) });
    ring.grow(5);
    ring.set("A", "k", "v");
    ring.leave(ring.holders("k")[0]!);
  });
});

Deno.test("boundedQueues convicts a queue that grows", () => {
  class Hoarder extends Defective {
    #hoard = 0;
    override get stats(): SimulatedMachine["stats"] {
      this.#hoard += 100_000;
      return { ...super.stats, queuedBytes: this.#hoard };
    }
  }
  assertConvicted("boundedQueues", all(Hoarder));
});

Deno.test("callsEnd convicts a call that nobody answers", () => {
  class Silent extends Defective {
    readonly #sizes = new Set<number>();
    override step(event: NodeEvent<DictOperation>, at: Instant): NodeEffect[] {
      if (event.type === "ask" && event.operation.type === "size") {
        this.#sizes.add(event.call);
      }
      return super.step(event, at).filter((effect) =>
        effect.type !== "result" || !this.#sizes.has(effect.call)
      );
    }
  }
  assertConvicted("callsEnd", all(Silent));
});

/** Remembers which key each `get` and `pop` is about. */
class Reader extends Defective {
  readonly asked: Map<number, string> = new Map();

  override step(event: NodeEvent<DictOperation>, at: Instant): NodeEffect[] {
    if (event.type === "ask") {
      const { operation } = event;
      if (operation.type === "get") {
        this.asked.set(event.call, new TextDecoder().decode(operation.key));
      }
    }
    return super.step(event, at).map((effect) => {
      const key = effect.type === "result"
        ? this.asked.get(effect.call)
        : undefined;
      if (effect.type !== "result" || key === undefined) return effect;
      return { ...effect, value: this.answer(key, effect.value) };
    });
  }

  answer(_key: string, value: unknown): unknown {
    return value;
  }
}

Deno.test("readsAreProven convicts a value from another key", () => {
  class Confused extends Reader {
    #last: unknown;
    override answer(_key: string, value: unknown): unknown {
      const last = this.#last ?? value;
      this.#last = value;
      return last;
    }
  }
  assertConvicted("readsAreProven", all(Confused));
});

Deno.test("readsAreFresh convicts a cache that nobody clears", () => {
  class Cached extends Reader {
    readonly #cache = new Map<string, unknown>();
    override answer(key: string, value: unknown): unknown {
      const cached = this.#cache.get(key);
      if (cached === undefined) this.#cache.set(key, value);
      return cached ?? value;
    }
  }
  assertConvicted("readsAreFresh", all(Cached));
});

Deno.test("poppedEverywhere convicts a pop that leaves the value where it is", () => {
  class Reluctant extends Defective {
    override step(event: NodeEvent<DictOperation>, at: Instant): NodeEffect[] {
      if (event.type === "ask" && event.operation.type === "pop") {
        const { key, timeoutMs } = event.operation;
        const operation = {
          type: "get",
          key,
          read: "first",
          timeoutMs,
        } as const;
        return super.step({ ...event, operation }, at);
      }
      return super.step(event, at);
    }
  }
  assertConvicted("poppedEverywhere", all(Reluctant));
});

Deno.test("eventsInVersionOrder convicts an event that is told twice", () => {
  class Chatty extends Defective {
    override step(event: NodeEvent<DictOperation>, at: Instant): NodeEffect[] {
      return super.step(event, at).flatMap((effect): NodeEffect[] =>
        effect.type === "notice" && effect.notice.type === "entry"
          ? [effect, effect]
          : [effect]
      );
    }
  }
  assertConvicted("eventsInVersionOrder", all(Chatty));
});

Deno.test("machinesNeverThrow convicts one that does", () => {
  class Fragile extends Defective {
    override step(event: NodeEvent<DictOperation>, at: Instant): NodeEffect[] {
      if (at.nowMs > 30_000) throw new Error("too late");
      return super.step(event, at);
    }
  }
  assertConvicted("machinesNeverThrow", all(Fragile));
});

Deno.test("oneOwner convicts leases that end before their time", () => {
  assertConvicted("oneOwner", withOptions(() => ({ leaseMs: 1 })), {
    leasing: true,
  });
});

/** Has each entry live otherwise than its writer wants. */
function living(change: (lifetime: Lifetime) => Lifetime): CreateMachine {
  return all(
    class extends Defective {
      override step(
        event: NodeEvent<DictOperation>,
        at: Instant,
      ): NodeEffect[] {
        if (event.type !== "ask") return super.step(event, at);
        const { operation } = event;
        const { type } = operation;
        if (type !== "set" && type !== "setDefault") {
          return super.step(event, at);
        }
        const lifetime = change(operation.lifetime!);
        return super.step(
          { ...event, operation: { ...operation, lifetime } },
          at,
        );
      }
    },
  );
}

Deno.test("expiredIsGone convicts reads of what has run out", () => {
  const create = living((lifetime) => ({
    ...lifetime,
    ttlMs: lifetime.ttlMs * 20,
  }));
  assertConvicted("expiredIsGone", create, { ttlShare: 0.5, ttlMaxMs: 2_000 });
});

Deno.test("expiredIsGone convicts copies that outlive their time", () => {
  let stopMs = Infinity;
  class Stopped extends Defective {
    override step(event: NodeEvent<DictOperation>, at: Instant): NodeEffect[] {
      if (at.nowMs > 20_000) stopMs = Math.min(stopMs, at.wallMs);
      const wallMs = Math.min(at.wallMs, stopMs);
      return super.step(event, { ...at, wallMs });
    }
  }
  assertConvicted("expiredIsGone", all(Stopped), { ttlShare: 0.5 });
});

Deno.test("readsAreFresh convicts a session that ends before its writer", () => {
  const create = living((lifetime) => ({
    ttlMs: lifetime.session ? 200 : 0,
    session: false,
  }));
  assertConvicted("readsAreFresh", create, { sessionShare: 0.5 });
});

Deno.test("sessionEnds convicts a session that nobody ends", () => {
  assertEndsWith("sessionEnds", () => {
    const ring = new Ring({ timings: { sessionGraceMs: 1e9 } });
    ring.grow(4);
    ring.set("D", "k", "v", { ttlMs: 0, session: true });
    ring.crash("D");
    ring.settle();
  });
});
