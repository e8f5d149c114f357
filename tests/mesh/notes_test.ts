/** Letters to one node: confirmed end to end, once, whatever the way does. */
import { assert, assertEquals } from "@std/assert";
import type { ChordError } from "../../src/base/errors.ts";
import { NOTES_REMEMBERED_MAX } from "../../src/base/limits.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { randomId } from "../../src/id/id.ts";
import type { CallNumber } from "../../src/mesh/events.ts";
import { NotesSeen } from "../../src/mesh/notes_seen.ts";
import type { Letter } from "../../src/wire/messages.ts";
import { Network, type Station } from "./harness.ts";

const random = new SeededRandom(1, "letters");

function letter(bytes = 3): Letter {
  return {
    id: randomId(random),
    time: 1,
    inReplyTo: undefined,
    packets: [{ kind: 0, bytes: new Uint8Array(bytes) }],
  };
}

function reply(
  net: Network,
  from: Station,
  to: Station,
  options: { readonly timeoutMs?: number; readonly letter?: Letter } = {},
): CallNumber {
  return net.call(from, {
    type: "note",
    to: to.id,
    letter: options.letter ?? letter(),
    timeoutMs: options.timeoutMs ?? 5_000,
  });
}

function errorOf(station: Station, call: CallNumber): ChordError {
  const ending = station.endings.get(call);
  assert(ending !== undefined && "error" in ending, "the call has failed");
  return ending.error;
}

function isDone(station: Station, call: CallNumber): boolean {
  const ending = station.endings.get(call);
  return ending !== undefined && "value" in ending;
}

/** Two that nobody can dial, and relays between them. */
function leaves(seed: number, relays: number) {
  const net = new Network(seed);
  const hubs = net.mesh(relays);
  const a = net.add("a", { isLeaf: true });
  const b = net.add("b", { isLeaf: true });
  for (const leaf of [a, b]) net.connect(leaf, hubs[0]!);
  net.until(
    () =>
      [a, b].every(({ machine }) =>
        machine.linked.length === relays &&
        machine.members.length === relays + 2
      ),
    20_000,
  );
  return { net, hubs, a, b };
}

Deno.test("a note by a link is confirmed in one round trip", () => {
  const net = new Network(1);
  const [a, b] = net.mesh(2) as [Station, Station];
  const startMs = net.nowMs;
  const call = reply(net, a, b);
  assertEquals(a.endings.get(call), undefined, "not before b has said so");
  net.until(() => a.endings.has(call), 100);
  assertEquals(net.nowMs - startMs, 2 * net.delayMs);
  assert(isDone(a, call));
  assertEquals(b.letters.map(({ sender }) => sender), [a.id]);
  assertEquals(a.machine.stats.repliesWaiting, 0);
});

Deno.test("a note reaches a leaf that is no neighbour", () => {
  const { net, a, b } = leaves(2, 1);
  const call = reply(net, a, b);
  net.until(() => a.endings.has(call), 1_000);
  assert(isDone(a, call));
  assertEquals(b.letters.map(({ sender }) => sender), [a.id]);
});

Deno.test("a note to who has left fails at once, and was not applied", () => {
  const net = new Network(3);
  const [a, b] = net.mesh(3) as [Station, Station];
  net.call(b, { type: "close" });
  net.run(100);
  const call = reply(net, a, b);
  const { code, applied } = errorOf(a, call);
  assertEquals([code, applied], ["no-peer", "no"]);
  const stranger = new Network(4).add("s");
  assertEquals(errorOf(a, reply(net, a, stranger)).code, "no-peer");
});

Deno.test("when the relay dies with a note, another one takes it", () => {
  for (let seed = 10; seed < 30; seed++) {
    const { net, hubs, a, b } = leaves(seed, 3);
    const [relayed] = [letter()];
    let relay: Station | undefined;
    net.onFrame = (from, to) => {
      if (from === a && relay === undefined) relay = to;
    };
    const call = reply(net, a, b, { letter: relayed! });
    net.until(() => relay !== undefined, 100);
    net.onFrame = () => {};
    // It has the note by now; whether it handed it on depends on the seed.
    if (seed % 2 === 0) net.run(0.5);
    net.crash(relay!);
    net.until(() => a.endings.has(call), 5_000);
    assert(isDone(a, call), `seed ${seed}`);
    net.run(10_000);
    assertEquals(b.letters.length, 1, `seed ${seed}`);
    assert(hubs.includes(relay!));
  }
});

