/** Who is let into a network with a secret, and who is not. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  AuthError,
  SelfConnectError,
  SubnetMismatchError,
  VersionError,
} from "../../src/base/errors.ts";
import { Inbox } from "../../src/mesh/framer.ts";
import { decode } from "../../src/wire/codec.ts";
import { type Ending, Network, type Station } from "./harness.ts";

const NEW = "the new secret of the network";
const OLD = "the old secret of the network";

function errorOf(ending: Ending | undefined): unknown {
  return ending !== undefined && "error" in ending ? ending.error : ending;
}

function errorsOf(station: Station): unknown[] {
  return station.notices.flatMap((notice) =>
    notice.type === "error" ? [notice.error] : []
  );
}

/** The types of all messages that travel, in order. */
function typesOn(net: Network): string[] {
  const types: string[] = [];
  const inboxes = new Map<Station, Inbox>();
  net.onFrame = (from, _to, frame) => {
    const inbox = inboxes.get(from) ?? new Inbox();
    inboxes.set(from, inbox);
    for (const bytes of inbox.take(frame)) types.push(decode(bytes).type);
  };
  return types;
}

Deno.test("nodes with one secret meet, whoever dials", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const net = new Network(seed);
    const a = net.add("a", { secrets: [NEW] });
    const b = net.add("b", { secrets: [NEW] });
    const call = net.connect(b, a);
    const tookMs = net.until(() => b.endings.has(call), 1_000);
    assertEquals(b.endings.get(call), { value: a.id });
    // A dial, four turns, and the heartbeat that tells of the table.
    assert(tookMs < 8, `${tookMs} virtual ms`);
    assertEquals(a.machine.linked, [b.id]);
    assertEquals([...errorsOf(a), ...errorsOf(b)], []);
  }
});

Deno.test("nodes with one secret that both dial end with one link", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const net = new Network(seed);
    const a = net.add("a", { secrets: [NEW] });
    const b = net.add("b", { secrets: [NEW] });
    const calls = [net.connect(a, b), net.connect(b, a)];
    net.run(1_000);
    assertEquals(a.endings.get(calls[0]!), { value: b.id });
    assertEquals(b.endings.get(calls[1]!), { value: a.id });
    assertEquals([a.machine.stats.links, b.machine.stats.links], [1, 1]);
  }
});

Deno.test("nodes with one secret meet over streams that neither dialled", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const net = new Network(seed);
    const a = net.add("a", { secrets: [NEW] });
    const b = net.add("b", { secrets: [NEW] });
    net.attach(a, b);
    net.run(1_000);
    assertEquals(a.machine.linked, [b.id]);
    assertEquals(b.machine.linked, [a.id]);
  }
});

Deno.test("a whole mesh has one secret", () => {
  const net = new Network(3);
  const secrets = [NEW];
  const nodes = [0, 1, 2, 3].map((i) => net.add(`n${i}`, { secrets }));
  for (const node of nodes.slice(1)) net.connect(node, nodes[0]!);
  net.until(() => net.isFull(nodes), 20_000);
});

Deno.test("another secret is an AuthError on both sides, and nobody says who it is", () => {
  const net = new Network();
  const a = net.add("a", { secrets: [NEW] });
  const b = net.add("b", { secrets: [OLD] });
  const types = typesOn(net);
  const call = net.connect(b, a);
  net.run(1_000);
  const error = errorOf(b.endings.get(call));
  assertInstanceOf(error, AuthError);
  assertEquals([error.code, error.applied], ["auth", "no"]);
  assertInstanceOf(errorsOf(a)[0], AuthError);
  assertEquals(types.sort(), ["bye", "challenge", "challenge", "proof"]);
  assertEquals([a.machine.members.length, b.machine.members.length], [1, 1]);
  assertEquals([a.machine.stats.links, b.machine.stats.links], [0, 0]);
  for (const { message } of [error, errorsOf(a)[0] as Error]) {
    assert(!message.includes(NEW) && !message.includes(OLD), message);
  }
});

