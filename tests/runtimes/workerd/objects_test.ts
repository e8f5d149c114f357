import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { listen } from "@chord/dict/deno";
import { runtimeTest } from "../../../scripts/runtimes_found.ts";
import { TestRing, textSocket, until } from "../../api/fixture.ts";
import { WorkerdMembers } from "./members.ts";

const SIBLINGS = ["0", "1", "2"];

/**
 * After ten seconds without an event an object is taken out of memory, and
 * there is no way to ask whether it was: that would be an event.
 */
const EVICTION_MS = 15_000;

/** Resolves when so much time has passed, which is what is tested. */
async function passed(ms: number): Promise<void> {
  const startMs = performance.now();
  await until(`${ms} ms pass`, () => performance.now() - startMs > ms, 2 * ms);
}

/** Resolves once each of these objects sees so many members, all settled. */
async function agreed(
  members: WorkerdMembers,
  names: readonly string[],
  count: number,
): Promise<void> {
  for (const name of names) {
    await until(
      `object ${name} sees ${count} members`,
      async () =>
        (await members.call<unknown[]>(name, "ring")).length === count,
    );
  }
  for (const name of names) await members.call(name, "settled");
}

await runtimeTest(
  ["workerd"],
  "objects are members that find each other, and a Worker is a leaf",
  async ({ workerd }) => {
    await using members = await WorkerdMembers.start(workerd, {
      siblings: SIBLINGS,
    });
    // Only one is asked; that wakes the others.
    await agreed(members, ["0"], 3);
    const urls = SIBLINGS.map((name) => members.urlOf(name));
    assertEquals(await members.call("1", "ring"), urls);
    await members.call("0", "set", "from an object", "1");
    const leaf = members.urlOf("2");
    await members.asLeaf(leaf, "set", "from a Worker", "2");
    assertEquals(await members.asLeaf(leaf, "get", "from an object"), "1");
    assertEquals(await members.call("1", "get", "from a Worker"), "2");
    assertEquals(await members.asLeaf(leaf, "leeching"), true);
    assertEquals(await members.asLeaf(leaf, "pop", "from a Worker"), "2");
    await until(
      "everybody heard of it",
      async () => (await members.call<string[]>("0", "events")).length === 3,
    );
    assertEquals(await members.call("0", "events"), [
      "add from an object",
      "add from a Worker",
      "delete from a Worker",
    ]);
  },
);

await runtimeTest(
  ["workerd"],
  "an object that lost its memory comes back as a new node with what it held",
  async ({ workerd }) => {
    await using members = await WorkerdMembers.start(workerd);
    await members.call("lone", "set", "stays", "1");
    await members.call("lone", "set", "goes", "1");
    await members.call("lone", "del", "goes");
    const [id, born] = [
      await members.call("lone", "id"),
      await members.call("lone", "born"),
    ];
    await members.reset("lone");
    assertEquals(await members.call("lone", "copy"), { stays: "1" });
    assertNotEquals(await members.call("lone", "id"), id);
    assertNotEquals(await members.call("lone", "born"), born);
    const { entries, tombstones } = await members.call<
      { entries: number; tombstones: number }
    >("lone", "stats");
    assertEquals([entries, tombstones], [1, 1]);
  },
);

await runtimeTest(
  ["workerd"],
  "what ran out while an object was away is gone, what has time left is not",
  async ({ workerd }) => {
    await using members = await WorkerdMembers.start(workerd);
    const set = (key: string, ttlMs: number) =>
      members.call("lone", "set", key, "1", { ttlMs });
    await set("short", 2_000);
    await set("long", 3_600_000);
    await members.workerd.kill();
    const startMs = Date.now();
    await until("its time is over", () => Date.now() > startMs + 2_000);
    await members.workerd.restart();
    assertEquals(await members.call("lone", "copy"), { long: "1" });
    const { entries, tombstones } = await members.call<
      { entries: number; tombstones: number }
    >("lone", "stats");
    assertEquals([entries, tombstones], [1, 1]);
  },
);