Deno.test("a note over a link that swallows everything goes around it", () => {
  for (let seed = 40; seed < 50; seed++) {
    const net = new Network(seed);
    const [a, b, c] = net.mesh(3) as [Station, Station, Station];
    net.isCut = (x, y) => [x, y].includes(a) && [x, y].includes(b);
    const call = reply(net, a, b);
    const tookMs = net.until(() => a.endings.has(call), 5_000);
    assert(isDone(a, call) && tookMs < 1_000, `${tookMs} ms`);
    net.isCut = () => false;
    net.run(10_000);
    assertEquals([b.letters.length, c.letters.length], [1, 0]);
  }
});

Deno.test("a note whose confirmation is lost is taken once and confirmed again", () => {
  const net = new Network(5);
  const [a, b] = net.mesh(2) as [Station, Station];
  net.isCut = (from) => from === b;
  const call = reply(net, a, b);
  net.run(300);
  assertEquals(b.letters.length, 1);
  assertEquals(a.endings.get(call), undefined);
  net.isCut = () => false;
  net.until(() => a.endings.has(call), 5_000);
  assert(isDone(a, call));
  assertEquals(b.letters.length, 1);
});

Deno.test("a note that nobody confirms fails in time, and may have been applied", () => {
  const net = new Network(6);
  const [a, b] = net.mesh(2) as [Station, Station];
  net.isCut = (from) => from === b;
  const call = reply(net, a, b, { timeoutMs: 1_500 });
  const tookMs = net.until(() => a.endings.has(call), 5_000);
  const { code, applied } = errorOf(a, call);
  assertEquals([code, applied, tookMs], ["timeout", "maybe", 1_500]);
  assertEquals(a.machine.stats.repliesWaiting, 0);
});

Deno.test("a note that found no way fails in time, and was not applied", () => {
  const net = new Network(7);
  const [a, b] = net.mesh(2) as [Station, Station];
  net.isCut = () => true;
  net.sever(a, b);
  net.run(5);
  const call = reply(net, a, b, { timeoutMs: 500 });
  const tookMs = net.until(() => a.endings.has(call), 5_000);
  const { code, applied } = errorOf(a, call);
  assertEquals([code, applied, tookMs], ["connection", "no", 500]);
  assertEquals(b.letters.length, 0);
});

Deno.test("a note to who dies meanwhile fails then, and may have been applied", () => {
  const net = new Network(8);
  const [a, b, c] = net.mesh(3) as [Station, Station, Station];
  net.crash(b);
  const call = reply(net, a, b, { timeoutMs: 60_000 });
  net.until(() => a.endings.has(call), 5_000);
  const { code, applied } = errorOf(a, call);
  assert(["unknown-outcome", "no-peer"].includes(code), code);
  assertEquals(applied, code === "no-peer" ? "no" : "maybe");
  assertEquals(c.letters.length, 0);
});

Deno.test("a note dials a node that it has no link to", () => {
  const net = new Network(9);
  const [a, b] = net.mesh(2) as [Station, Station];
  net.sever(a, b);
  const call = reply(net, a, b);
  net.until(() => a.endings.has(call), 5_000);
  assert(isDone(a, call));
  assertEquals(b.letters.length, 1);
});

Deno.test("only the node that a note is for confirms it", () => {
  const net = new Network(11);
  const [a, b, c] = net.mesh(3) as [Station, Station, Station];
  const sent = letter();
  net.isCut = (from, to) => from === b || to === b;
  const call = reply(net, a, b, { letter: sent, timeoutMs: 900 });
  net.inside(c, () => c.peers.send(a.id, { type: "noted", id: sent.id }));
  net.until(() => a.endings.has(call), 5_000);
  assertEquals(errorOf(a, call).applied, "maybe");
});

Deno.test("a cancelled note, and those of a node that closes, leave nothing behind", () => {
  const net = new Network(13);
  const [a, b] = net.mesh(2) as [Station, Station];
  net.isCut = () => true;
  const cancelled = reply(net, a, b);
  net.event(a, { type: "cancel", call: cancelled });
  assertEquals(a.machine.stats.repliesWaiting, 0);
  const pending = reply(net, a, b);
  net.call(a, { type: "close" });
  const { code, applied } = errorOf(a, pending);
  assertEquals([code, applied], ["closed", "maybe"]);
  assertEquals(a.machine.stats.repliesWaiting, 0);
});

