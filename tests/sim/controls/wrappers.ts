/**
 * Nodes that do to their applications, or to their own memory, what no node may
 * do: each is a product machine with something wrong around it.
 *
 * @module
 */
import type { Instant } from "../../../src/base/machine.ts";
import type { DictOperation, Lifetime } from "../../../src/dict/operations.ts";
import type { NodeEffect, NodeEvent } from "../../../src/mesh/events.ts";
import type {
  CreateMachine,
  SimulatedMachine,
} from "../../../src/testing/node.ts";
import { all, type Control, Defective, inRuns } from "./control.ts";

type Event = NodeEvent<DictOperation>;

class Hoarder extends Defective {
  #hoard = 0;
  override get stats(): SimulatedMachine["stats"] {
    this.#hoard += 100_000;
    return { ...super.stats, queuedBytes: this.#hoard };
  }
}

class Silent extends Defective {
  readonly #sizes = new Set<number>();
  override step(event: Event, at: Instant): NodeEffect[] {
    if (event.type === "ask" && event.operation.type === "size") {
      this.#sizes.add(event.call);
    }
    return super.step(event, at).filter((effect) =>
      effect.type !== "result" || !this.#sizes.has(effect.call)
    );
  }
}

/** Remembers which key each `get` is about. */
class Reader extends Defective {
  readonly asked: Map<number, string> = new Map();

  override step(event: Event, at: Instant): NodeEffect[] {
    if (event.type === "ask" && event.operation.type === "get") {
      const key = new TextDecoder().decode(event.operation.key);
      this.asked.set(event.call, key);
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

class Confused extends Reader {
  #last: unknown;
  override answer(_key: string, value: unknown): unknown {
    const last = this.#last ?? value;
    this.#last = value;
    return last;
  }
}

class Cached extends Reader {
  readonly #cache = new Map<string, unknown>();
  override answer(key: string, value: unknown): unknown {
    const cached = this.#cache.get(key);
    if (cached === undefined) this.#cache.set(key, value);
    return cached ?? value;
  }
}

class Reluctant extends Defective {
  override step(event: Event, at: Instant): NodeEffect[] {
    if (event.type === "ask" && event.operation.type === "pop") {
      const { key, timeoutMs } = event.operation;
      const operation = { type: "get", key, read: "first", timeoutMs } as const;
      return super.step({ ...event, operation }, at);
    }
    return super.step(event, at);
  }
}

class Chatty extends Defective {
  override step(event: Event, at: Instant): NodeEffect[] {
    return super.step(event, at).flatMap((effect): NodeEffect[] =>
      effect.type === "notice" && effect.notice.type === "entry"
        ? [effect, effect]
        : [effect]
    );
  }
}

class Fragile extends Defective {
  override step(event: Event, at: Instant): NodeEffect[] {
    if (at.nowMs > 30_000) throw new Error("too late");
    return super.step(event, at);
  }
}

/** Wants to be woken now, again and again. */
class Sleepless extends Defective {
  #nowMs = 0;
  override get wakeAtMs(): number {
    return this.#nowMs > 30_000 ? this.#nowMs : super.wakeAtMs;
  }
  override step(event: Event, at: Instant): NodeEffect[] {
    this.#nowMs = at.nowMs;
    return super.step(event, at);
  }
}

/** Its wall clock stands still after a while. */
class Stopped extends Defective {
  #stopMs = Infinity;
  override step(event: Event, at: Instant): NodeEffect[] {
    if (at.nowMs > 20_000) this.#stopMs = Math.min(this.#stopMs, at.wallMs);
    const wallMs = Math.min(at.wallMs, this.#stopMs);
    return super.step(event, { ...at, wallMs });
  }
}

/** Has each entry live otherwise than its writer wants. */
function living(change: (lifetime: Lifetime) => Lifetime): CreateMachine {
  return all(
    class extends Defective {
      override step(event: Event, at: Instant): NodeEffect[] {
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

/** Nodes that are wrong on their outside. */
export const WRAPPERS: readonly Control[] = [
  inRuns("a queue grows for ever", ["boundedQueues"], () => all(Hoarder)),
  inRuns("a call is never answered", ["callsEnd"], () => all(Silent)),
  inRuns(
    "a read gives the value of another key",
    ["readsAreProven"],
    () => all(Confused),
  ),
  inRuns(
    "what was read once is read for ever",
    ["readsAreFresh", "linearizable"],
    () => all(Cached),
  ),
  inRuns(
    "a pop leaves the value where it is",
    ["poppedEverywhere", "poppedOnce"],
    () => all(Reluctant),
  ),
  inRuns(
    "a change is told twice",
    ["eventsInVersionOrder"],
    () => all(Chatty),
  ),
  inRuns("a machine throws", ["machinesNeverThrow"], () => all(Fragile)),
  inRuns(
    "a machine wakes for ever at one moment",
    ["machinesComeToRest"],
    () => all(Sleepless),
  ),
  inRuns(
    "entries live longer than they were to",
    ["expiredIsGone"],
    () => living((life) => ({ ...life, ttlMs: life.ttlMs * 20 })),
    { lives: { ttlShare: 0.5, ttlMaxMs: 2_000 } },
  ),
  inRuns(
    "copies outlive their time at nodes whose clocks stand still",
    ["expiredIsGone"],
    () => all(Stopped),
    { lives: { ttlShare: 0.5 } },
  ),
  inRuns(
    "a session ends before its writer",
    ["readsAreFresh", "linearizable"],
    () => living((life) => ({ ttlMs: life.session ? 200 : 0, session: false })),
    { lives: { sessionShare: 0.5 } },
  ),
];
