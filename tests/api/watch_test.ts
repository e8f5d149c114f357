import {
  bytes,
  ChordSocket,
  json,
  memoryPair,
  SyncSocket,
  text,
  type Watch,
  type WatchEvent,
} from "@chord/dict";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { spawnMember, TestRing, textSocket, until } from "./fixture.ts";

type TextEvent = WatchEvent<string, string>;

/** The next `count` events. */
async function take<K, V>(
  watch: Watch<K, V>,
  count: number,
): Promise<WatchEvent<K, V>[]> {
  const events: WatchEvent<K, V>[] = [];
  while (events.length < count) {
    const { done, value } = await watch.next();
    assert(!done, `the watch ended after ${events.length} of ${count} events`);
    events.push(value);
  }
  return events;
}

/** An event without its version. */
function short(event: TextEvent): string {
  if (event.type === "gap") return "gap";
  const value = event.type === "set" ? ` ${event.value}` : "";
  return `${event.type} ${event.key}${value}`;
}

Deno.test("a watch of a prefix hears of every write and removal, wherever it is made", async () => {
  await using ring = await TestRing.of(3);
  const leaf = await ring.leaf();
  const [one, two] = ring.nodes;
  for (const watcher of [one!, leaf]) {
    await using watch = watcher.watch({ prefix: "room/" });
    await watch.ready;
    await two!.set("room/a", "1");
    await two!.set("hall/a", "not watched");
    assertEquals((await take(watch, 1)).map(short), ["set room/a 1"]);
    await leaf.set("room/a", "2");
    assertEquals((await take(watch, 1)).map(short), ["set room/a 2"]);
    await one!.setdefault("room/b", "3");
    assertEquals((await take(watch, 1)).map(short), ["set room/b 3"]);
    await one!.pop("room/a");
    assertEquals((await take(watch, 1)).map(short), ["delete room/a"]);
    await two!.del("room/b");
    assertEquals((await take(watch, 1)).map(short), ["delete room/b"]);
  }
});

Deno.test("a watch of a key hears of that key alone, in the order of its versions", async () => {
  await using ring = await TestRing.of(3);
  const watch = ring.first.watch({ key: "k" });
  await watch.ready;
  const versions: string[] = [];
  for (let i = 0; i < 5; i++) {
    await ring.nodes[i % 3]!.set("k", `${i}`);
    await ring.nodes[i % 3]!.set("k2", "not watched");
    const [event] = await take(watch, 1);
    assertEquals(short(event!), `set k ${i}`);
    versions.push(event!.type === "set" ? event!.version : "");
  }
  assertEquals(versions, [...versions].sort());
  assertEquals(new Set(versions).size, 5);
  await watch.return();
});

Deno.test("without since only what changes is told; with an empty one all there is, too", async () => {
  await using ring = await TestRing.of(2);
  await ring.first.update({ a: "1", b: "2" });
  await ring.first.del("b");
  await using later = ring.nodes[1]!.watch({ prefix: "" });
  await using all = ring.nodes[1]!.watch({ prefix: "" }, { since: "" });
  await Promise.all([later.ready, all.ready]);
  assertEquals((await take(all, 1)).map(short), ["set a 1"]);
  await ring.first.set("c", "3");
  assertEquals((await take(later, 1)).map(short), ["set c 3"]);
  assertEquals((await take(all, 1)).map(short), ["set c 3"]);
});

Deno.test("since a version: what is newer, deletions too, then what comes", async () => {
  await using ring = await TestRing.of(3);
  const [one, two] = ring.nodes;
  const first = one!.watch({ prefix: "" });
  await first.ready;
  await two!.set("old", "1");
  const [event] = await take(first, 1);
  await first.return();
  assert(event!.type === "set");
  await two!.set("new", "2");
  await two!.del("old");
  const watch = one!.watch({ prefix: "" }, { since: event!.version });
  const events = (await take(watch, 2)).map(short);
  assertEquals(events.sort(), ["delete old", "set new 2"]);
  await two!.set("next", "3");
  assertEquals((await take(watch, 1)).map(short), ["set next 3"]);
});