await runtimeTest(
  ["workerd"],
  "when all objects are killed at once, all that was acknowledged is back",
  async ({ workerd }) => {
    await using members = await WorkerdMembers.start(workerd, {
      siblings: ["0", "1", "2", "3", "4"],
    });
    const names = ["0", "1", "2", "3", "4"];
    await agreed(members, names, 5);
    const entries: Record<string, string> = {};
    for (let i = 0; i < 100; i++) entries[`key ${i}`] = `value ${i}`;
    await members.call("0", "update", entries);
    for (let i = 0; i < 20; i++) {
      await members.call(names[i % 5]!, "del", `key ${i}`);
      delete entries[`key ${i}`];
    }
    const large = "x".repeat(1024 * 1024);
    await members.call("1", "set", "large", large);
    const places = (name: string) => members.call(name, "arcs");
    const before = await places("0");
    await members.workerd.kill();
    await members.workerd.restart();
    entries.large = large;
    // At once, whoever is asked.
    const found = await Promise.all(
      Array.from(
        { length: 100 },
        (_, i) => members.call<string | null>(names[i % 5]!, "get", `key ${i}`),
      ),
    );
    assertEquals(
      found,
      found.map((_, i) => entries[`key ${i}`] ?? null),
    );
    await agreed(members, names, 5);
    assertEquals(await places("0"), before);
    for (const name of names) {
      assertEquals(await members.call(name, "copy"), entries);
    }
  },
);

await runtimeTest(
  ["workerd"],
  "what was deleted or changed while an object was away stays so",
  async ({ workerd }) => {
    await using ring = await TestRing.of(2);
    await using members = await WorkerdMembers.start(workerd, {
      seeds: [ring.first.url],
    });
    await members.call("0", "id");
    await ring.agreed(3);
    await ring.first.update({ changed: "1", deleted: "1", kept: "1" });
    assertEquals(await members.call("0", "kept"), 3);
    await members.workerd.kill();
    await ring.agreed(2);
    await ring.first.del("deleted");
    await ring.first.set("changed", "2");
    await members.workerd.restart();
    await members.call("0", "settled");
    await ring.agreed(3);
    const wanted = new Map([["changed", "2"], ["kept", "1"]]);
    for (const node of ring.nodes) assertEquals(await node.copy(), wanted);
    assertEquals(
      await members.call("0", "copy"),
      Object.fromEntries(wanted),
    );
    assertEquals(await ring.first.get("deleted", null, { read: "all" }), null);
  },
);

await runtimeTest(
  ["workerd"],
  "a delete outlives a restart of those who know of it",
  async ({ workerd }) => {
    await using one = await WorkerdMembers.start(workerd);
    await one.call("0", "set", "deleted", "1");
    await using other = await WorkerdMembers.start(workerd, {
      seeds: [one.urlOf("0")],
    });
    await agreed(other, ["0"], 2);
    assertEquals(await other.call("0", "kept"), 1);
    await other.workerd.kill();
    await until(
      "it is taken for dead",
      async () => (await one.call<unknown[]>("0", "ring")).length === 1,
    );
    await one.call("0", "del", "deleted");
    await one.workerd.kill();
    await one.workerd.restart();
    await other.workerd.restart();
    await agreed(other, ["0"], 2);
    assertEquals(await other.call("0", "copy"), {});
    assertEquals(await one.call("0", "copy"), {});
  },
);

await runtimeTest(
  ["workerd"],
  "the alarm wakes an object that nobody asks for anything",
  async ({ workerd }) => {
    await using first = textSocket();
    const { port, url } = await listen(first);
    await first.join();
    await using members = await WorkerdMembers.start(workerd, {
      seeds: [url],
      object: { alarmMs: 200 },
    });
    await members.call("0", "set", "a", "1");
    await members.workerd.kill();
    await first.close();
    // This one knows nothing of the object, so it cannot be what wakes it.
    await using second = textSocket();
    await listen(second, { port });
    await second.join();
    await members.workerd.restart();
    await until("the object is there", () => second.ring.length === 2);
    assertEquals(await second.get("a"), "1");
  },
);

await runtimeTest(
  ["workerd"],
  "peers notice at once that an object is another node now",
  async ({ workerd }) => {
    await using ring = await TestRing.of(2);
    await using members = await WorkerdMembers.start(workerd, {
      seeds: [ring.first.url],
    });
    const before = await members.call("0", "id");
    await ring.agreed(3);
    await members.reset("0");
    const startMs = performance.now();
    // Nobody asks the object: the peers that dial it wake it.
    const isThere = (id: unknown) =>
      ring.first.ring.some((arc) => arc.id === id);
    await until("the old node is out of the ring", () => !isThere(before));
    await until("a new one is in it", () => ring.first.ring.length === 3);
    const tookMs = performance.now() - startMs;
    assert(tookMs < 5_000, `it took ${tookMs} ms`);
    assert(isThere(await members.call("0", "id")));
  },
);

