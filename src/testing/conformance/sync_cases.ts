/**
 * What the dict promises of which every node has all.
 *
 * @module
 */
import type { SyncOptions } from "../../dict/driver/options.ts";
import type { SyncSocket } from "../../dict/sync_socket.ts";
import { all, equal, ok, rejects, until } from "./check.ts";
import { link, withSockets } from "./ring.ts";
import { always, type Case, type Subject } from "./subject.ts";

type Sync = SyncSocket<string, string>;
type Options = Omit<SyncOptions<string, string>, "keys" | "values">;

/** Gives `run` so many nodes that all have everything. */
async function withNet(
  subject: Subject,
  count: number,
  run: (...nodes: Sync[]) => Promise<void>,
  options: Options = {},
): Promise<void> {
  const { SyncSocket, text } = subject.library;
  const nodes = Array.from(
    { length: count },
    () => new SyncSocket({ ...options, keys: text, values: text }),
  );
  await withSockets<Sync>(nodes, async () => {
    for (const [i, node] of nodes.entries()) {
      const others = subject.listen === undefined ? nodes.slice(0, i) : [];
      if (i > 0 && others.length === 0) others.push(nodes[0]!);
      for (const other of others) await link(subject, node, other);
    }
    await Promise.all(nodes.map((node) => node.settled()));
    await until(
      "all are members",
      () =>
        nodes.every(({ members }) =>
          members.filter(({ role }) => role === "active").length === count
        ),
    );
    await run(...nodes);
  });
}

/** A dict on every node: alone, together, and how it differs from the ring. */
export const syncCases: readonly Case[] = [
  always(
    "a SyncSocket alone is a dict, without a join",
    (subject) =>
      withNet(subject, 1, async (sock) => {
        await sock!.set("key", "value");
        equal(sock!.get("key"), "value");
        equal<unknown>(sock!.get("missing", null), null);
        equal([sock!.has("key"), sock!.size()], [true, 1]);
        equal(await sock!.pop("key"), "value");
        equal([...sock!], []);
      }),
  ),

  always(
    "what one SyncSocket writes, all others read at once",
    (subject) =>
      withNet(subject, 3, async (...nodes) => {
        for (const [i, writer] of nodes.entries()) {
          await writer.set(`key ${i}`, `of ${i}`);
          for (const node of nodes) equal(node.get(`key ${i}`), `of ${i}`);
        }
        equal(await all(nodes[2]!.keys()), [...nodes[2]!.keys()]);
        equal(nodes[0]!.copy(), new Map(nodes[1]!));
      }),
  ),

  always(
    "a key of a SyncSocket belongs to its writer, unless leasing is off",
    async (subject) => {
      await withNet(subject, 2, async (owner, other) => {
        await owner!.set("key", "mine");
        const error = await rejects(() => other!.del("key"), "LeaseError");
        equal([error.code, error.applied], ["leased", "no"]);
        equal(other!.get("key"), "mine");
      });
      await withNet(subject, 2, async (one, other) => {
        await one!.set("key", "first");
        await other!.set("key", "second");
        equal(one!.get("key"), "second");
        equal(await one!.popitem(), ["key", "second"]);
        await rejects(() => other!.popitem(), "KeyNotFoundError");
      }, { leasing: false });
    },
  ),

  always(
    "'update' and 'delete' of a SyncSocket come in order, and once",
    (subject) =>
      withNet(subject, 2, async (one, other) => {
        const heard = [one!, other!].map((node) => {
          const events: string[] = [];
          node.on("update", (sock, key, value, { owner }) => {
            ok(sock === node, "a listener is given its own socket");
            equal(owner, one!.id);
            events.push(`${key}=${value}`);
          });
          node.on("delete", (_, key) => events.push(`${key}!`));
          return events;
        });
        for (let i = 0; i < 5; i++) await one!.set("key", `${i}`);
        await one!.del("key");
        const wanted = [0, 1, 2, 3, 4].map((i) => `key=${i}`).concat("key!");
        for (const events of heard) equal(events, wanted);
      }),
  ),

  always("a late SyncSocket gets all there is", (subject) => {
    const { SyncSocket, text } = subject.library;
    const late = new SyncSocket({ keys: text, values: text });
    return withSockets<Sync>([late], () =>
      withNet(subject, 1, async (sock) => {
        const entries = new Map<string, string>();
        for (let i = 0; i < 1500; i++) entries.set(`key ${i}`, `value ${i}`);
        await sock!.update(entries);
        await sock!.del("key 0");
        await link(subject, late, sock!);
        await late.settled();
        entries.delete("key 0");
        equal(late.copy(), entries);
      }));
  }),

  always("two SyncSockets with values of their own become one", (subject) => {
    const { SyncSocket, text } = subject.library;
    const other = new SyncSocket({ keys: text, values: text });
    return withSockets<Sync>([other], () =>
      withNet(subject, 1, async (one) => {
        await one!.update({ one: "1", gone: "1" });
        await one!.del("gone");
        await other.set("other", "2");
        await link(subject, other, one!);
        for (const node of [one!, other]) {
          await until("both have both", () => node.size() === 2);
          equal([node.get("one"), node.get("other")], ["1", "2"]);
        }
      }));
  }),
];