Deno.test("since a version that is older than what is remembered: a gap, and all there is", async () => {
  await using sock = textSocket();
  await sock.join();
  await sock.set("k", "1");
  const longAgo = "1".padStart(32, "0");
  const watch = sock.watch({ prefix: "" }, { since: longAgo });
  assertEquals((await take(watch, 2)).map(short), ["gap", "set k 1"]);
});

Deno.test("a slow reader is told the newest of each key, and then what comes", async () => {
  await using ring = await TestRing.of(2);
  const watch = ring.first.watch({ prefix: "" });
  await watch.ready;
  const writer = ring.nodes[1]!;
  for (let i = 0; i < 20; i++) {
    await writer.set("a", `${i}`);
    await writer.set("b", `${i}`);
  }
  await writer.set("end", "");
  const heard = new Map<string, string>();
  let count = 0;
  for await (const event of watch) {
    count++;
    assert(event.type === "set");
    heard.set(event.key, event.value);
    if (event.key === "end") break;
  }
  // The last may overtake another arc's: what is promised is the order per key.
  assert(count <= 20, `${count} events of 41 writes`);
});

Deno.test("a reader that never reads costs no more than the newest of some keys", async () => {
  await using ring = await TestRing.of(2);
  const watch = ring.first.watch({ prefix: "" });
  await watch.ready;
  const writer = ring.nodes[1]!;
  const value = "x".repeat(50_000);
  const keys = Array.from({ length: 200 }, (_, i) => `k${i}`);
  for (let round = 0; round < 2; round++) {
    await writer.update(keys.map((key) => [key, `${round}${value}`] as const));
  }
  const newest = new Set<string>();
  for await (const event of watch) {
    assert(event.type === "set");
    if (event.value.startsWith("1")) newest.add(event.key);
    if (newest.size === keys.length) break;
  }
});

Deno.test("a watch goes on when its holder is killed, and when members come and leave", async () => {
  await using ring = await TestRing.of(3);
  const child = await spawnMember(ring.first.url);
  await ring.agreed(4);
  const watch = ring.first.watch({ prefix: "" });
  await watch.ready;
  const told = new Map<string, string>();
  let gaps = 0;
  const reading = (async () => {
    for await (const event of watch) {
      if (event.type === "gap") gaps++;
      else if (event.type === "set") told.set(event.key, event.value);
      else told.delete(event.key);
    }
  })();
  const wanted = new Map<string, string>();
  const write = async (value: string) => {
    for (let i = 0; i < 20; i++) {
      wanted.set(`k${i}`, value);
      await ring.first.set(`k${i}`, value, { timeoutMs: 30_000 });
    }
  };
  const isTold = () =>
    [...wanted].every(([key, value]) => told.get(key) === value);
  await write("before");
  await child.kill();
  await write("after a crash");
  await until("all that was written is told", isTold);
  await ring.member();
  await write("after a join");
  await until("all that was written is told", isTold);
  await ring.nodes[1]!.leave();
  await write("after a leave");
  await until("all that was written is told", isTold);
  assertEquals(gaps, 0);
  await watch.return();
  await reading;
});

Deno.test("an entry whose time is over is told as deleted, with its own version", async () => {
  await using ring = await TestRing.of(2);
  const watch = ring.first.watch({ prefix: "" });
  await watch.ready;
  await ring.nodes[1]!.set("k", "v", { ttlMs: 500 });
  const [set, end] = await take(watch, 2);
  assert(set!.type === "set" && end!.type === "delete");
  assertEquals(end!.version, set!.version);
});

Deno.test("break, return(), the signal and close() end a watch, and those who wait", async () => {
  const sock = textSocket();
  await sock.join();
  const ended = { done: true, value: undefined } as const;
  const byReturn = sock.watch({ prefix: "" });
  const waiting = byReturn.next();
  assertEquals(await byReturn.return(), ended);
  assertEquals(await waiting, ended);
  assertEquals(await byReturn.next(), ended);

  const stop = new AbortController();
  const bySignal = sock.watch({ prefix: "" }, { signal: stop.signal });
  await bySignal.ready;
  await sock.set("k", "v");
  const next = bySignal.next();
  assertEquals((await next).done, false);
  const last = bySignal.next();
  stop.abort();
  assertEquals(await last, ended);
  const late = sock.watch({ prefix: "" }, { signal: stop.signal });
  assertEquals(await late.next(), ended);
  await late.ready;

  const byClose = sock.watch({ prefix: "" });
  const open = byClose.next();
  await sock.close();
  assertEquals(await open, ended);
  await byClose.ready;
  const tooLate = sock.watch({ prefix: "" });
  await assertRejects(() => tooLate.next(), Error, "Cannot watch keys");
  assertEquals(await tooLate.next(), ended);
});

