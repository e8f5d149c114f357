import { DirectoryError, UpdateError } from "@chord/dict";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { TestRing, textSocket, until } from "./fixture.ts";

Deno.test("every node that listens is told, the writer too, in the key's order", async () => {
  await using ring = await TestRing.of(3);
  await ring.leaf();
  const heard = ring.nodes.map((node) => {
    const events: string[] = [];
    node.on("add", (sock, key) => {
      assertEquals(sock, node);
      events.push(`add ${key}`);
    });
    node.on("delete", (_, key) => events.push(`delete ${key}`));
    return events;
  });
  const writer = ring.nodes[1]!;
  await writer.set("key", "1");
  await writer.del("key");
  await writer.setdefault("key", "2");
  await writer.pop("key");
  await writer.set("last", "3");
  for (const events of heard) {
    const isOfKey = (event: string) => event.endsWith(" key");
    // What is promised is the order of one key's events, not of all.
    await until(
      "all events",
      () =>
        events.includes("add last") &&
        events.findLast(isOfKey) === "delete key",
    );
    const ofKey = events.filter(isOfKey);
    // Intermediate ones may be left out, never turned round.
    assertEquals(ofKey[0], "add key");
    for (let i = 1; i < ofKey.length; i++) {
      assert(ofKey[i] !== ofKey[i - 1], `one event twice: ${ofKey}`);
    }
  }
});

Deno.test("once() listens once, off() not at all, a throwing listener harms nobody", async () => {
  const errors: unknown[] = [];
  await using sock = textSocket({ onError: (error) => errors.push(error) });
  await sock.join();
  const heard: string[] = [];
  const never = () => heard.push("never");
  sock.once("add", (_, key) => heard.push(`once ${key}`));
  sock.on("add", () => {
    throw new Error("listener");
  });
  sock.on("add", never).off("add", never);
  sock.on("add", (_, key) => heard.push(`always ${key}`));
  await sock.set("a", "1");
  await sock.set("b", "2");
  await until("both events", () => heard.includes("always b"));
  assertEquals(heard, ["once a", "always a", "always b"]);
  assertEquals(errors.map((error) => (error as Error).message), [
    "listener",
    "listener",
  ]);
});

Deno.test("'connect' comes with the first peer, 'peer' with each, 'disconnect' at the end", async () => {
  await using ring = await TestRing.of(2);
  const told: string[] = [];
  const sock = textSocket();
  sock.on("connect", (self) => told.push(`connect ${self === sock}`));
  sock.on("peer", ({ id }) => told.push(`peer ${id}`));
  sock.on("disconnect", ({ id }) => told.push(`disconnect ${id}`));
  ring.nodes.push(sock);
  const { id } = await sock.connect(ring.first.url);
  assertEquals(id, ring.first.id);
  await until("both peers", () => sock.routingTable.size === 2);
  const second = ring.nodes[1]!;
  assertEquals(told, [`peer ${id}`, "connect true", `peer ${second.id}`]);
  await second.close();
  await until("its end", () => told.length === 4);
  assertEquals(told[3], `disconnect ${second.id}`);
  assertEquals([...sock.routingTable.keys()], [id]);
});

Deno.test("for await goes over keys, values and items, each entry once", async () => {
  await using ring = await TestRing.of(3);
  const leaf = await ring.leaf();
  const entries = new Map<string, string>();
  for (let i = 0; i < 3000; i++) entries.set(`key ${i}`, `value ${i}`);
  await leaf.update(entries);
  const keys = await Array.fromAsync(leaf.keys());
  assertEquals(keys.length, 3000);
  assertEquals(new Set(keys), new Set(entries.keys()));
  const values = await Array.fromAsync(leaf.values());
  assertEquals(values.toSorted(), [...entries.values()].toSorted());
  const items: [string, string][] = [];
  for await (const item of leaf) items.push(item);
  assertEquals(new Map(items), entries);
  assertEquals(items.length, 3000);
  await leaf.clear();
  assertEquals(await ring.first.size(), 0);
});

Deno.test("leaving a loop early stops the scan", async () => {
  await using ring = await TestRing.of(1);
  const leaf = await ring.leaf();
  const entries = new Map<string, string>();
  for (let i = 0; i < 5000; i++) entries.set(`key ${i}`, "");
  await leaf.update(entries);
  const before = leaf.stats();
  let count = 0;
  for await (const _ of leaf.keys()) if (++count === 10) break;
  assertEquals(leaf.stats().callsWaiting, 0);
  // The first page and the one after it; five would have been all.
  const sent = leaf.stats().framesSent - before.framesSent;
  assert(sent <= 4, `${sent} frames were sent`);
});

Deno.test("a directory makes plain for … of work, and follows what others do", async () => {
  await using ring = await TestRing.of(2);
  await ring.first.update({ old: "1", gone: "2" });
  const reader = await ring.leaf({ directory: true });
  await reader.settled();
  assertEquals([...reader.keys()].sort(), ["gone", "old"]);
  await ring.first.set("new", "3");
  await ring.first.del("gone");
  await until("the news", () => [...reader.keys()].sort().join() === "new,old");
  const values = await Promise.all(reader.values());
  assertEquals(values.sort(), ["1", "3"]);
  const items: [string, string | undefined][] = [];
  for (const [key, value] of reader) items.push([key, await value]);
  assertEquals(items.sort(), [["new", "3"], ["old", "1"]]);
});

Deno.test("without a directory plain for … of says what to do", async () => {
  await using sock = textSocket();
  await sock.join();
  for (const view of [sock.keys(), sock.values(), sock.items(), sock]) {
    const error = assertThrows(() => [...view], DirectoryError, "for await");
    assertEquals(error.applied, "no");
  }
});

Deno.test("update() takes objects, maps and pairs, and stores the last of equal keys", async () => {
  await using sock = textSocket();
  await sock.join();
  await sock.update({ object: "1" });
  await sock.update(new Map([["map", "2"]]));
  await sock.update([["pair", "3"], ["twice", "4"], ["twice", "5"]]);
  await sock.update((function* () {
    yield ["generated", "6"] as const;
  })());
  assertEquals([...await sock.copy()].sort(), [
    ["generated", "6"],
    ["map", "2"],
    ["object", "1"],
    ["pair", "3"],
    ["twice", "5"],
  ]);
});

Deno.test("an update that fails in part names the keys", async () => {
  await using sock = textSocket();
  const error = await assertRejects(
    () => sock.update({ one: "1", two: "2" }),
    UpdateError,
  );
  assertEquals([...error.failed.keys()].sort(), ["one", "two"]);
  assertEquals(error.stored, 0);
  assertInstanceOf(error.failed.get("one"), Error);
});

Deno.test("ring says who has which part, and the parts make a whole", async () => {
  await using ring = await TestRing.of(3);
  const arcs = ring.first.ring;
  assertEquals(
    new Set(arcs.map(({ id }) => id)),
    new Set(ring.nodes.map(({ id }) => id)),
  );
  const whole = arcs.reduce((sum, { share }) => sum + share, 0);
  assert(Math.abs(whole - 1) < 0.001, `${whole}`);
  for (const [i, arc] of arcs.entries()) {
    assertEquals(arc.after, arcs.at(i - 1)!.through);
  }
});
