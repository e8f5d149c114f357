import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import {
  FRAME_BYTES_MAX,
  HANDSHAKES_PENDING_MAX,
} from "../../src/base/limits.ts";
import { below, SeededRandom } from "../../src/base/random.ts";
import { type Id, randomId } from "../../src/id/id.ts";
import type { LinkNumber } from "../../src/mesh/events.ts";
import { subnetHash } from "../../src/mesh/link.ts";
import { Health, MAGIC, PROTOCOL_VERSION } from "../../src/wire/messages.ts";
import { Network, type Station } from "./harness.ts";
import { frameOf, recordOf } from "./intruder.ts";

/** A link whose far end is admitted and then does what the test wants. */
function intrude(net: Network, station: Station, id: Id): LinkNumber {
  const link = net.raw(station);
  net.event(station, {
    type: "frame",
    link,
    frame: frameOf({
      type: "hello",
      magic: MAGIC,
      version: PROTOCOL_VERSION,
      oldest: PROTOCOL_VERSION,
      subnet: subnetHash("test", ""),
      self: recordOf(id),
    }),
  });
  return link;
}

function errors(station: Station): unknown[] {
  return station.notices.filter(({ type }) => type === "error")
    .map((notice) => (notice as { error: unknown }).error);
}

Deno.test("random frames close their link and nothing else", () => {
  const random = new SeededRandom(1);
  for (let round = 0; round < 300; round++) {
    const net = new Network(round);
    const [a, b] = net.mesh(2) as [Station, Station];
    const link = round % 2 === 0
      ? net.raw(a)
      : intrude(net, a, randomId(random));
    const length = 1 + below(random, 60);
    const frame = Uint8Array.from(
      { length },
      () => below(random, 256),
    );
    frame[0] = length > 1 ? length - 1 : 7;
    if (round % 3 === 0) frame[1] = below(random, 3);
    net.event(a, { type: "frame", link, frame });
    net.run(50);
    assertEquals(a.machine.linked.includes(b.id), true);
    for (const error of errors(a)) assertInstanceOf(error, ProtocolError);
  }
});

Deno.test("mutations of every kind of traffic never throw out of a step", () => {
  const random = new SeededRandom(2);
  const net = new Network(3);
  const seen: Bytes[] = [];
  net.onFrame = (_from, _to, frame) => {
    if (seen.length < 400) seen.push(frame.slice());
  };
  const stations = net.mesh(4);
  net.run(5_000);
  const target = stations[0]!;
  const ids = Array.from({ length: 16 }, () => randomId(random));
  net.onFrame = () => {};
  for (let round = 0; round < 5_000; round++) {
    const link = intrude(net, target, ids[round % ids.length]!);
    const frame = seen[below(random, seen.length)]!.slice();
    for (let flips = 1 + below(random, 4); flips > 0; flips--) {
      frame[below(random, frame.length)] = below(random, 256);
    }
    net.event(target, { type: "frame", link, frame });
    net.event(target, { type: "closed", link, code: 1006, reason: "" });
    if (round % 100 === 0) net.run(10);
  }
  net.run(1_000);
  for (const station of stations.slice(1)) {
    assertEquals(target.machine.linked.includes(station.id), true);
  }
});

Deno.test("a frame over the limit closes its link with a protocol error", () => {
  const net = new Network(4);
  const [a] = net.mesh(2) as [Station];
  const link = intrude(net, a, "1".repeat(32));
  assertEquals(a.machine.linked.length, 2);
  const frame = new Uint8Array(FRAME_BYTES_MAX + 1);
  net.event(a, { type: "frame", link, frame });
  assertEquals(a.machine.linked.length, 1);
  assertInstanceOf(errors(a)[0], ProtocolError);
});

Deno.test("what comes on a link that is closed already is ignored", () => {
  const net = new Network(5);
  const [a] = net.mesh(2) as [Station];
  const link = intrude(net, a, "1".repeat(32));
  net.event(a, { type: "closed", link, code: 1006, reason: "" });
  const before = a.machine.stats.framesReceived;
  net.event(a, { type: "frame", link, frame: frameOf({ type: "tableAsk" }) });
  net.event(a, { type: "closed", link, code: 1006, reason: "" });
  assertEquals(a.machine.stats.framesReceived, before);
});

Deno.test("a second hello is a protocol error", () => {
  const net = new Network(6);
  const [a] = net.mesh(2) as [Station];
  const id = "1".repeat(32);
  const link = intrude(net, a, id);
  net.event(a, {
    type: "frame",
    link,
    frame: frameOf({
      type: "hello",
      magic: MAGIC,
      version: PROTOCOL_VERSION,
      oldest: PROTOCOL_VERSION,
      subnet: subnetHash("test", ""),
      self: { id, incarnation: 2, role: 0, health: 0, position: id, url: "" },
    }),
  });
  assertInstanceOf(errors(a)[0], ProtocolError);
});

Deno.test("nobody can say what this node is, not even that it has left", () => {
  const net = new Network(7);
  const [a, b] = net.mesh(2) as [Station, Station];
  const link = intrude(net, a, "1".repeat(32));
  for (const health of [Health.suspect, Health.dead, Health.left]) {
    const { self } = a.peers;
    const records = [{ ...self, health, url: "ws://evil/" }];
    const zero = "0".repeat(32);
    const frame = frameOf({ type: "gossip", from: zero, to: zero, records });
    net.event(a, { type: "frame", link, frame });
    assertEquals(a.peers.self.health, Health.alive);
    assertEquals(a.peers.self.url, self.url);
    assert(a.peers.self.incarnation > self.incarnation);
  }
  net.run(1_000);
  assertEquals(b.health(a), Health.alive);
});

Deno.test("connections that say nothing are bounded", () => {
  const net = new Network(8);
  const a = net.add("a");
  for (let i = 0; i < HANDSHAKES_PENDING_MAX + 20; i++) net.raw(a);
  net.run(1);
  assertEquals(a.machine.stats.links, HANDSHAKES_PENDING_MAX);
});

Deno.test("links of one node are bounded", () => {
  const net = new Network(9);
  const a = net.add("a");
  for (let i = 0; i < 50; i++) intrude(net, a, "1".repeat(32));
  net.run(1);
  assert(a.machine.stats.links <= 4, `${a.machine.stats.links} links`);
  assertEquals(a.machine.linked.length, 1);
});
