/** What a peer may send and ask for, and what comes of more than that. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { OverloadedError } from "../../src/base/errors.ts";
import type { Limits } from "../../src/base/options.ts";
import { CloseCode } from "../../src/mesh/close_codes.ts";
import type { Message } from "../../src/wire/messages.ts";
import { Network, type Station } from "./harness.ts";
import { Intruder } from "./intruder.ts";

const ID = "1".repeat(32);

function errorsOf(station: Station): unknown[] {
  return station.notices.flatMap((notice) =>
    notice.type === "error" ? [notice.error] : []
  );
}

/** A node with these limits, and another one that is linked to it. */
function pair(
  limits: Partial<Limits>,
): { net: Network; a: Station; b: Station } {
  const net = new Network();
  const a = net.add("a", { limits });
  const b = net.add("b");
  net.connect(b, a);
  net.run(3_000);
  assertEquals(a.machine.linked, [b.id]);
  return { net, a, b };
}

/** How long it takes until `count` messages of `b`, of so many bytes, arrive. */
function takeMs(limits: Partial<Limits>, count: number, bytes: number): number {
  const { net, a, b } = pair(limits);
  const entry = {
    key: Uint8Array.of(1),
    value: new Uint8Array(bytes),
    version: { ms: 1, count: 0, node: "0".repeat(16) },
    terms: undefined,
  };
  net.inside(b, () => {
    for (let request = 0; request < count; request++) {
      b.peers.send(a.id, { type: "push", request, entries: [entry] });
    }
  });
  const { messages } = a.recorder;
  const tookMs = net.until(() => messages.length === count, 60_000);
  assertEquals(
    messages.map(({ message }) => (message as { request: number }).request),
    Array.from({ length: count }, (_, i) => i),
  );
  net.run(5_000);
  assertEquals(a.machine.linked, [b.id]);
  const isQuiet = [a, b].every(({ notices }) =>
    notices.every(({ type }) => type === "peer")
  );
  assert(isQuiet, "nobody was suspected, and no link broke");
  return tookMs;
}

/** A peer that was let in and does what the test wants. */
function admitted(net: Network, station: Station): Intruder {
  const intruder = new Intruder(net, station);
  intruder.greet(ID);
  assert(station.machine.linked.includes(ID));
  return intruder;
}

const asks = (count: number): Message[] =>
  Array.from(
    { length: count },
    (_, request) => ({ type: "get", request, id: ID }),
  );

Deno.test("who sends more messages than allowed is read more slowly, and loses none", () => {
  const tookMs = takeMs({ messagesPerSecondMax: 1_000 }, 10_000, 10);
  // A second's worth may come at once, and the last frame is not waited for.
  assert(tookMs >= 6_000 && tookMs <= 9_100, `${tookMs} virtual ms`);
  assert(takeMs({}, 5_000, 10) < 100, "control: without the limit it is quick");
});

Deno.test("who sends more bytes than allowed is read more slowly, and loses none", () => {
  const tookMs = takeMs({ bytesPerSecondMax: 200_000 }, 20, 50_000);
  assert(tookMs >= 3_000 && tookMs <= 4_100, `${tookMs} virtual ms`);
  assert(
    takeMs({}, 20, 50_000) < 100,
    "control: without the limit it is quick",
  );
});

Deno.test("several links of one peer have one allowance", () => {
  const net = new Network();
  const a = net.add("a", { limits: { messagesPerSecondMax: 1_000 } });
  const links = [admitted(net, a), admitted(net, a)];
  for (const link of links) {
    for (let i = 0; i < 6; i++) {
      link.say(...Array<Message>(100).fill({ type: "tableAsk" }));
    }
  }
  const paused = links.filter(({ link }) => a.ends.get(link)!.isPaused);
  assertEquals(paused, [links[1]], "the second goes beyond what both may");
});

Deno.test("a link that ends while it is paused leaves nothing behind", () => {
  const { net, a, b } = pair({ messagesPerSecondMax: 1_000 });
  const before = a.machine.stats.timers;
  const peer = admitted(net, a);
  for (let i = 0; i < 5; i++) {
    peer.say(...Array<Message>(1_000).fill({ type: "tableAsk" }));
  }
  assert(a.ends.get(peer.link)!.isPaused);
  net.event(a, { type: "closed", link: peer.link, code: 1006, reason: "" });
  net.run(10_000);
  assertEquals(a.machine.linked, [b.id]);
  assert(a.machine.stats.timers <= before + 3, "of what became of the peer");
});

Deno.test("too many requests without answers end the link", () => {
  const { net, a } = pair({ requestsInFlightMax: 100 });
  const peer = admitted(net, a);
  peer.say(...asks(100));
  assert(a.machine.linked.includes(ID));
  peer.say(...asks(1)); // The same number again is one more, too.
  assert(!a.machine.linked.includes(ID));
  assertInstanceOf(errorsOf(a)[0], OverloadedError);
  assertEquals(peer.one("bye")?.code, CloseCode.overloaded);
});

Deno.test("requests that were answered do not count", () => {
  const { net, a } = pair({ requestsInFlightMax: 100 });
  a.recorder.onAsked = (message, from) => {
    const { request } = message as { request: number };
    a.peers.send(from, {
      type: "getAnswer",
      request,
      standing: 1,
      version: undefined,
      value: undefined,
      terms: undefined,
    });
  };
  const peer = admitted(net, a);
  for (let i = 0; i < 10; i++) peer.say(...asks(90));
  assert(a.machine.linked.includes(ID));
});

Deno.test("requests that will never be answered are forgotten", () => {
  const { net, a } = pair({ requestsInFlightMax: 100 });
  const peer = admitted(net, a);
  for (let minute = 0; minute < 3; minute++) {
    peer.say(...asks(90));
    for (let second = 0; second < 61; second++) {
      net.run(1_000);
      peer.say({ type: "tableAsk" }); // It is alive.
    }
  }
  assert(a.machine.linked.includes(ID));
});

Deno.test("links to one node, dials and handshakes are as many as was said", () => {
  const net = new Network();
  const limits = {
    linksPerNodeMax: 2,
    dialsPendingMax: 3,
    handshakesPendingMax: 5,
  };
  const a = net.add("a", { limits });
  for (let i = 0; i < 9; i++) net.raw(a);
  net.run(1);
  assertEquals(a.machine.stats.links, 5);
  net.run(6_000);
  for (let i = 0; i < 9; i++) admitted(net, a);
  net.run(1);
  assert(a.machine.stats.links <= 2, `${a.machine.stats.links} links`);
  net.isCut = () => true;
  const nobody = net.add("nobody");
  const calls = [1, 2, 3, 4].map(() => net.connect(a, nobody));
  const [first, last] = [calls[0]!, calls[3]!];
  assertEquals(a.endings.has(first), false);
  const ending = a.endings.get(last);
  assertInstanceOf(
    ending && "error" in ending && ending.error,
    OverloadedError,
  );
});
