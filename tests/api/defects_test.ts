/** What the library of 2017 got wrong, one or more tests for each point. */
import {
  ChordSocket,
  json,
  KeyNotFoundError,
  ListenError,
  NoPeerError,
  SubnetMismatchError,
} from "@chord/dict";
import { listen } from "@chord/dict/deno";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { spawnMember, TestRing, textSocket, until } from "./fixture.ts";

Deno.test("1: a missing key gives the fallback, in one round trip", async () => {
  await using ring = await TestRing.of(3);
  const leaf = await ring.leaf();
  assertEquals(await leaf.get("warm", null), null);
  const before = leaf.stats();
  for (let i = 0; i < 200; i++) {
    assertEquals(await leaf.get(`missing ${i}`, "fallback"), "fallback");
  }
  const after = leaf.stats();
  // Heartbeats and news come on top; a second round trip would double it.
  const sent = after.framesSent - before.framesSent;
  const received = after.framesReceived - before.framesReceived;
  assert(sent >= 200 && sent < 300, `${sent} frames were sent`);
  assert(received >= 200 && received < 300, `${received} frames came`);
});

Deno.test("2: a remote read takes its round trip and waits for no timer", async () => {
  await using ring = await TestRing.of(3);
  const leaf = await ring.leaf();
  await leaf.set("key", "value");
  const times: number[] = [];
  for (let i = 0; i < 51; i++) {
    const startMs = performance.now();
    assertEquals(await leaf.get("key"), "value");
    times.push(performance.now() - startMs);
  }
  const median = times.sort((a, b) => a - b)[25]!;
  assert(median < 20, `the median was ${median} ms`);
});

Deno.test("3: concurrent reads of one key all get the value", async () => {
  await using ring = await TestRing.of(3);
  const leaf = await ring.leaf();
  await leaf.set("key", "value");
  const reads = Array.from({ length: 50 }, () => leaf.get("key"));
  assertEquals(await Promise.all(reads), Array(50).fill("value"));
});

Deno.test("4: with 8 nodes every node reads what every node wrote", async () => {
  await using ring = await TestRing.of(8);
  await Promise.all(
    ring.nodes.map((node, i) => node.set(`from ${i}`, `value ${i}`)),
  );
  for (const node of ring.nodes) {
    for (let i = 0; i < 8; i++) {
      assertEquals(await node.get(`from ${i}`), `value ${i}`);
    }
  }
});

Deno.test("4: a node reads and writes by way of another one", async () => {
  // Neither can be dialled: one asks the other through the first.
  await using ring = await TestRing.of(1);
  const member = textSocket();
  ring.nodes.push(member);
  await member.connect(ring.first.url);
  await member.join();
  const leaf = await ring.leaf();
  await ring.agreed(2);
  for (let i = 0; i < 20; i++) {
    await leaf.set(`key ${i}`, `value ${i}`);
    assertEquals(await leaf.get(`key ${i}`), `value ${i}`);
  }
  assert(!leaf.routingTable.has(member.id), "they are not connected");
});

Deno.test("5: del removes a key, says whether it was there, and is announced", async () => {
  await using ring = await TestRing.of(3);
  const [writer, , third] = ring.nodes;
  const events: string[] = [];
  third!.on("add", (_, key) => events.push(`add ${key}`));
  third!.on("delete", (_, key) => events.push(`delete ${key}`));
  await writer!.set("key", "value");
  assertEquals(await writer!.del("key"), true);
  assertEquals(await writer!.del("key"), false);
  assertEquals(await third!.get("key", "gone"), "gone");
  assertEquals(await third!.has("key"), false);
  await until("both events", () => events.length >= 2);
  assertEquals(events, ["add key", "delete key"]);
});

Deno.test("6: every value of the codec can be read back", async () => {
  await using sock = new ChordSocket<string, unknown>({
    keys: json,
    values: json,
  });
  await sock.join();
  const values = ["", null, 0, false, [], {}, "text", -1.5, { a: [null] }];
  for (const [i, value] of values.entries()) {
    await sock.set(`key ${i}`, value);
    assertEquals(await sock.get(`key ${i}`, "fallback"), value);
    assertEquals(await sock.has(`key ${i}`), true);
  }
  assertEquals(await sock.size(), values.length);
});

