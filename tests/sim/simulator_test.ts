import { assert, assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { ZERO_ID } from "../../src/id/id.ts";
import { hostName } from "../../src/testing/cluster.ts";
import { EventQueue } from "../../src/testing/event_queue.ts";
import type { NetworkOptions } from "../../src/testing/network.ts";
import type { Host } from "../../src/testing/node.ts";
import { Simulator } from "../../src/testing/simulator.ts";
import { type ToyMachine, toys } from "./toy_machine.ts";

const NETWORK: NetworkOptions = {
  latencyMinMs: 10,
  latencyMaxMs: 10,
  jitter: 0,
  bytesPerMs: Infinity,
  roomBytes: 1024,
};

/** Two toys, A and B, that A has a link to. */
function pair(network: Partial<NetworkOptions> = {}, seed = 1) {
  const made: ToyMachine[] = [];
  const simulator = new Simulator({
    seed,
    create: toys(made),
    network: { ...NETWORK, ...network },
    replicas: 3,
    clockOffsetMaxMs: 0,
    clockDriftMax: 0,
  });
  const hosts = ["A", "B"].map((name) => simulator.addHost(name, true));
  for (const host of hosts) simulator.start(host);
  connect(simulator, hosts[0]!, hosts[1]!.url);
  simulator.queue.run(100);
  return { simulator, a: hosts[0]!, b: hosts[1]!, made };
}

function connect(simulator: Simulator, host: Host, url: string): void {
  simulator.call(
    host.node!,
    { type: "connect", url, timeoutMs: 1000 },
    () => {},
  );
}

function say(simulator: Simulator, host: Host, text: string): void {
  const packets = [{ kind: 1, bytes: utf8(text) }];
  simulator.call(host.node!, {
    type: "cast",
    letter: { id: ZERO_ID, time: 0, inReplyTo: undefined, packets },
  }, () => {});
}

function sayMany(simulator: Simulator, host: Host, count: number): string[] {
  const texts = Array.from({ length: count }, (_, i) => `${i}`);
  for (const text of texts) say(simulator, host, text);
  return texts;
}

Deno.test("EventQueue runs what was planned for one moment in the order of planning", () => {
  const queue = new EventQueue();
  const ran: string[] = [];
  for (const [at, name] of [[5, "c"], [1, "a"], [5, "d"], [2, "b"], [9, "e"]]) {
    queue.at(at as number, () => ran.push(name as string));
  }
  queue.run(5);
  assertEquals(ran, ["a", "b", "c", "d"]);
  assertEquals(queue.nowMs, 5);
});

Deno.test("EventQueue gives thousands of plans in the order of their times", () => {
  const queue = new EventQueue();
  let state = 1;
  let lastMs = 0;
  let count = 0;
  for (let i = 0; i < 5_000; i++) {
    state = (state * 48_271) % 2_147_483_647;
    queue.at(state % 1_000, () => {
      assert(queue.nowMs >= lastMs);
      lastMs = queue.nowMs;
      count++;
    });
  }
  queue.run(1_000);
  assertEquals(count, 5_000);
});

Deno.test("a dial opens at the listener after 1.5 round trips, at the dialler after 2", () => {
  const { made } = pair();
  assertEquals(made[1]!.log, ["30 was dialled"]);
  assertEquals(made[0]!.log, ["40 has dialled"]);
});

Deno.test("a dial to a host without a process is refused, to one without power times out", () => {
  const { simulator, a, b, made } = pair();
  simulator.crash(b.node!, false);
  simulator.queue.run(200);
  connect(simulator, a, b.url);
  simulator.queue.run(1_000);
  assertEquals(made[0]!.log.at(-1), "240 failed: refused");
  b.isSilent = true;
  connect(simulator, a, b.url);
  simulator.queue.run(20_999);
  assertEquals(made[0]!.log.at(-1), "240 failed: refused");
  simulator.queue.run(21_000);
  assertEquals(made[0]!.log.at(-1), "21000 failed: timed out");
});

Deno.test("frames arrive in the order in which they were sent, whatever the jitter", () => {
  const { simulator, a, made } = pair({ jitter: 1 });
  const texts = sayMany(simulator, a, 50);
  simulator.queue.run(10_000);
  assertEquals(made[1]!.heard, texts);
});

Deno.test("a reset loses a tail, never something in the middle, and tells both", () => {
  let lost = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const { simulator, a, made } = pair({}, seed);
    const texts = sayMany(simulator, a, 20);
    for (const link of simulator.network.links) simulator.network.reset(link);
    say(simulator, a, "too late");
    simulator.queue.run(1_000);
    const { heard } = made[1]!;
    assertEquals(heard, texts.slice(0, heard.length));
    lost += texts.length - heard.length;
    assertEquals(made[0]!.log.at(-1), "110 closed 1006 reset");
    assertEquals(made[1]!.log.at(-1), "110 closed 1006 reset");
    assertEquals(simulator.network.links.size, 0);
  }
  assert(lost > 0, "no seed lost anything");
});

Deno.test("a cut holds frames, and heal lets them through in order", () => {
  const { simulator, a, b, made } = pair();
  simulator.network.cut((from) => from === a);
  const texts = sayMany(simulator, a, 5);
  say(simulator, b, "the other way");
  simulator.queue.run(5_000);
  assertEquals(made[1]!.heard, []);
  assertEquals(made[0]!.heard, ["the other way"]);
  say(simulator, a, "last");
  simulator.network.heal();
  simulator.queue.run(6_000);
  assertEquals(made[1]!.heard, [...texts, "last"]);
});