await runtimeTest(
  ["workerd"],
  "an object that was away for longer than deletes are remembered forgets",
  async ({ workerd }) => {
    const timings = { tombstoneMs: 1_000, forgetMs: 5_000 };
    await using members = await WorkerdMembers.start(workerd, {
      object: { timings },
    });
    await members.call("0", "set", "old", "1");
    await members.workerd.kill();
    await passed(timings.tombstoneMs);
    await members.workerd.restart();
    assertEquals(await members.call("0", "copy"), {});
    assertEquals(await members.call("0", "kept"), 0);
    const errors = await members.call<string[]>("0", "errors");
    assertEquals(errors.length, 1);
    assert(errors[0]!.includes("away for"), errors[0]);
  },
);

await runtimeTest(
  ["workerd"],
  "an object that leaves hands over what it holds, and forgets it",
  async ({ workerd }) => {
    await using ring = await TestRing.of(1);
    await using members = await WorkerdMembers.start(workerd, {
      seeds: [ring.first.url],
    });
    await members.call("0", "set", "a", "1");
    await members.call("0", "leave");
    assertEquals(ring.first.ring.length, 1);
    assertEquals(await ring.first.get("a"), "1");
  },
);

await runtimeTest(
  ["workerd"],
  "an object with nobody to talk to is taken out of memory, and comes back",
  async ({ workerd }) => {
    await using members = await WorkerdMembers.start(workerd, {
      object: { alarmMs: 200 },
    });
    await members.call("0", "set", "a", "1");
    const born = await members.call("0", "born");
    const url = members.urlOf("0");
    const stranger = new WebSocket(`${url}?stranger`);
    let end: CloseEvent | undefined;
    stranger.onclose = (event) => end = event;
    await until("it is connected", () => stranger.readyState === 1);
    await passed(EVICTION_MS);
    stranger.send("wake up");
    await until("its connection has ended", () => end !== undefined);
    assertEquals([end!.code, end!.reason], [
      4000,
      "the object has begun anew",
    ]);
    assertNotEquals(await members.call("0", "born"), born);
    assertEquals(await members.call("0", "copy"), { a: "1" });
  },
);

/** Sends messages as a stranger; gives the code and reason of the end. */
async function knock(
  url: string,
  messages: readonly (string | Uint8Array<ArrayBuffer>)[],
): Promise<[code: number, reason: string]> {
  const stranger = new WebSocket(url);
  let end: CloseEvent | undefined;
  stranger.onopen = () => messages.forEach((data) => stranger.send(data));
  stranger.onclose = (event) => end = event;
  await until("a stranger is shown out", () => end !== undefined);
  return [end!.code, end!.reason];
}

await runtimeTest(
  ["workerd"],
  "garbage ends its own link to an object, and a page gets 426",
  async ({ workerd }) => {
    await using ring = await TestRing.of(1);
    await using members = await WorkerdMembers.start(workerd, {
      seeds: [ring.first.url],
      object: { timings: { handshakeMs: 200 } },
    });
    await members.call("0", "set", "a", "1");
    const url = members.urlOf("0");
    const garbage = [
      ["text"],
      [new Uint8Array()],
      [new Uint8Array(200_000).fill(7)],
      [Uint8Array.of(255, 255, 255, 255, 255, 0)],
    ];
    for (const messages of garbage) {
      const [code, reason] = await knock(url, messages);
      assertEquals(code, 4001, reason);
    }
    assertEquals((await knock(url, []))[0], 4006);
    const page = await fetch(url.replace("ws:", "http:"));
    assertEquals(page.status, 426);
    await page.body?.cancel();
    await until(
      "only the ring's link is left",
      async () =>
        (await members.call<{ links: number }>("0", "stats")).links === 1,
    );
    assertEquals(await members.asLeaf(url, "get", "a"), "1");
    assertEquals(await ring.first.get("a"), "1");
    const errors = await members.call<string[]>("0", "errors");
    assertEquals(
      errors.filter((error) => error.startsWith("ProtocolError")).length,
      garbage.length,
    );
  },
);
