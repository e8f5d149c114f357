/**
 * What makes a simulated world hard to live in does what it says, and is off
 * where it should be.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { ZERO_ID } from "../../src/id/id.ts";
import { Buggify } from "../../src/testing/buggify.ts";
import { LATER_KINDS } from "../../src/testing/hazards.ts";
import { runSeed } from "../../src/testing/run.ts";
import { Simulator } from "../../src/testing/simulator.ts";
import { type SwarmOptions, swarmOptions } from "../../src/testing/swarm.ts";
import { WallClock } from "../../src/testing/wall_clock.ts";
import { type ToyMachine, toys } from "./toy_machine.ts";

/** Two toys with a link, over which A says 50 things, one each second. */
function talk(prepare: (simulator: Simulator) => void): string[] {
  const made: ToyMachine[] = [];
  const simulator = new Simulator({
    seed: 1,
    create: toys(made),
    network: {
      latencyMinMs: 10,
      latencyMaxMs: 10,
      jitter: 0,
      bytesPerMs: Infinity,
      roomBytes: 100_000,
    },
    replicas: 3,
    clockOffsetMaxMs: 0,
    clockDriftMax: 0,
  });
  const [a, b] = ["A", "B"].map((name) => simulator.addHost(name, true));
  for (const host of [a!, b!]) simulator.start(host);
  const dial = { type: "connect", url: b!.url, timeoutMs: 1_000 } as const;
  simulator.call(a!.node!, dial, () => {});
  simulator.queue.run(100);
  const say = (host: typeof a, text: string) => {
    const packets = [{ kind: 1, bytes: utf8(text) }];
    simulator.call(host!.node!, {
      type: "cast",
      letter: { id: ZERO_ID, time: 0, inReplyTo: undefined, packets },
    }, () => {});
  };
  // A handshake is left as it is, so it has to be over.
  for (let i = 0; i < 10; i++) {
    say(a, "hello");
    say(b, "hello");
    simulator.queue.run(simulator.nowMs + 20);
  }
  prepare(simulator);
  for (let i = 0; i < 50; i++) {
    say(a, `${i}`);
    simulator.queue.run(simulator.nowMs + 20);
  }
  simulator.queue.run(simulator.nowMs + 5_000);
  return made[1]!.heard.filter((text) => text !== "hello");
}

const ALL = Array.from({ length: 50 }, (_, i) => `${i}`);

Deno.test("a raw network lets frames overtake each other, and brings some twice", () => {
  assertEquals(talk(() => {}), ALL);
  const late = talk(({ network }) => {
    network.raw.options = { reorderShare: 0.2, duplicateShare: 0 };
  });
  assertNotEquals(late, ALL);
  assertEquals(late.toSorted(), ALL.toSorted());
  const twice = talk(({ network }) => {
    network.raw.options = { reorderShare: 0, duplicateShare: 0.2 };
  });
  assert(twice.length > ALL.length);
  assertEquals([...new Set(twice)].toSorted(), ALL.toSorted());
});

Deno.test("what is in between forgets a link that is silent for too long", () => {
  const heard = talk(({ network, queue }) => {
    network.idleDropMs = 1_000;
    queue.run(queue.nowMs + 900);
  });
  assertEquals(heard, ALL);
  const lost = talk(({ network, queue }) => {
    network.idleDropMs = 1_000;
    queue.run(queue.nowMs + 1_100);
  });
  assertEquals(lost, []);
});

Deno.test("a wall clock jumps, drifts from where it is, and is set right", () => {
  const clock = new WallClock(50, 0);
  const startMs = clock.wallMs(0) - 50;
  const shown = (nowMs: number) => clock.wallMs(nowMs) - startMs;
  assertEquals([shown(0), shown(1_000), clock.setMs], [50, 1_050, -Infinity]);
  clock.jump(1_000, 60_000);
  assertEquals([shown(1_000), shown(2_000)], [61_050, 62_050]);
  clock.run(2_000, 0.05);
  assertEquals([shown(2_000), shown(12_000)], [62_050, 72_550]);
  assertEquals([clock.drift, clock.setMs], [0.05, 2_000]);
  clock.setRight(12_000);
  assertEquals([shown(12_000), shown(13_000)], [12_050, 13_050]);
});

Deno.test("unlikely ways are taken as often as wanted, and never while it is off", () => {
  const luck = new Buggify(new SeededRandom(1), { tinyPage: 0.25 });
  const taken = () =>
    Array.from({ length: 1_000 }, () => luck.isUnlucky("tinyPage"))
      .filter(Boolean).length;
  assertEquals(taken(), 0);
  luck.isOn = true;
  const often = taken();
  assert(often > 200 && often < 300, `${often} of 1,000`);
  assertEquals(luck.isUnlucky("earlyTimeout"), false);
  assertEquals(luck.lacks("acknowledgedByAll"), false);
});

/** The first seed of this kind, made short. */
function seedWith(fits: (options: SwarmOptions) => boolean): SwarmOptions {
  for (let seed = 1;; seed++) {
    const options = swarmOptions(seed, { minutes: 1, members: 5 });
    if (fits(options)) return options;
  }
}

Deno.test("a ring outlives a vandal, a raw network, forgetful routers and wrong clocks", () => {
  const { faults, ...calm } = seedWith(({ faults, lives, network }) =>
    faults.crash > 0 && lives.ttlShare === 0 && network.latencyMaxMs <= 10
  );
  const raw = { reorderShare: 0.1, duplicateShare: 0.1 };
  const changes: Partial<SwarmOptions>[] = [
    { hasVandal: true },
    { raw, valueBytesMax: 100 },
    { idleDropMs: 4_000 },
    { faults: { ...faults, clockJump: 4, clockDrift: 4, ringSplit: 2 } },
    { buggify: { earlyTimeout: 0.1, requestsFull: 0.1, newsSkipped: 0.5 } },
  ];
  for (const change of changes) {
    const { violation } = runSeed({ ...calm, faults, ...change });
    assertEquals(violation?.message, undefined, JSON.stringify(change));
  }
});

Deno.test("seeds draw each hazard in some runs, and none where nothing is to go wrong", () => {
  const all = Array.from({ length: 300 }, (_, seed) => swarmOptions(seed));
  const share = (fits: (options: SwarmOptions) => boolean) =>
    all.filter(fits).length / all.length;
  const isHealthy = ({ faults }: SwarmOptions) =>
    Object.values(faults).every((rate) => rate === 0);
  const isHard = ({ raw, hasVandal, idleDropMs, buggify }: SwarmOptions) =>
    raw !== undefined || hasVandal || idleDropMs < Infinity ||
    Object.keys(buggify).length > 0;
  assertEquals(share((options) => isHealthy(options) && isHard(options)), 0);
  assert(share(({ raw }) => raw !== undefined) > 0.03);
  assert(share(({ hasVandal }) => hasVandal) > 0.03);
  assert(share(({ idleDropMs }) => idleDropMs < Infinity) > 0.05);
  for (const kind of LATER_KINDS) {
    assert(share(({ faults }) => faults[kind] > 0) > 0.05, kind);
  }
  // What ends by a clock that is wrong ends at another time at each node.
  assertEquals(
    share(({ faults, lives }) => faults.clockJump > 0 && lives.ttlShare > 0),
    0,
  );
});