Deno.test("a half-open link is noticed by the side that sends", () => {
  const { simulator, a, b, made } = pair();
  const [link] = simulator.network.links;
  simulator.network.halfOpen(link!.dialler);
  simulator.queue.run(60_000);
  assertEquals(made[0]!.log.at(-1), "100 closed 1006 half-open");
  assertEquals(made[1]!.log.at(-1), "30 was dialled");
  say(simulator, b, "anybody?");
  simulator.queue.run(61_000);
  assertEquals(made[1]!.log.at(-1), "60020 closed 1006 reset");
  assertEquals(made[0]!.heard, []);
  assertEquals(a.node!.endpoints.size, 0);
});

Deno.test("a crash closes the links of the peers, a loss of power does not", () => {
  const crashed = pair();
  crashed.simulator.crash(crashed.b.node!, false);
  crashed.simulator.queue.run(60_000);
  assertEquals(crashed.made[0]!.log.at(-1), "110 closed 1006 crash");

  const dark = pair();
  dark.simulator.crash(dark.b.node!, true);
  say(dark.simulator, dark.a, "hello?");
  dark.simulator.queue.run(60_000);
  assertEquals(dark.made[0]!.log.at(-1), "40 has dialled");
});

Deno.test("a paused node handles nothing, and then everything", () => {
  const { simulator, a, b, made } = pair();
  simulator.pause(b.node!);
  const texts = sayMany(simulator, a, 3);
  simulator.queue.run(5_000);
  assertEquals(made[1]!.heard, []);
  simulator.resume(b.node!);
  assertEquals(made[1]!.heard, texts);
  assertEquals(made[1]!.log.at(-1), "5000 heard 2");
});

Deno.test("a sender is asked for no more frames than the transport has room for", () => {
  const { simulator, a, b, made } = pair({ roomBytes: 100 });
  simulator.pause(b.node!);
  const texts = Array.from({ length: 20 }, (_, i) => `${i} ${"x".repeat(40)}`);
  for (const text of texts) say(simulator, a, text);
  const end = [...a.node!.endpoints.values()][0]!;
  assertEquals(end.sent, 3);
  simulator.queue.run(5_000);
  assertEquals(end.sent, 3);
  simulator.resume(b.node!);
  simulator.queue.run(6_000);
  assertEquals(made[1]!.heard, texts);
});

Deno.test("bandwidth delays a frame by its length", () => {
  const { simulator, a, made } = pair({ bytesPerMs: 1 });
  say(simulator, a, "x".repeat(500));
  simulator.queue.run(10_000);
  assert(made[1]!.log.at(-1)!.startsWith("610 heard"));
});

Deno.test("a restarted process has a new id and an empty memory at the same url", () => {
  const { simulator, a, b, made } = pair();
  simulator.crash(b.node!, false);
  simulator.start(b);
  assert(made[2]!.id !== made[1]!.id);
  assertEquals(made[2]!.log, []);
  connect(simulator, a, b.url);
  simulator.queue.run(1_000);
  assertEquals(made[2]!.log, ["130 was dialled"]);
});

Deno.test("a machine that wants to wake for ever at one moment is found", () => {
  const { simulator, a } = pair();
  Object.defineProperty(a.node!.machine, "wakeAtMs", { get: () => 0 });
  connect(simulator, a, "ws://nowhere.test/");
  assertThrows(() => simulator.queue.run(1_000), Error, "machinesComeToRest");
});

Deno.test("no two hosts of a large world have one name or one url", () => {
  const { simulator } = pair();
  const names = Array.from({ length: 1_000 }, (_, i) => hostName(i));
  assertEquals(names.slice(24, 28), ["Y", "Z", "AA", "AB"]);
  assertEquals(new Set(names.map((name) => name.toLowerCase())).size, 1_000);
  for (const name of names.slice(2)) simulator.addHost(name, true);
  assertThrows(() => simulator.addHost("aa", true), Error, "ws://aa.test/");
  // Those that nobody dials have none.
  for (const name of ["Leaf1", "Leaf2"]) simulator.addHost(name, false);
});

/** Four toys that talk all the time, with breaking links. */
function chatter(seed: number): string {
  const made: ToyMachine[] = [];
  const simulator = new Simulator({
    seed,
    create: toys(made, 50),
    network: { ...NETWORK, latencyMinMs: 0.1, jitter: 0.5 },
    replicas: 3,
    clockOffsetMaxMs: 100,
    clockDriftMax: 0.01,
  });
  const hosts = ["A", "B", "C", "D"].map((name) =>
    simulator.addHost(name, true)
  );
  for (const host of hosts) simulator.start(host);
  for (let round = 0; round < 20; round++) {
    const from = hosts[round % 4]!;
    connect(simulator, from, hosts[(round + 1 + round % 3) % 4]!.url);
    simulator.queue.run(simulator.nowMs + 500);
    const [link] = simulator.network.links;
    if (link !== undefined && round % 3 === 0) simulator.network.reset(link);
  }
  assert(simulator.trace.events > 1_000);
  return simulator.trace.hash;
}

Deno.test("equal seeds give equal traces, other seeds others", () => {
  const hashes = [1, 2, 3, 1, 2, 3].map(chatter);
  assertEquals(hashes.slice(0, 3), hashes.slice(3));
  assertEquals(new Set(hashes).size, 3);
});