Deno.test("a watch that is opened before anybody is there begins when somebody is", async () => {
  await using ring = await TestRing.of(1);
  await using lonely = textSocket();
  const watch = lonely.watch({ prefix: "" }, { since: "" });
  await ring.first.set("k", "v");
  await lonely.connect(ring.first.url);
  assertEquals((await take(watch, 1)).map(short), ["set k v"]);
  await watch.ready;
});

Deno.test("more watches than are allowed: the one too many fails", async () => {
  await using sock = textSocket();
  await sock.join();
  const watches = Array.from({ length: 256 }, () => sock.watch({ key: "k" }));
  await Promise.all(watches.map(({ ready }) => ready));
  const error = await assertRejects(() => sock.watch({ key: "k" }).next());
  assertEquals((error as Error).name, "OverloadedError");
  await watches[0]!.return();
  const again = sock.watch({ key: "k" });
  await again.ready;
  await sock.set("k", "v");
  assertEquals((await take(again, 1)).map(short), ["set k v"]);
});

Deno.test("what another codec made is reported and left out", async () => {
  const errors: unknown[] = [];
  await using plain = new ChordSocket({ keys: bytes, values: bytes });
  await using sock = new ChordSocket({
    values: json,
    onError: (error) => errors.push(error),
  });
  await plain.join();
  const [left, right] = memoryPair();
  await Promise.all([plain.attach(left), sock.attach(right)]);
  const watch = sock.watch({ prefix: "" });
  await watch.ready;
  const coming = watch.next();
  await plain.set("bad", "{");
  await until("the error", () => errors.length === 1);
  await plain.set("good", "[1]");
  const { value } = await coming;
  assert(value?.type === "set");
  assertEquals(value.value, [1]);
  assertInstanceOf(errors[0], SyntaxError);
});

Deno.test("a watch of nothing, of both, of an impossible prefix or since is refused at once", async () => {
  await using sock = textSocket();
  const wrong = (target: unknown, options?: unknown) => () =>
    sock.watch(target as { key: string }, options as { since: string });
  assertThrows(wrong(undefined), TypeError, "neither");
  assertThrows(wrong({}), TypeError, "neither");
  assertThrows(wrong({ key: "a", prefix: "b" }), TypeError, "both");
  assertThrows(wrong({ prefix: 7 }), TypeError, "of type number");
  assertThrows(wrong({ prefix: "\ud800" }), TypeError, "surrogate");
  assertThrows(
    wrong({ prefix: "é".repeat(513) }),
    RangeError,
    "Cannot watch a prefix of 1026 bytes",
  );
  assertThrows(wrong({ key: "" }), TypeError, "0 bytes");
  assertThrows(wrong({ key: 7 }), TypeError);
  assertThrows(wrong({ key: "k" }, { since: 7 }), TypeError, "since");
  assertThrows(wrong({ key: "k" }, { since: "yesterday" }), RangeError);
  assertThrows(wrong({ key: "k" }, { signal: 7 }), TypeError, "signal");
  assertEquals(sock.stats().callsWaiting, 0);
});

Deno.test("a SyncSocket tells its watchers of what it has, and what others write", async () => {
  const make = () => new SyncSocket({ keys: text, values: text });
  await using one = make();
  await using two = make();
  await one.set("room/a", "1");
  const watch = one.watch({ prefix: "room/" }, { since: "" });
  assertEquals((await take(watch, 1)).map(short), ["set room/a 1"]);
  const [left, right] = memoryPair();
  await Promise.all([one.attach(left), two.attach(right)]);
  await two.settled();
  await two.set("room/b", "2");
  assertEquals((await take(watch, 1)).map(short), ["set room/b 2"]);
  await one.del("room/a");
  assertEquals((await take(watch, 1)).map(short), ["delete room/a"]);
});
