/**
 * What the dict promises.
 *
 * @module
 */
import { all, equal, ok, rejects, until } from "./check.ts";
import { textSocket, withRing, withSockets } from "./ring.ts";
import { always, type Case } from "./subject.ts";

/** On both sides of every size at which something changes on the way. */
const SIZES = [0, 1, 999, 1_001, 1_025, 65_535, 65_537, 131_073, 1_048_576];

/** Text of so many bytes that no shift or cut leaves as it was. */
function textOf(bytes: number): string {
  let made = "";
  for (let i = 0; made.length < bytes; i++) made += `${i} of ${bytes}, `;
  return made.slice(0, bytes);
}

const basicCases: readonly Case[] = [
  always(
    "a ring of one is a dict",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        await sock.join();
        await sock.set("key", "value");
        equal(await sock.get("key"), "value");
        equal(await sock.has("key"), true);
        equal(await sock.size(), 1);
        equal(await sock.del("key"), true);
        equal(await sock.del("key"), false);
        equal(await sock.has("key"), false);
      }),
  ),

  always(
    "a missing key gives the fallback, or undefined",
    (subject) =>
      withRing(subject, 2, async ({ first }) => {
        equal<unknown>(await first.get("missing"), undefined);
        equal<unknown>(await first.get("missing", null), null);
        equal<unknown>(await first.get("missing", 7), 7);
      }),
  ),

  always(
    "every node reads what any node wrote, a leaf too",
    (subject) =>
      withRing(subject, 3, async (ring) => {
        await ring.leaf();
        for (const [i, writer] of ring.nodes.entries()) {
          await writer.set(`key ${i}`, `of ${i}`);
          for (const reader of ring.nodes) {
            equal(await reader.get(`key ${i}`), `of ${i}`);
          }
        }
        equal(await ring.nodes[3]!.size(), 4);
      }),
  ),

  always(
    "an acknowledged write is on three members",
    (subject) =>
      withRing(subject, 4, async (ring) => {
        await ring.first.set("key", "value");
        const copies = ring.nodes.map((node) => node.stats().entries);
        equal(copies.reduce((sum, count) => sum + count, 0), 3, "the copies");
      }),
  ),

  always(
    "each way of reading gives what was written",
    (subject) =>
      withRing(subject, 3, async (ring) => {
        const leaf = await ring.leaf();
        await leaf.set("key", "value");
        for (const read of ["first", "nearest", "quorum", "all"] as const) {
          equal<unknown>(await leaf.get("key", null, { read }), "value", read);
        }
      }),
  ),

  always(
    "bytes come back as bytes, and may be changed at once",
    ({ library }) =>
      withSockets([new library.ChordSocket()], async (sock) => {
        await sock.join();
        const value = Uint8Array.of(0, 128, 255);
        const set = sock.set(Uint8Array.of(0), value);
        value.fill(1);
        await set;
        equal(await sock.get(Uint8Array.of(0)), Uint8Array.of(0, 128, 255));
        await sock.set("text", "é");
        equal(await sock.get("text"), Uint8Array.of(0xc3, 0xa9));
      }),
  ),

  always("a codec of JSON gives back what went in", ({ library }) => {
    const { ChordSocket, json, text } = library;
    const sock = new ChordSocket({ keys: text, values: json });
    return withSockets([sock], async (sock) => {
      await sock.join();
      const value = { a: [1, null, "é"], b: { c: true } };
      await sock.set("key", value);
      equal<unknown>(await sock.get("key"), value);
    });
  }),

  always(
    "values of every size up to 1 MiB come back from all nodes",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const leaf = await ring.leaf();
        for (const size of SIZES) {
          const value = textOf(size);
          await leaf.set(`${size}`, value);
          for (const node of ring.nodes) {
            const read = await node.get(`${size}`);
            ok(read === value, `a value of ${size} bytes is what was written`);
          }
        }
      }),
  ),

  always(
    "16 MiB at once break no link",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const leaf = await ring.leaf();
        const ends: number[] = [];
        for (const node of ring.nodes) {
          node.on("disconnect", (_, code) => ends.push(code));
        }
        const value = textOf(1_048_576);
        const keys = Array.from({ length: 16 }, (_, i) => `key ${i}`);
        const options = { timeoutMs: 30_000 };
        await leaf.update(keys.map((key) => [key, value] as const), options);
        const read = await Promise.all(
          keys.map((key) => leaf.get(key, null, options)),
        );
        ok(read.every((each) => each === value), "all are what was written");
        equal(ends, [], "the links that ended");
      }),
  ),
];