Deno.test("secrets can be changed node by node, in any order", () => {
  const pairs = [
    [[NEW, OLD], [OLD]],
    [[NEW, OLD], [NEW]],
    [[OLD, NEW], [OLD]],
    [[OLD, NEW], [NEW]],
    [[NEW, OLD], [OLD, NEW]],
  ] as const;
  for (const [one, other] of pairs) {
    for (const secrets of [[one, other], [other, one]] as const) {
      const net = new Network();
      const a = net.add("a", { secrets: secrets[0] });
      const b = net.add("b", { secrets: secrets[1] });
      const call = net.connect(b, a);
      net.run(1_000);
      assertEquals(b.endings.get(call), { value: a.id });
      assertEquals(a.machine.linked, [b.id]);
    }
  }
});

Deno.test("a node with a secret and one without part with an AuthError", () => {
  for (const secrets of [[[NEW], []], [[], [NEW]]] as const) {
    const net = new Network();
    const a = net.add("a", { secrets: secrets[0] });
    const b = net.add("b", { secrets: secrets[1] });
    const call = net.connect(b, a);
    net.run(1_000);
    assertInstanceOf(errorOf(b.endings.get(call)), AuthError);
    assertInstanceOf(errorsOf(a)[0], AuthError);
    assertEquals([a.machine.linked, b.machine.linked], [[], []]);
  }
});

Deno.test("two subnets with one secret part as two subnets", () => {
  const net = new Network();
  const a = net.add("a", { secrets: [NEW], subnet: "one" });
  const b = net.add("b", { secrets: [NEW], subnet: "two" });
  const call = net.connect(b, a);
  net.run(1_000);
  assertInstanceOf(errorOf(b.endings.get(call)), SubnetMismatchError);
  assertInstanceOf(errorsOf(a)[0], SubnetMismatchError);
});

Deno.test("a node with a secret that reaches itself says so", () => {
  const net = new Network();
  const a = net.add("a", { secrets: [NEW] });
  const call = net.connect(a, a);
  net.run(1_000);
  assertInstanceOf(errorOf(a.endings.get(call)), SelfConnectError);
  assertEquals(a.machine.stats.links, 0);
});

Deno.test("a handshake that stops halfway ends after the handshake time", () => {
  const net = new Network();
  const a = net.add("a", { secrets: [NEW] });
  const b = net.add("b", { secrets: [NEW] });
  net.onFrame = (from) => {
    if (from === a) net.isCut = () => true; // After its challenge.
  };
  const call = net.connect(b, a, 60_000);
  const tookMs = net.until(() => a.machine.stats.links === 0, 10_000);
  assert(tookMs <= 5_003, `${tookMs} virtual ms`);
  net.until(() => b.endings.has(call), 10_000);
  assertEquals(b.machine.stats.links, 0);
});

Deno.test("what is computed for a link that has ended is not missed", () => {
  const net = new Network();
  net.macMs = 500;
  const a = net.add("a", { secrets: [NEW] });
  const b = net.add("b", { secrets: [NEW] });
  net.connect(b, a);
  net.run(100); // Both challenges are there, and the first MACs are not.
  net.sever(a, b);
  net.connect(b, a);
  net.until(() => a.machine.linked.includes(b.id), 20_000);
  assertEquals([...errorsOf(a), ...errorsOf(b)], []);
});

Deno.test("a node that closes within a handshake closes as one does", () => {
  const net = new Network();
  net.macMs = 500;
  const a = net.add("a", { secrets: [NEW] });
  const b = net.add("b", { secrets: [NEW] });
  net.connect(b, a);
  net.run(100);
  net.call(a, { type: "close" });
  net.run(2_000);
  assertEquals([a.machine.stats.links, b.machine.stats.links], [0, 0]);
  assertEquals(a.machine.wakeAtMs, Infinity);
});

Deno.test("a challenge of a newer version is refused before its fields are read", () => {
  const net = new Network();
  const a = net.add("a", { secrets: [NEW] });
  const link = net.raw(a);
  // Magic, then versions 3 to 9, then what nobody of this version can read.
  const challenge = [4, 0x43, 0x48, 0x52, 0x44, 9, 3, 255, 255];
  const frame = Uint8Array.from([challenge.length + 1, 0, ...challenge]);
  net.event(a, { type: "frame", link, frame });
  assertInstanceOf(errorsOf(a)[0], VersionError);
});