Deno.test("what waits to be confirmed is bounded", () => {
  const net = new Network(14);
  const [a, b] = net.mesh(2) as [Station, Station];
  net.isCut = () => true;
  let refused: ChordError | undefined;
  for (let i = 0; i < 70 && refused === undefined; i++) {
    const call = reply(net, a, b, { letter: letter(1_000_000) });
    const ending = a.endings.get(call);
    if (ending !== undefined && "error" in ending) refused = ending.error;
  }
  assertEquals([refused?.code, refused?.applied], ["overloaded", "no"]);
  // Nothing of it was pushed into a link that has too much already.
  assert(a.machine.stats.queuedBytes < 6 * 1024 * 1024);
});

/** More nodes than are all linked, 30 of them leaves behind one hub. */
function crowd(
  seed: number,
): { net: Network; hubs: Station[]; far: Station[] } {
  const net = new Network(seed);
  const hubs = Array.from({ length: 70 }, (_, i) => net.add(`n${i}`));
  for (const hub of hubs.slice(1)) net.connect(hub, hubs[0]!);
  const far = Array.from(
    { length: 30 },
    (_, i) => net.add(`leaf${i}`, { isLeaf: true }),
  );
  for (const leaf of far) net.connect(leaf, hubs[7]!);
  net.until(
    () =>
      [...hubs, ...far].every(({ machine }) => machine.members.length === 100),
    60_000,
  );
  net.run(5_000);
  return { net, hubs, far };
}

Deno.test("in a ring that is too large for all to be linked, all reach all", () => {
  const { net, hubs, far } = crowd(15);
  let unlinked = 0;
  const pairs: [Station, Station][] = [];
  for (let i = 0; i < 60; i++) {
    pairs.push([hubs[i]!, hubs[(i * 31 + 35) % 70]!]);
    pairs.push([hubs[i]!, far[i % 30]!], [far[i % 30]!, far[(i + 7) % 30]!]);
  }
  for (const [from, to] of pairs) {
    if (from === to) continue;
    if (!from.machine.linked.includes(to.id)) unlinked++;
    const call = reply(net, from, to);
    net.until(() => from.endings.has(call), 6_000);
    assert(isDone(from, call), `${from.name} to ${to.name}`);
  }
  assert(unlinked > 60, `${unlinked} pairs had no link`);
  const came = [...hubs, ...far].reduce((sum, s) => sum + s.letters.length, 0);
  assertEquals(came, pairs.filter(([from, to]) => from !== to).length);
});

Deno.test("in such a ring a broadcast reaches all at once, in N - 1 messages", () => {
  const { net, hubs, far } = crowd(16);
  const all = [...hubs, ...far];
  for (const origin of [hubs[0]!, hubs[33]!, far[3]!, far[17]!]) {
    const casts = net.count("cast");
    const asks = net.count("castAsk");
    const heard = all.map(({ letters }) => letters.length);
    net.call(origin, { type: "cast", letter: letter() });
    net.run(50);
    all.forEach(({ letters }, i) => {
      const wanted = all[i] === origin ? 0 : 1;
      assertEquals(letters.length - heard[i]!, wanted);
    });
    // What goes through another one, to a leaf, is counted there as a relay.
    const took = net.count("cast") - casts;
    assert(took <= 99 && took >= 90, `${took} messages`);
    net.run(10_000);
    assertEquals(net.count("castAsk"), asks, "nothing had to be asked for");
  }
});

Deno.test("letters are remembered for a while, and no more of them than allowed", () => {
  const seen = new NotesSeen(1_000);
  assert(seen.add("a", 0));
  assert(!seen.add("a", 999));
  assert(seen.add("a", 1_001));
  for (let i = 0; i < NOTES_REMEMBERED_MAX; i++) seen.add(`${i}`, 1_002);
  assert(seen.add("a", 1_003), "the oldest gave way");
  assert(!seen.add(`${NOTES_REMEMBERED_MAX - 1}`, 1_003));
});