Deno.test("6: the empty value is a value", async () => {
  await using sock = new ChordSocket();
  await sock.join();
  await sock.set("key", "");
  assertEquals(await sock.get("key", null), new Uint8Array());
  assertEquals(await sock.pop("key", null), new Uint8Array());
});

Deno.test("7: setting an old key again is no 'add', and no second key", async () => {
  await using ring = await TestRing.of(3);
  const [writer, other] = ring.nodes;
  const told: string[] = [];
  other!.on("add", (_, key) => told.push(`add ${key}`));
  other!.on("delete", (_, key) => told.push(`delete ${key}`));
  for (let i = 0; i < 5; i++) await writer!.set("key", `value ${i}`);
  assertEquals(await Array.fromAsync(other!.keys()), ["key"]);
  // The events of one key come in their order, from one node.
  await writer!.del("key");
  await until("the last event", () => told.includes("delete key"));
  assertEquals(told, ["add key", "delete key"]);
});

Deno.test("8: a late joiner sees all keys, and holds its share", async () => {
  await using ring = await TestRing.of(2);
  const entries = new Map<string, string>();
  for (let i = 0; i < 200; i++) entries.set(`key ${i}`, `value ${i}`);
  await ring.first.update(entries);
  const late = await ring.member();
  assertEquals(await late.copy(), entries);
  assertEquals(await late.size(), 200);
});

Deno.test("8: a leaving node does not take its data with it", async () => {
  await using ring = await TestRing.of(4, { replicas: 1 });
  const entries = new Map<string, string>();
  for (let i = 0; i < 200; i++) entries.set(`key ${i}`, `value ${i}`);
  await ring.first.update(entries);
  const leaving = ring.nodes.pop()!;
  await leaving.leave();
  await leaving.close();
  await ring.agreed(3);
  assertEquals(await ring.first.copy(), entries);
});

Deno.test("8: a node's death is repaired", async () => {
  await using ring = await TestRing.of(3);
  const doomed = await spawnMember(ring.first.url);
  await ring.agreed(4);
  const entries = new Map<string, string>();
  for (let i = 0; i < 200; i++) entries.set(`key ${i}`, `value ${i}`);
  await ring.first.update(entries);
  await doomed.kill();
  assertEquals(await ring.nodes[1]!.copy(), entries);
  await ring.agreed(3);
  assertEquals(await ring.nodes[2]!.copy(), entries);
});

Deno.test("9: crossed dials of two nodes leave one link, and nothing behind", async () => {
  await using ring = new TestRing();
  const [a, b] = [textSocket(), textSocket()];
  ring.nodes.push(a, b);
  await Promise.all([listen(a), listen(b)]);
  const [toB, toA] = await Promise.all([a.connect(b.url), b.connect(a.url)]);
  assertEquals([toB.id, toA.id], [b.id, a.id]);
  await until(
    "one link on both sides",
    () => a.stats().links === 1 && b.stats().links === 1,
  );
  await a.join();
  await b.set("key", "value");
  assertEquals(await a.get("key"), "value");
});

Deno.test("9: many nodes on one host all meet", async () => {
  await using ring = await TestRing.of(6);
  await until(
    "everybody is connected to everybody",
    () => ring.nodes.every((node) => node.routingTable.size === 5),
  );
});

Deno.test("10: a wrong subnet is a typed error on both sides", async () => {
  await using one = textSocket({ subnet: "one" });
  const errors: unknown[] = [];
  one.on("error", (error) => errors.push(error));
  await using two = textSocket({ subnet: "two" });
  const { url } = await listen(one);
  const error = await assertRejects(
    () => two.connect(url),
    SubnetMismatchError,
  );
  assertEquals(error.applied, "no");
  await until("the other side was told", () => errors.length > 0);
  assertInstanceOf(errors[0], SubnetMismatchError);
  assertEquals([one.routingTable.size, two.routingTable.size], [0, 0]);
});

Deno.test("10: a port in use is a typed error", async () => {
  await using one = textSocket();
  await using two = textSocket();
  const { port } = await listen(one);
  await assertRejects(() => listen(two, { port }), ListenError, `${port}`);
});

Deno.test("10: a call before the first peer says that there is nobody", async () => {
  await using sock = textSocket();
  const error = await assertRejects(
    () => sock.set("key", "value"),
    NoPeerError,
  );
  assertEquals(error.applied, "no");
  await assertRejects(() => sock.get("key"), NoPeerError);
  await assertRejects(() => sock.popitem(), NoPeerError);
});

