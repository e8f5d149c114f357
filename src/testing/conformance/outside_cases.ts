/**
 * A node as a leaf of a ring that runs in another process, maybe on another
 * runtime: all that a page or a short-lived worker does.
 *
 * @module
 */
import { all, equal, ok, rejects, until } from "./check.ts";
import { textSocket, withSockets } from "./ring.ts";
import { type Case, type Having, having, type TextSocket } from "./subject.ts";

type Inside = Having<"outside">;

/** A leaf of the ring outside. */
function withLeaf(
  subject: Inside,
  run: (leaf: TextSocket) => Promise<void>,
): Promise<void> {
  const sock = textSocket(subject, { subnet: "outside" });
  return withSockets([sock], async (leaf) => {
    await leaf.connect(subject.outside.url);
    await run(leaf);
  });
}

/** Keys of one case at one place: the ring is used by many. */
function keysOf(leaf: TextSocket): (name: string) => string {
  return (name) => `${leaf.id}/${name}`;
}

/**
 * Resolves once the node is linked to every member, so that all of them know
 * it: who tells of an event tells the nodes that it knows.
 */
function linked(leaf: TextSocket): Promise<void> {
  return until(
    "linked to every member",
    () => leaf.ring.every(({ id }) => leaf.routingTable.has(id)),
  );
}

const dictCases: readonly Case[] = [
  having(
    ["outside"],
    "a leaf uses a dict that is outside",
    (subject) =>
      withLeaf(subject, async (leaf) => {
        const key = keysOf(leaf);
        ok(leaf.leeching && leaf.ring.length >= 2, "others are the ring");
        await leaf.set(key("a"), "1");
        equal(await leaf.get(key("a")), "1");
        equal(await leaf.setdefault(key("a"), "2"), "1");
        equal(await leaf.pop(key("a")), "1");
        equal(await leaf.del(key("a")), false);
        equal<unknown>(await leaf.get(key("a"), null), null);
      }),
  ),

  having(
    ["outside"],
    "one leaf sees what another one does",
    (subject) =>
      withLeaf(subject, (one) =>
        withLeaf(subject, async (two) => {
          const key = keysOf(one);
          const heard: string[] = [];
          await linked(two);
          two.on("add", (_, name) => {
            if (name.startsWith(one.id)) heard.push(`add ${name}`);
          });
          two.on("delete", (_, name) => {
            if (name.startsWith(one.id)) heard.push(`delete ${name}`);
          });
          await one.set(key("a"), "1");
          equal(await two.get(key("a")), "1");
          await until("'add'", () => heard.length === 1);
          await one.del(key("a"));
          await until("'delete'", () => heard.length === 2);
          equal(heard, [`add ${key("a")}`, `delete ${key("a")}`]);
        })),
  ),

  having(
    ["outside"],
    "values of every size go out and come back",
    (subject) =>
      withLeaf(subject, async (leaf) => {
        const key = keysOf(leaf);
        for (const size of [0, 1, 1_001, 1_025, 65_537, 131_073, 1_048_576]) {
          const value = String(size % 7).repeat(size);
          await leaf.set(key("a"), value);
          const read = await leaf.get(key("a"));
          ok(read === value, `a value of ${size} bytes is what was written`);
        }
        await leaf.del(key("a"));
      }),
  ),

  having(
    ["outside"],
    "24 MiB at once go out and come back on unbroken links",
    (subject) =>
      withLeaf(subject, async (leaf) => {
        const ends: number[] = [];
        leaf.on("disconnect", (_, code) => ends.push(code));
        const key = keysOf(leaf);
        const value = "0123456789abcdef".repeat(65_536);
        const keys = Array.from({ length: 24 }, (_, i) => key(`${i}`));
        const options = { timeoutMs: 30_000 };
        await leaf.update(keys.map((each) => [each, value] as const), options);
        const read = await Promise.all(
          keys.map((each) => leaf.get(each, null, options)),
        );
        ok(read.every((each) => each === value), "all are what was written");
        await Promise.all(keys.map((each) => leaf.del(each, options)));
        equal(ends, [], "the links that ended");
      }),
  ),

  having(
    ["outside"],
    "a scan of a dict outside gives each key once",
    (subject) =>
      withLeaf(subject, async (leaf) => {
        const key = keysOf(leaf);
        const keys = Array.from({ length: 1200 }, (_, i) => key(`${i}`));
        await leaf.update(keys.map((each) => [each, "value"] as const));
        const found = (await all(leaf.keys())).filter((each) =>
          each.startsWith(leaf.id)
        );
        equal(found.sort(), keys.sort());
        await Promise.all(keys.map((each) => leaf.del(each)));
      }),
  ),

  having(
    ["outside"],
    "a message to the outside is answered",
    (subject) =>
      withLeaf(subject, async (leaf) => {
        const packets = ["echo", Uint8Array.of(0, 255), { a: [null] }];
        await leaf.send(packets, { to: "neighbours" });
        await until("the answer", () => leaf.stats().messagesWaiting > 0);
        equal<unknown>(leaf.recv()!.packets, packets);
      }),
  ),
];

const dialCases: readonly Case[] = [
  having(
    ["outside"],
    "a dial that nobody takes is refused in words",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const { nobodyUrl } = subject.outside;
        const error = await rejects(
          () => sock.connect(nobodyUrl),
          "ConnectionError",
        );
        equal([error.code, error.applied], ["connection", "no"]);
        ok(error.message.includes(nobodyUrl), error.message);
        equal(sock.stats().callsWaiting, 0);
      }),
  ),

  having(
    ["outside"],
    "a server of pages is no peer",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const { pagesUrl } = subject.outside;
        await rejects(() => sock.connect(pagesUrl), "ConnectionError");
      }),
  ),

  having(
    ["outside"],
    "a ring of another subnet refuses, and says so",
    (subject) =>
      withSockets(
        [textSocket(subject, { subnet: "another" })],
        async (sock) => {
          await rejects(
            () => sock.connect(subject.outside.url),
            "SubnetMismatchError",
          );
          equal(sock.routingTable.size, 0);
        },
      ),
  ),

  having(
    ["outside"],
    "a dial to somebody who says nothing times out",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const error = await rejects(
          () => sock.connect(subject.outside.muteUrl, { timeoutMs: 100 }),
          "TimeoutError",
        );
        equal(error.applied, "no");
      }),
  ),

  having(
    ["outside"],
    "a dial is given up by its signal",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        const stop = new AbortController();
        const { signal } = stop;
        const dialling = sock.connect(subject.outside.muteUrl, { signal });
        stop.abort("changed my mind");
        const error = await rejects(() => dialling, "AbortError");
        equal<unknown>([error.cause, error.applied], ["changed my mind", "no"]);
      }),
  ),

  having(
    ["outside"],
    "close() ends a dial, whether it is open or not",
    async (subject) => {
      for (const isOpen of [false, true]) {
        const sock = textSocket(subject);
        const dialling = rejects(
          () => sock.connect(subject.outside.muteUrl),
          "ClosedError",
        );
        if (isOpen) await until("it is open", () => sock.stats().links > 0);
        await sock.close();
        await dialling;
        equal(sock.stats().links, 0);
      }
    },
  ),
];

/** A ring of another process, used from here. */
export const outsideCases: readonly Case[] = [...dictCases, ...dialCases];
