import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
} from "@std/assert";
import {
  ClosedError,
  ConnectionError,
  ProtocolError,
  SelfConnectError,
  SubnetMismatchError,
  TimeoutError,
  VersionError,
} from "../../src/base/errors.ts";
import { CloseCode } from "../../src/mesh/close_codes.ts";
import { errorOf, subnetHash, versionProblem } from "../../src/mesh/link.ts";
import { encode } from "../../src/wire/codec.ts";
import { MAGIC, PROTOCOL_VERSION } from "../../src/wire/messages.ts";
import { type Ending, Network, type Station } from "./harness.ts";

function errorOfCall(ending: Ending | undefined): unknown {
  return ending !== undefined && "error" in ending ? ending.error : ending;
}

function noticesOf(station: Station, type: string): unknown[] {
  return station.notices.filter((notice) => notice.type === type);
}

Deno.test("connect() gives the id of the node that it found", () => {
  const net = new Network();
  const a = net.add("a");
  const b = net.add("b");
  const call = net.connect(b, a);
  net.until(() => b.endings.has(call), 1_000);
  assertEquals(b.endings.get(call), { value: a.id });
  net.run(100);
  assertEquals(a.machine.linked, [b.id]);
  assertEquals(b.machine.linked, [a.id]);
  assertEquals(noticesOf(a, "peer"), [{
    type: "peer",
    peer: b.id,
    first: true,
  }]);
});

Deno.test("accept() gives the id of the node that dialled", () => {
  const net = new Network();
  const a = net.add("a");
  const link = net.raw(a);
  const call = net.call(a, { type: "accept", link, timeoutMs: 100 });
  net.run(200);
  assertInstanceOf(errorOfCall(a.endings.get(call)), TimeoutError);
});

Deno.test("nodes of different subnets part with a typed error on both sides", () => {
  const net = new Network();
  const a = net.add("a", { subnet: "one" });
  const b = net.add("b", { subnet: "two" });
  const call = net.connect(b, a);
  net.run(1_000);
  assertInstanceOf(errorOfCall(b.endings.get(call)), SubnetMismatchError);
  const [notice] = noticesOf(a, "error") as { error: unknown }[];
  assertInstanceOf(notice?.error, SubnetMismatchError);
  assertEquals(a.machine.linked, []);
  assertEquals(b.machine.linked, []);
});

Deno.test("subnet hashes keep their parts apart", () => {
  // Joined without lengths the two would hash the same text.
  assertNotEquals(subnetHash("ab", "c"), subnetHash("a", "bc"));
  assertNotEquals(subnetHash("", ""), subnetHash("chord-dict", ""));
});

Deno.test("a node that reaches itself says so", () => {
  const net = new Network();
  const a = net.add("a");
  const call = net.connect(a, a);
  net.run(1_000);
  assertInstanceOf(errorOfCall(a.endings.get(call)), SelfConnectError);
  assertEquals(a.machine.linked, []);
  assertEquals(a.machine.stats.links, 0);
});

Deno.test("a newer version is refused before its fields are read", () => {
  const hello = encode({
    type: "hello",
    magic: MAGIC,
    version: PROTOCOL_VERSION + 5,
    oldest: PROTOCOL_VERSION + 1,
    subnet: new Uint8Array(32),
    self: {
      id: "0".repeat(32),
      incarnation: 1,
      role: 0,
      health: 0,
      position: "0".repeat(32),
      url: "",
    },
  });
  assertInstanceOf(versionProblem(hello.slice(0, 9)), VersionError);
  assertInstanceOf(errorOf(CloseCode.version, "too new"), VersionError);
});

Deno.test("a node of a newer version is told so and reported", () => {
  const net = new Network();
  const a = net.add("a");
  const link = net.raw(a);
  const call = net.call(a, { type: "accept", link, timeoutMs: 1_000 });
  // Magic, then versions 3 to 9, then what nobody of this version can read.
  const hello = [1, 0x43, 0x48, 0x52, 0x44, 9, 3, 255, 255];
  const frame = Uint8Array.from([hello.length + 1, 0, ...hello]);
  net.event(a, { type: "frame", link, frame });
  assertInstanceOf(errorOfCall(a.endings.get(call)), VersionError);
  net.run(1);
  assertEquals(a.machine.stats.links, 0);
});

Deno.test("a connect to nobody fails as a connection, one to silence as a time-out", () => {
  const net = new Network();
  const a = net.add("a");
  const refused = net.call(a, {
    type: "connect",
    url: "ws://nowhere/",
    timeoutMs: 1_000,
  });
  net.run(100);
  assertInstanceOf(errorOfCall(a.endings.get(refused)), ConnectionError);
  const b = net.add("b");
  net.isCut = () => true;
  const silent = net.connect(a, b, 1_000);
  const tookMs = net.until(() => a.endings.has(silent), 2_000);
  assertEquals(tookMs, 1_000);
  assertInstanceOf(errorOfCall(a.endings.get(silent)), TimeoutError);
});

