/**
 * What a watch tells, and how it ends.
 *
 * @module
 */
import type { Watch } from "../../dict/driver/watch.ts";
import { equal, Failure, ok, until } from "./check.ts";
import { link, textSocket, withRing, withSockets } from "./ring.ts";
import { always, type Case } from "./subject.ts";

/** The next events, without their versions. */
async function take(
  watch: Watch<string, string>,
  count: number,
): Promise<string[]> {
  const events: string[] = [];
  while (events.length < count) {
    const { done, value } = await watch.next();
    if (done) throw new Failure(`The watch ended after ${events}`);
    if (value.type === "gap") events.push("gap");
    else if (value.type === "delete") events.push(`delete ${value.key}`);
    else events.push(`set ${value.key} ${value.value}`);
  }
  return events;
}

/** Watching keys. */
export const watchCases: readonly Case[] = [
  always(
    "watch() tells of what begins with the prefix, on members and leaves",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const leaf = await ring.leaf();
        const writer = ring.nodes[1]!;
        for (const watcher of [ring.first, leaf]) {
          const watch = watcher.watch({ prefix: "room/" });
          await watch.ready;
          await writer.set("hall/1", "not watched");
          await writer.set("room/1", "one");
          equal(await take(watch, 1), ["set room/1 one"]);
          await leaf.del("room/1");
          equal(await take(watch, 1), ["delete room/1"]);
          await watch.return!();
        }
      }),
  ),

  always(
    "watch() of a key goes on from a version",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const [one, two] = ring.nodes;
        const watch = one!.watch({ key: "k" }, { since: "" });
        await two!.set("k", "1");
        const { value } = await watch.next();
        ok(value?.type === "set" && value.value === "1", "it is told first");
        await watch.return!();
        await two!.del("k");
        const again = two!.watch({ key: "k" }, { since: value.version });
        equal(await take(again, 1), ["delete k"]);
        await two!.set("k", "2");
        equal(await take(again, 1), ["set k 2"]);
      }),
  ),

  always(
    "a watch begins with a gap where too much was forgotten",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        await sock.join();
        await sock.set("k", "v");
        const since = "0".repeat(32);
        const watch = sock.watch({ prefix: "" }, { since });
        equal(await take(watch, 2), ["gap", "set k v"]);
      }),
  ),

  always(
    "a watch goes on when members come and leave",
    (subject) =>
      withRing(subject, 2, async (ring) => {
        const watch = ring.first.watch({ prefix: "k" });
        await watch.ready;
        const told = new Map<string, string>();
        const reading = (async () => {
          for await (const event of watch) {
            if (event.type === "set") told.set(event.key, event.value);
          }
        })();
        const write = async (value: string) => {
          const names = Array.from({ length: 20 }, (_, i) => `k${i}`);
          await ring.first.update(names.map((name) => [name, value] as const));
          await until(
            `all are told that it is ${value}`,
            () => names.every((name) => told.get(name) === value),
          );
        };
        await write("of two");
        await ring.member();
        await write("of three");
        await ring.nodes[1]!.leave();
        await ring.nodes[1]!.close();
        await write("of two again");
        await watch.return!();
        await reading;
      }),
  ),

  always(
    "the signal, the end of the loop and close() end a watch",
    (subject) =>
      withSockets([textSocket(subject)], async (sock) => {
        await sock.join();
        const stop = new AbortController();
        const watch = sock.watch({ prefix: "" }, { signal: stop.signal });
        await watch.ready;
        const waiting = watch.next();
        stop.abort();
        equal((await waiting).done, true);
        const other = sock.watch({ prefix: "" });
        await other.ready;
        await sock.set("k", "v");
        for await (const event of other) {
          equal(event.type, "set");
          break;
        }
        equal((await other.next()).done, true);
        const last = sock.watch({ prefix: "" });
        const open = last.next();
        await sock.close();
        equal((await open).done, true);
      }),
  ),

  always(
    "an impossible watch is refused at once",
    (subject) =>
      withSockets([textSocket(subject)], (sock) => {
        const wrong = [
          [{}, "TypeError"],
          [{ key: "k", prefix: "k" }, "TypeError"],
          [{ prefix: 1 }, "TypeError"],
          [{ prefix: "p".repeat(1025) }, "RangeError"],
        ] as const;
        for (const [target, name] of wrong) {
          let thrown: unknown;
          try {
            sock.watch(target as { prefix: string });
          } catch (error) {
            thrown = error;
          }
          equal((thrown as Error | undefined)?.name, name);
        }
        return Promise.resolve();
      }),
  ),

  always("a SyncSocket tells of what it gets from others", (subject) => {
    const { SyncSocket, text } = subject.library;
    const make = () => new SyncSocket({ keys: text, values: text });
    return withSockets([make(), make()], async (one, two) => {
      const watch = one!.watch({ prefix: "k" }, { since: "" });
      await two!.set("k1", "before");
      await link(subject, one!, two!);
      equal(await take(watch, 1), ["set k1 before"]);
      await two!.set("k2", "after");
      equal(await take(watch, 1), ["set k2 after"]);
    });
  }),
];
