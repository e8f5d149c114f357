import { type ChordSocket, KeyNotFoundError } from "@chord/dict";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { spawnMember, TestRing, type TextSocket, until } from "./fixture.ts";

const QUICK = { timings: { sessionGraceMs: 100 } };

/** What a node is told of its dict's keys. */
function eventsOf(sock: TextSocket): string[] {
  const events: string[] = [];
  sock.on("add", (_, key) => events.push(`add ${key}`));
  sock.on("delete", (_, key) => events.push(`delete ${key}`));
  return events;
}

/** How many copies with a value the members hold together. */
function copies(ring: TestRing): number {
  return ring.nodes.reduce((sum, node) => sum + node.stats().entries, 0);
}

Deno.test("an entry with a ttl is gone for all at its time, and its 'delete' is told", async () => {
  await using ring = await TestRing.of(4);
  const events = ring.nodes.map(eventsOf);
  const [writer, reader] = ring.nodes as [TextSocket, TextSocket];
  await writer.set("stays", "1");
  await writer.set("goes", "2", { ttlMs: 300 });
  assertEquals(await reader.get("goes"), "2");
  assertEquals(await reader.size(), 2);
  await until("a read of nothing", async () => !await reader.has("goes"));
  assertEquals(await reader.get("goes", "gone"), "gone");
  assertEquals(await reader.size(), 1);
  assertEquals(await Array.fromAsync(reader.keys()), ["stays"]);
  assertEquals(await reader.pop("goes", "gone"), "gone");
  assertEquals(await reader.del("goes"), false);
  assertEquals(await reader.touch("goes", 1000), false);
  for (const heard of events) {
    await until("the delete", () => heard.includes("delete goes"));
    assertEquals(heard.filter((event) => event.endsWith("goes")), [
      "add goes",
      "delete goes",
    ]);
  }
  await until("no value left anywhere", () => copies(ring) === 3);
});

Deno.test("what has run out is no key to setdefault() and popitem()", async () => {
  await using ring = await TestRing.of(3);
  const { first } = ring;
  await first.set("a", "old", { ttlMs: 1 });
  await until("an empty dict", async () => await first.size() === 0);
  await assertRejects(() => first.popitem(), KeyNotFoundError);
  assertEquals(await first.setdefault("a", "new", { ttlMs: 60_000 }), "new");
  assertEquals(await first.setdefault("a", "other"), "new");
});

Deno.test("touch() gives an entry another life, and set() one without end", async () => {
  await using ring = await TestRing.of(3);
  const [writer, other] = ring.nodes as [TextSocket, TextSocket];
  await writer.update({ touched: "1", set: "2", left: "3" }, { ttlMs: 1_000 });
  assertEquals(await other.touch("touched", 60_000), true);
  await other.set("set", "4");
  assertEquals(await other.touch("missing", 60_000), false);
  await until("the end of one", async () => !await writer.has("left"));
  assertEquals(await writer.get("touched"), "1");
  assertEquals(await writer.get("set"), "4");
});

Deno.test("a session's entries go with their writer, member or leaf, at once if it closes", async () => {
  await using ring = await TestRing.of(3);
  const leaf = await ring.leaf();
  const member = await ring.member();
  await ring.agreed(4);
  const { first } = ring;
  const events = eventsOf(first);
  const session = { session: true };
  await leaf.set("leaf", "here", session);
  await member.set("member", "here", session);
  await member.set("plain", "stays");
  await leaf.setdefault("other", "here", session);
  const startMs = performance.now();
  await leaf.close();
  const isGone = async (key: string) => !await first.has(key);
  await until("the leaf's entry gone", () => isGone("leaf"));
  await until("its other one gone", () => isGone("other"));
  assertEquals(await first.has("member"), true);
  await member.close();
  await until("the member's entry gone", () => isGone("member"));
  // The grace of 5 s is for those who did not say good-bye.
  assert(performance.now() - startMs < 4_000);
  assertEquals(await first.get("plain"), "stays");
  await until(
    "the deletes",
    () =>
      ["leaf", "other", "member"].every((key) =>
        events.includes(`delete ${key}`)
      ),
  );
});

Deno.test("a session outlives a leave, and ends a while after its writer was killed", async () => {
  await using ring = await TestRing.of(3, QUICK);
  const { first } = ring;
  const leaver = ring.nodes[2]!;
  await leaver.set("leaver", "here", { session: true });
  const killed = await spawnMember(ring.first.url, "--session=killed");
  await ring.agreed(4);
  await leaver.leave();
  await ring.agreed(3);
  assertEquals(await first.has("killed"), true);
  await killed.kill();
  await until("no entry", async () => !await first.has("killed"));
  assertEquals(await first.get("leaver"), "here");
});

Deno.test("a lifetime that is none is refused before anything is sent", async () => {
  await using ring = await TestRing.of(1);
  const sock = ring.first as ChordSocket<string, string>;
  // deno-lint-ignore no-explicit-any
  const set = (options: any) => () => sock.set("key", "value", options);
  for (const ttlMs of [0, -1, 1.5, NaN, Infinity, 315_360_000_001]) {
    await assertRejects(set({ ttlMs }), RangeError);
    await assertRejects(() => sock.touch("key", ttlMs), RangeError);
  }
  await assertRejects(set({ ttlMs: "1000" }), TypeError);
  await assertRejects(set({ session: 1 }), TypeError);
  await assertRejects(() => sock.touch("key", undefined as never), TypeError);
  await assertRejects(
    () => sock.update({ key: "value" }, { ttlMs: 0 }),
    RangeError,
  );
  assertEquals(await sock.size(), 0);
  assertThrows(() => [...sock.keys()]);
});
