import { assert, assertEquals } from "@std/assert";
import { RELAY_HOPS_MAX } from "../../src/base/limits.ts";
import { TIMINGS } from "../../src/base/options.ts";
import { Inbox } from "../../src/mesh/framer.ts";
import type { RequestFailure } from "../../src/mesh/peers.ts";
import { decode } from "../../src/wire/codec.ts";
import { Network, type Station } from "./harness.ts";

/** What became of a request. */
interface Outcome {
  answers: number;
  readonly failures: RequestFailure[];
}

/** So many that not all are linked, and each to as few as it may be. */
function ringOf(net: Network, count: number): Station[] {
  const stations = Array.from(
    { length: count },
    (_, i) => net.add(`n${i}`, { linksMax: 8 }),
  ).sort((a, b) => a.id < b.id ? -1 : 1);
  for (const [i, station] of stations.entries()) {
    net.connect(station, stations[(i + 1) % count]!);
  }
  const areKnown = () =>
    stations.every(({ machine }) => machine.members.length === count);
  net.until(areKnown, 60_000);
  net.run(20_000);
  return stations;
}

/** How many nodes each relayed message has come to, by who sent it to whom. */
function waysOf(net: Network): Map<string, number> {
  const ways = new Map<string, number>();
  net.onFrame = (_from, _to, frame) => {
    for (const bytes of new Inbox().take(frame)) {
      const message = decode(bytes);
      if (message.type !== "relay") continue;
      const way = `${message.from} ${message.to}`;
      ways.set(way, (ways.get(way) ?? 0) + 1);
    }
  };
  return ways;
}

/** Asks one node, which answers at once. */
function ask(net: Network, from: Station, to: Station): Outcome {
  const outcome: Outcome = { answers: 0, failures: [] };
  to.recorder.onAsked = (message, asker) => {
    if (message.type !== "push") return;
    to.peers.send(asker, { type: "pushed", request: message.request });
  };
  net.inside(from, () => {
    const request = from.peers.request(5_000, {
      onAnswer: () => outcome.answers++,
      onFailure: (_id, failure) => outcome.failures.push(failure),
    })!;
    const { number } = request;
    request.send(to.id, { type: "push", request: number, entries: [] });
  });
  return outcome;
}

Deno.test("where not all are linked a message finds its way however far it is", () => {
  const net = new Network(1);
  const stations = ringOf(net, 80);
  const other = (station: Station) =>
    stations[(stations.indexOf(station) + 40) % 80]!;
  // No dial is sooner: there is no other way, neither there nor back.
  net.isCut = (a, b) => other(a) === b;
  const ways = waysOf(net);
  const outcomes = stations.map((from) => ask(net, from, other(from)));
  net.run(5_000);
  for (const outcome of outcomes) {
    assertEquals(outcome, { answers: 1, failures: [] });
  }
  const longest = Math.max(...ways.values());
  assert(longest > RELAY_HOPS_MAX + 1, `${longest} hops`);
});

/** Greetings between two nodes: two for each link. */
function greetingsOf(net: Network, a: Station, b: Station): { count: number } {
  const greetings = { count: 0 };
  net.onFrame = (from, to, frame) => {
    if (![a, b].includes(from) || ![a, b].includes(to)) return;
    for (const bytes of new Inbox().take(frame)) {
      if (decode(bytes).type === "hello") greetings.count++;
    }
  };
  return greetings;
}

Deno.test("who answers through others does not dial who dials already", () => {
  const net = new Network(2);
  const stations = ringOf(net, 80);
  // Two hops: the answer leaves before the dial is through.
  const [from, to] = [stations[0]!, stations[8]!];
  const greetings = greetingsOf(net, from, to);
  const outcome = ask(net, from, to);
  net.run(2_000);
  assertEquals(outcome, { answers: 1, failures: [] });
  assertEquals(greetings.count, 2);
});

Deno.test("who answers through others dials who asks if its dial does not come", () => {
  const net = new Network(2);
  const stations = ringOf(net, 80);
  const [from, to] = [stations[0]!, stations[8]!];
  net.isCut = (a, b) => a === from && b === to;
  const outcome = ask(net, from, to);
  net.run(TIMINGS.probeMs / 2);
  assertEquals(outcome, { answers: 1, failures: [] });
  net.isCut = () => false;
  const greetings = greetingsOf(net, from, to);
  net.run(TIMINGS.probeMs);
  assertEquals(greetings.count, 2);
  assert(from.machine.linked.includes(to.id));
});
