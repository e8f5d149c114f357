/**
 * What an application's tests would look like: objects with a mistake that is
 * found, and the same without it.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChordSocket, type Clock, text, TimeoutError } from "@chord/dict";
import {
  type NodeGiven,
  Recorder,
  simulate,
  SimulationError,
  Violation,
} from "@chord/dict/testing";

type Texts = ChordSocket<string, string>;

const create = (given: NodeGiven): Texts =>
  new ChordSocket({ ...given, keys: text, values: text });

/** A counter with the usual mistake: of two at once, one is lost. */
async function countWrongly(dict: Texts): Promise<void> {
  const count = Number(await dict.get("visits", "0"));
  await dict.set("visits", `${count + 1}`);
}

/** Each node counts for itself; the sum is what counts. */
async function countRightly(dict: Texts): Promise<void> {
  const own = `visits of ${dict.id}`;
  await dict.set(own, `${Number(await dict.get(own, "0")) + 1}`);
}

async function visits(
  seed: number,
  count: (dict: Texts) => Promise<void>,
): Promise<number> {
  const { value } = await simulate(
    { seed, nodes: 3, create },
    async (ring) => {
      await Promise.all(ring.nodes.map(async (sock) => {
        for (let i = 0; i < 5; i++) {
          await ring.pass(100 * ring.random());
          await count(sock);
        }
      }));
      let sum = 0;
      for await (const visits of ring.nodes[0]!.values()) sum += Number(visits);
      return sum;
    },
  );
  return value;
}

Deno.test("a few seeds find the mistake of a counter, and none in its correction", async () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  const wrong = await Promise.all(
    seeds.map((seed) => visits(seed, countWrongly)),
  );
  assert(wrong.some((sum) => sum < 15), `${wrong}`);
  const right = await Promise.all(
    seeds.map((seed) => visits(seed, countRightly)),
  );
  assertEquals(right, seeds.map(() => 15));
});

/** Whoever finds no owner becomes it. */
async function lockWrongly(dict: Texts): Promise<string> {
  const owner = await dict.get("lock");
  if (owner !== undefined) return owner;
  await dict.set("lock", dict.id);
  return dict.id;
}

const lockRightly = (dict: Texts) => dict.setdefault("lock", dict.id);

Deno.test("a recorder convicts a lock that two can have, and acquits one that they cannot", async () => {
  const judge = (seed: number, lock: (dict: Texts) => Promise<string>) =>
    simulate({ seed, nodes: 4, create }, async (ring) => {
      const recorder = new Recorder(ring.clock);
      await Promise.all(ring.nodes.map(async (sock) => {
        await ring.pass(10 * ring.random());
        const operation = { type: "setDefault", key: "lock", given: sock.id };
        await recorder.record(operation as never, () => lock(sock));
      }));
      recorder.check();
    });
  const convictions: unknown[] = [];
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    await judge(seed, lockRightly);
    const error = await judge(seed, lockWrongly).catch((error) => error);
    if (error instanceof SimulationError) convictions.push(error.cause);
  }
  assert(convictions.length > 0, "no seed has two at the lock at once");
  for (const cause of convictions) {
    assert(cause instanceof Violation && cause.check === "linearizable");
  }
});

/** How long who leads may lead without saying so again, in milliseconds. */
const TERM_MS = 4_000;

/** Who holds the key leads; `isLeading` says whether, at any moment. */
class Candidate {
  readonly #clock: Clock;
  readonly #trustsClock: boolean;
  #untilMs = -Infinity;

  constructor(clock: Clock, trustsClock: boolean) {
    this.#clock = clock;
    this.#trustsClock = trustsClock;
  }

  get isLeading(): boolean {
    return this.#trustsClock
      ? this.#clock.nowMs() < this.#untilMs
      : this.#untilMs > 0;
  }

  async run(dict: Texts): Promise<void> {
    for (;;) {
      const askedMs = this.#clock.nowMs();
      const options = { ttlMs: TERM_MS };
      const leader = await dict.setdefault("leader", dict.id, options);
      const isIt = leader === dict.id && await dict.touch("leader", TERM_MS);
      this.#untilMs = isIt ? askedMs + TERM_MS : -Infinity;
      await new Promise<void>((done) => this.#clock.setTimer(done, 1_000));
    }
  }
}

Deno.test("a leader that stands still is found to lead on, if it does not look at its clock", async () => {
  const leaders = (trustsClock: boolean) =>
    simulate({ seed: 7, nodes: 3, create }, async (ring) => {
      const candidates = new Map<Texts, Candidate>();
      ring.run((sock, clock) => {
        const candidate = new Candidate(clock, trustsClock);
        candidates.set(sock, candidate);
        return candidate.run(sock);
      });
      await ring.pass(5_000);
      const leading = () =>
        [...candidates].filter(([, { isLeading }]) => isLeading);
      assertEquals(leading().length, 1);
      ring.pause(leading()[0]![0], 10_000);
      let most = 0;
      for (let i = 0; i < 120; i++) {
        await ring.pass(100);
        most = Math.max(most, leading().length);
      }
      assertEquals(leading().length, 1);
      return most;
    });
  assertEquals((await leaders(false)).value, 2);
  assertEquals((await leaders(true)).value, 1);
});

Deno.test("a recorder takes what failed for what may have happened, or has not", async () => {
  let nowMs = 0;
  const recorder = new Recorder({ nowMs: () => nowMs++ });
  const failing = (applied: "no" | "maybe", given: string) =>
    assertRejects(() =>
      recorder.record({ type: "set", key: "k", given }, () => {
        throw new TimeoutError("Cannot set a key: too late", applied);
      })
    );
  const reading = (found: string) =>
    recorder.record({ type: "get", key: "k" }, () => found);
  await failing("maybe", "one");
  await reading("one");
  recorder.check();
  await failing("no", "two");
  await reading("two");
  let message = "";
  try {
    recorder.check();
  } catch (error) {
    message = String(error);
  }
  assert(message.includes('"k"') && message.includes("gave two"), message);
});
