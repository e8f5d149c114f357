/**
 * Entries that belong to somebody, and entries that do not live for ever.
 *
 * @module
 */
import { all, equal, ok, rejects, until } from "./check.ts";
import { withRing } from "./ring.ts";
import { always, type Case } from "./subject.ts";

/** Leases, times to live, sessions. */
export const livesCases: readonly Case[] = [
  always(
    "a leased key is its setter's, until that one deletes it",
    (subject) =>
      withRing(subject, 3, async ({ first, nodes }) => {
        const other = nodes[1]!;
        await first.set("key", "mine");
        for (
          const write of [
            () => other.set("key", "theirs"),
            () => other.del("key"),
            () => other.pop("key"),
          ]
        ) {
          const error = await rejects(write, "LeaseError");
          equal([error.code, error.applied], ["leased", "no"]);
          const { owner, until: untilMs } = error as Error & {
            owner?: string;
            until?: number;
          };
          equal(owner, first.id);
          ok(untilMs! > Date.now() + 3_500_000, "an hour, or nearly");
        }
        await rejects(() => other.popitem(), "KeyNotFoundError");
        equal(await other.get("key"), "mine");
        equal(await first.pop("key"), "mine");
        await other.set("key", "theirs");
        await rejects(() => first.set("key", "mine"), "LeaseError");
      }, { leasing: true }),
  ),

  always(
    "a lease that nobody renews runs out",
    (subject) =>
      withRing(subject, 2, async ({ first, nodes }) => {
        const other = nodes[1]!;
        await first.set("key", "mine");
        await until("the end of the lease", () =>
          other.set("key", "theirs").then(() =>
            true, (error) => {
            equal((error as Error).name, "LeaseError");
            return false;
          }));
        equal(await first.get("key"), "theirs");
      }, { leasing: true, leaseMs: 200 }),
  ),

  always(
    "an entry with a ttl is gone at its time, and its 'delete' is told",
    (subject) =>
      withRing(subject, 3, async (ring) => {
        const leaf = await ring.leaf();
        const told: string[] = [];
        leaf.on("delete", (_, key) => void told.push(key));
        await leaf.set("stays", "1");
        await leaf.set("goes", "2", { ttlMs: 500 });
        equal(await ring.first.get("goes"), "2");
        await until("its end", async () => !await ring.first.has("goes"));
        equal(await all(leaf.keys()), ["stays"]);
        equal(await leaf.size(), 1);
        await until("the 'delete'", () => told.length > 0);
        equal(told, ["goes"]);
      }),
  ),

  always(
    "touch() gives an entry another life",
    (subject) =>
      withRing(subject, 2, async ({ first, nodes }) => {
        const ttlMs = 1_000;
        await first.update({ touched: "1", left: "2" }, { ttlMs });
        equal(await nodes[1]!.touch("touched", 60_000), true);
        equal(await nodes[1]!.touch("missing", 60_000), false);
        await until("the other's end", async () => !await first.has("left"));
        equal(await first.get("touched"), "1");
      }),
  ),

  always(
    "the entries of a session go with the node that wrote them",
    (subject) =>
      withRing(subject, 3, async (ring) => {
        const leaf = await ring.leaf();
        await leaf.set("leaf", "here", { session: true });
        await leaf.set("plain", "here");
        await ring.nodes[1]!.set("member", "here", { session: true });
        await leaf.close();
        await until("its end", async () => !await ring.first.has("leaf"));
        equal(await ring.first.get("plain"), "here");
        equal(await ring.first.get("member"), "here");
      }),
  ),
];