const modifyingCases: readonly Case[] = [
  always(
    "pop() takes a value out, once, or gives the fallback",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const leaf = await ring.leaf();
        await leaf.set("key", "value");
        const both = await Promise.all(
          ring.nodes.slice(1).map((node) => node.pop("key", "too late")),
        );
        equal(both.sort(), ["too late", "value"]);
        equal(await leaf.has("key"), false);
        const error = await rejects(() => leaf.pop("key"), "KeyNotFoundError");
        equal([error.code, error.applied], ["key-not-found", "no"]);
      }),
  ),

  always(
    "popitem() empties the dict, then rejects",
    (subject) =>
      withRing(subject, 2, async ({ first }) => {
        await first.update({ a: "1", b: "2" });
        const items = [await first.popitem(), await first.popitem()];
        equal(items.sort(), [["a", "1"], ["b", "2"]]);
        await rejects(() => first.popitem(), "KeyNotFoundError");
      }),
  ),

  always(
    "of many setdefault() one wins, and all give its value",
    (subject) =>
      withRing(subject, 3, async (ring) => {
        const given = await Promise.all(
          ring.nodes.map((node, i) => node.setdefault("key", `of ${i}`)),
        );
        equal(new Set(given).size, 1, "the number of different values");
        equal(await ring.first.get("key"), given[0]);
      }),
  ),

  always(
    "update() takes objects, maps and pairs; copy() and clear()",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const leaf = await ring.leaf();
        await leaf.update({ object: "1" });
        await leaf.update(new Map([["map", "2"]]));
        await leaf.update([["pair", "3"], ["twice", "4"], ["twice", "5"]]);
        const wanted = { map: "2", object: "1", pair: "3", twice: "5" };
        equal(await ring.first.copy(), new Map(Object.entries(wanted)));
        await ring.first.clear();
        equal(await leaf.size(), 0);
      }),
  ),
];

const scanCases: readonly Case[] = [
  always(
    "for await gives each key, value and item once, page by page",
    (subject) =>
      withRing(subject, 3, async (ring) => {
        const leaf = await ring.leaf();
        const wanted = new Map<string, string>();
        for (let i = 0; i < 1500; i++) wanted.set(`key ${i}`, `value ${i}`);
        await leaf.update(wanted);
        equal((await all(leaf.keys())).sort(), [...wanted.keys()].sort());
        equal((await all(leaf.values())).sort(), [...wanted.values()].sort());
        const items: [string, string][] = [];
        for await (const item of leaf) items.push(item);
        equal(items.length, wanted.size);
        equal(new Map(items), wanted);
      }),
  ),

  always(
    "leaving a loop early stops the scan",
    (subject) =>
      withRing(subject, 1, async (ring) => {
        const leaf = await ring.leaf();
        const entries = Array.from(
          { length: 3000 },
          (_, i) => [`key ${i}`, ""] as const,
        );
        await leaf.update(entries);
        let count = 0;
        for await (const _ of leaf.keys()) if (++count === 10) break;
        equal([count, leaf.stats().callsWaiting], [10, 0]);
      }),
  ),

  always(
    "a directory makes plain for … of work, and follows",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        await ring.first.update({ old: "1", gone: "2" });
        const reader = await ring.leaf({ directory: true });
        await reader.settled();
        equal([...reader.keys()].sort(), ["gone", "old"]);
        await ring.first.set("new", "3");
        await ring.first.del("gone");
        await until(
          "the directory has the news",
          () => [...reader.keys()].sort().join() === "new,old",
        );
        equal((await Promise.all(reader.values())).sort(), ["1", "3"]);
      }),
  ),

  always(
    "without a directory plain for … of says what to do",
    (subject) =>
      withRing(subject, 1, async ({ first }) => {
        // deno-lint-ignore require-await -- what it throws must be a rejection
        const error = await rejects(async () => [...first], "DirectoryError");
        ok(error.message.includes("for await"), error.message);
      }),
  ),
];

const ringCases: readonly Case[] = [
  always(
    "the parts of the ring make a whole, and a leaf has none",
    (subject) =>
      withRing(subject, 3, async (ring) => {
        const leaf = await ring.leaf();
        equal([leaf.leeching, ring.first.leeching], [true, false]);
        const arcs = ring.first.ring;
        equal(
          new Set(arcs.map(({ id }) => id)),
          new Set(ring.nodes.slice(0, 3).map(({ id }) => id)),
        );
        const whole = arcs.reduce((sum, { share }) => sum + share, 0);
        ok(Math.abs(whole - 1) < 0.001, `the shares add up to 1, not ${whole}`);
      }),
  ),

  always(
    "who leaves hands over what it held",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const entries = Array.from({ length: 50 }, (_, i) => [`${i}`, `v${i}`]);
        await ring.first.update(entries as [string, string][]);
        await ring.first.leave();
        equal(ring.first.leeching, true);
        await ring.first.close();
        equal(await ring.nodes[1]!.copy(), new Map(entries as never));
      }, { replicas: 1 }),
  ),

  always(
    "what a lost member held can still be read and written",
    (subject) =>
      withRing(subject, 3, async (ring) => {
        const leaf = await ring.leaf();
        await leaf.update({ a: "1", b: "2", c: "3" });
        await ring.nodes[1]!.close();
        equal(await leaf.copy(), new Map([["a", "1"], ["b", "2"], ["c", "3"]]));
        await leaf.set("d", "4");
        equal(await ring.nodes[2]!.get("d"), "4");
      }),
  ),

  always(
    "who joins late gets its share",
    (subject) =>
      withRing(subject, 1, async (ring) => {
        await ring.first.update({ a: "1", b: "2", c: "3" });
        const late = await ring.member();
        await ring.agreed(2);
        equal(late.stats().entries, 3);
        await ring.first.close();
        equal(await late.get("b"), "2");
      }),
  ),
];

/** The dict: reading, writing, iterating, and the members that hold it. */
export const dictCases: readonly Case[] = [
  ...basicCases,
  ...modifyingCases,
  ...scanCases,
  ...ringCases,
];