Deno.test("connect() takes no longer than it may, though the peer falls silent", () => {
  const net = new Network();
  net.delayMs = 10;
  const [a] = net.mesh(2) as [Station];
  const late = net.add("late");
  const call = net.connect(late, a, 700);
  // The hello still gets through, and nothing after it.
  net.until(() => late.machine.linked.length === 1, 500);
  net.isCut = () => true;
  const startMs = net.nowMs;
  net.until(() => late.endings.has(call), 2_000);
  assert(net.nowMs - startMs <= 700);
  assertEquals(late.endings.get(call), { value: a.id });
});

Deno.test("a call of a closed node fails as closed", () => {
  const net = new Network();
  const [a, b] = net.mesh(2) as [Station, Station];
  const silent = net.call(a, {
    type: "connect",
    url: "ws://nowhere/",
    timeoutMs: 60_000,
  });
  const close = net.call(a, { type: "close" });
  assertEquals(a.endings.get(close), { value: undefined });
  assertInstanceOf(errorOfCall(a.endings.get(silent)), ClosedError);
  assertInstanceOf(
    errorOfCall(a.endings.get(net.connect(a, b))),
    ClosedError,
  );
  net.run(1_000);
  assertEquals(a.machine.wakeAtMs, Infinity);
  assertEquals(b.health(a), 3, "the other node knows that it left");
  assertEquals(noticesOf(b, "disconnect").length, 1);
});

Deno.test("crossed dials end in one link", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const net = new Network(seed);
    const a = net.add("a");
    const b = net.add("b");
    const calls = [net.connect(a, b), net.connect(b, a)];
    net.run(1_000);
    assertEquals(a.endings.get(calls[0]!), { value: b.id });
    assertEquals(b.endings.get(calls[1]!), { value: a.id });
    assertEquals(a.machine.stats.links, 1, `seed ${seed}`);
    assertEquals(b.machine.stats.links, 1, `seed ${seed}`);
    assertEquals(noticesOf(a, "peer").length, 1);
    assertEquals(noticesOf(a, "disconnect").length, 0);
  }
});

Deno.test("no message is lost or doubled while crossed dials become one link", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const net = new Network(seed);
    net.delayMs = 10;
    const a = net.add("a");
    const b = net.add("b");
    net.connect(a, b);
    net.run(seed); // The second dial comes at every stage of the first.
    net.connect(b, a);
    net.run(40);
    for (let i = 0; i < 300; i++) {
      for (const [from, to] of [[a, b], [b, a]] as const) {
        if (!from.peers.isLinked(to.id)) continue;
        net.inside(from, () => {
          from.peers.send(to.id, { type: "push", request: i, entries: [] });
        });
      }
      net.run(0.3);
    }
    net.run(1_000);
    for (const station of [a, b]) {
      const numbers = station.recorder.messages
        .map(({ message }) => (message as { request: number }).request)
        .sort((x, y) => x - y);
      const first = numbers[0]!;
      assert(first < 300, "something was sent");
      assertEquals(
        numbers,
        Array.from({ length: 300 - first }, (_, i) => first + i),
        `seed ${seed}, node ${station.name}`,
      );
    }
  }
});

Deno.test("large and small messages all arrive though their link is replaced", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const net = new Network(seed);
    net.delayMs = 20;
    net.frameMs = 15; // What is large takes a while to leave.
    const [a, b] = net.mesh(2) as [Station, Station];
    const value = new Uint8Array(900_000);
    const entry = {
      key: Uint8Array.of(1),
      value,
      version: { ms: 1, count: 0, node: "0".repeat(16) },
      terms: undefined,
    };
    for (const [from, to] of [[a, b], [b, a]] as const) {
      net.inside(from, () => {
        from.peers.send(to.id, { type: "push", request: 0, entries: [entry] });
      });
    }
    // A second dial takes over while the pieces are on their way.
    net.connect(seed % 2 === 0 ? a : b, seed % 2 === 0 ? b : a);
    for (let i = 1; i < 60; i++) {
      for (const [from, to] of [[a, b], [b, a]] as const) {
        net.inside(from, () => {
          from.peers.send(to.id, { type: "push", request: i, entries: [] });
        });
      }
      net.run(2);
    }
    net.run(2_000);
    for (const { recorder, machine } of [a, b]) {
      const numbers = recorder.messages
        .map(({ message }) => (message as { request: number }).request);
      assertEquals(new Set(numbers).size, 60, `seed ${seed}`);
      assertEquals(numbers.length, 60);
      assertEquals(machine.stats.links, 1);
    }
  }
});

Deno.test("anything but a hello before the handshake ends the link", () => {
  const net = new Network();
  const [a] = net.mesh(2) as [Station];
  const link = net.raw(a);
  const ping = encode({ type: "ping", request: 1 });
  const frame = Uint8Array.of(ping.length + 1, 0, ...ping);
  net.event(a, { type: "frame", link, frame });
  const errors = noticesOf(a, "error") as { error: unknown }[];
  assertInstanceOf(errors[0]?.error, ProtocolError);
  net.run(100);
  assertEquals(a.machine.linked.length, 1, "the other link stays");
  assertEquals(a.machine.stats.links, 1);
});

Deno.test("a connection without a hello ends after the handshake time", () => {
  const net = new Network();
  const a = net.add("a");
  net.raw(a);
  assertEquals(a.machine.stats.links, 1);
  const tookMs = net.until(() => a.machine.stats.links === 0, 6_000);
  assertEquals(tookMs, 5_000);
});