Deno.test("11: a megabyte is stored and read back in little time", async () => {
  await using ring = await TestRing.of(3);
  const leaf = await ring.leaf();
  const value = "0123456789abcdef".repeat(65_536);
  const startMs = performance.now();
  await leaf.set("large", value);
  assertEquals(await ring.nodes[1]!.get("large") === value, true);
  const tookMs = performance.now() - startMs;
  assert(tookMs < 5_000, `it took ${tookMs} ms`);
});

Deno.test("12: an answer reaches a sender that is no neighbour", async () => {
  await using ring = await TestRing.of(1);
  const [asking, answering] = [await ring.leaf(), await ring.leaf()];
  await until(
    "both know of each other",
    () => [asking, answering].every(({ members }) => members.length === 3),
  );
  assert(!answering.routingTable.has(asking.id));
  answering.registerHandler((message) => {
    message.reply(["pong", ...message.packets]);
    return true;
  });
  const answers = asking.messages();
  await asking.send(["ping"]);
  const { value } = await answers.next();
  assertEquals(value!.packets, ["pong", "ping"]);
  assertEquals(value!.sender, answering.id);
});

Deno.test("12: a broadcast reaches each node once, in the order of sending", async () => {
  await using ring = await TestRing.of(6);
  for (let i = 0; i < 30; i++) await ring.first.send([i]);
  for (const node of ring.nodes.slice(1)) {
    await until(
      "all messages are there",
      () => node.stats().messagesWaiting >= 30,
    );
    const received = node.recv(100).map(({ packets }) => packets[0]);
    assertEquals(received, [...Array(30).keys()]);
  }
  assertEquals(ring.first.recv(), undefined);
});

Deno.test("13: pop and popitem give what they remove, and miss as Python's do", async () => {
  await using ring = await TestRing.of(3);
  const leaf = await ring.leaf();
  await leaf.set("key", "value");
  assertEquals(await leaf.pop("key"), "value");
  assertEquals(await leaf.pop("key", "fallback"), "fallback");
  assertEquals(await leaf.pop("key", undefined), undefined);
  await assertRejects(() => leaf.pop("key"), KeyNotFoundError);
  await leaf.update({ a: "1", b: "2" });
  const items = [await leaf.popitem(), await leaf.popitem()];
  assertEquals(items.sort(), [["a", "1"], ["b", "2"]]);
  await assertRejects(() => leaf.popitem(), KeyNotFoundError);
});

Deno.test("13: two rings that were founded apart become one and agree", async () => {
  await using one = await TestRing.of(2);
  await using other = await TestRing.of(2);
  await one.first.update({ shared: "older", left: "1" });
  await other.first.update({ shared: "old", right: "2" });
  // Once more, so that it is newer even within one millisecond.
  for (const value of ["old", "newer"]) await other.first.set("shared", value);
  await one.first.connect(other.first.url);
  await one.agreed(4);
  await other.agreed(4);
  const expected = new Map([["shared", "newer"], ["left", "1"], [
    "right",
    "2",
  ]]);
  for (const node of [...one.nodes, ...other.nodes]) {
    await until("all copies agree", async () => {
      const found = [...await node.copy()].sort();
      return JSON.stringify(found) === JSON.stringify([...expected].sort());
    });
  }
});

Deno.test("14: copy() resolves with all values in it", async () => {
  await using ring = await TestRing.of(3);
  await ring.first.update({ one: "1", two: "2", three: "3" });
  const copy = await ring.nodes[2]!.copy();
  assertEquals(
    copy,
    new Map([...copy.keys()].map((key) => [
      key,
      { one: "1", two: "2", three: "3" }[key]!,
    ])),
  );
  assertEquals(copy.size, 3);
});

Deno.test("14: a number is no key", async () => {
  await using sock = new ChordSocket();
  await sock.join();
  const error = await assertRejects(
    () => sock.set(3 as unknown as string, "value"),
    TypeError,
  );
  assert(error.message.includes("number"));
  assertEquals(await sock.size(), 0);
});

Deno.test("15: subnets whose names only begin alike never meet", async () => {
  for (const [name, other] of [["ab", "abc"], ["", "a"], ["a", "a\0"]]) {
    await using one = textSocket({ subnet: name! });
    await using two = textSocket({ subnet: other! });
    const { url } = await listen(one);
    await assertRejects(() => two.connect(url), SubnetMismatchError);
  }
});
