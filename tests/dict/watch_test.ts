import { assert, assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import {
  WATCH_BYTES_HIGH,
  WATCH_EVENTS_HIGH,
  WATCHERS_MAX,
  WATCHERS_PER_NODE_MAX,
} from "../../src/base/limits.ts";
import { SeededRandom } from "../../src/base/random.ts";
import type { Dict } from "../../src/dict/dict.ts";
import { matches } from "../../src/dict/watch_match.ts";
import { Watched } from "../../src/dict/watched.ts";
import { WatchQueue } from "../../src/dict/watch_queue.ts";
import { type Id, keyId, randomId } from "../../src/id/id.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import {
  type Message,
  type MessageOf,
  WatchStatus,
} from "../../src/wire/messages.ts";
import { messageOf, messageTypes } from "../wire/generator.ts";

const version = (ms: number) => ({ ms, count: 0, node: "0".repeat(16) });

function put(queue: WatchQueue, key: string, value?: string, ms = 1): void {
  const bytes = utf8(key);
  queue.put(keyId(bytes), {
    key: bytes,
    value: value === undefined ? undefined : utf8(value),
    version: version(ms),
    terms: undefined,
  });
}

function takeAll(queue: WatchQueue): string[] {
  const taken: string[] = [];
  for (let one = queue.take(); one !== undefined; one = queue.take()) {
    const what = one.type === "gap" ? "" : ` ${one.version.ms}`;
    taken.push(`${one.type}${what}`);
  }
  return taken;
}

Deno.test("a key that changes again keeps its place, and only the newest is told", () => {
  const queue = new WatchQueue();
  put(queue, "a", "1", 1);
  put(queue, "b", "2", 2);
  put(queue, "a", undefined, 3);
  assertEquals(queue.length, 2);
  assertEquals(takeAll(queue), ["delete 3", "set 2"]);
  put(queue, "a", "4", 4);
  assertEquals(takeAll(queue), ["set 4"]);
});

Deno.test("a gap comes before all that follows it, and takes away what waited", () => {
  const queue = new WatchQueue();
  put(queue, "a", "1", 1);
  queue.gap();
  put(queue, "a", "2", 2);
  assertEquals(queue.length, 2);
  assertEquals(takeAll(queue), ["gap", "set 2"]);
});

Deno.test("a queue is full by events or by bytes, and what is taken makes room", () => {
  const many = new WatchQueue();
  for (let i = 0; i < WATCH_EVENTS_HIGH; i++) {
    assert(!many.isFull);
    put(many, `k${i}`, "v");
  }
  assert(many.isFull);
  many.take();
  assert(!many.isFull);

  const large = new WatchQueue();
  const half = "x".repeat(WATCH_BYTES_HIGH / 2);
  put(large, "a", half);
  put(large, "a", half);
  assert(!large.isFull);
  put(large, "b", half);
  assert(large.isFull);
  put(large, "b", undefined);
  assert(!large.isFull);
});

Deno.test("a prefix is compared byte by byte; a key is the whole of it", () => {
  const is = (exact: boolean, bytes: string, key: string) =>
    matches({ exact, bytes: utf8(bytes) }, utf8(key));
  assert(is(false, "", "anything"));
  assert(is(false, "a/", "a/"));
  assert(is(false, "a/", "a/b"));
  assert(!is(false, "a/", "a"));
  assert(!is(false, "a/", "b/a/"));
  assert(is(true, "a", "a"));
  assert(!is(true, "a", "ab"));
});

/** A member of a ring of one, and the holder's side of its watches. */
function member(): { ring: Ring; dict: Dict } {
  const ring = new Ring();
  ring.grow(1);
  const dict = ring.node("A").machine.dict as unknown as Dict;
  return { ring, dict };
}

/** @param position where the only member is: its arc is everything */
function order(feed: number, position: Id): MessageOf<"watch"> {
  return {
    type: "watch",
    feed,
    round: 1,
    exact: false,
    match: utf8(""),
    after: position,
    through: position,
    known: undefined,
    batch: 0,
  };
}

/** Runs `story` while what holders say to watchers is written down. */
function listening(
  story: (dict: Dict, statuses: (from: Id) => number[], ring: Ring) => void,
): void {
  const { ring, dict } = member();
  const answers: { to: Id; status: number }[] = [];
  const onWatch = Watched.prototype.onWatch;
  Watched.prototype.onWatch = function (watch, from) {
    const before = this.size;
    onWatch.call(this, watch, from);
    const isTaken = this.size > before;
    const status = isTaken ? WatchStatus.same : WatchStatus.overloaded;
    answers.push({ to: from, status });
  };
  try {
    const of = (from: Id) =>
      answers.filter(({ to }) => to === from).map(({ status }) => status);
    story(dict, of, ring);
  } finally {
    Watched.prototype.onWatch = onWatch;
  }
}

Deno.test("one node gets so many watchers, all together so many, silent ones are forgotten", () => {
  listening((dict, statuses, ring) => {
    const random = new SeededRandom(1);
    const { position } = ring.node("A").machine.members[0]!;
    const peers = Array.from({ length: 6 }, () => randomId(random));
    for (const peer of peers) {
      for (let feed = 1; feed <= WATCHERS_PER_NODE_MAX + 10; feed++) {
        dict.onMessage(order(feed, position), peer);
      }
    }
    const taken = peers.map((peer) =>
      statuses(peer).filter((status) => status === WatchStatus.same).length
    );
    assertEquals(taken.slice(0, 4), Array(4).fill(WATCHERS_PER_NODE_MAX));
    assertEquals(taken.reduce((a, b) => a + b), WATCHERS_MAX);
    // One that ends makes room for one.
    const last = peers[5]!;
    dict.onMessage({ type: "unwatch", feed: 1 }, peers[0]!);
    dict.onMessage(order(1, position), last);
    dict.onMessage(order(2, position), last);
    assertEquals(statuses(last).slice(-2), [
      WatchStatus.same,
      WatchStatus.overloaded,
    ]);
    // Nobody knows these nodes: they are forgotten at the next look.
    ring.run(30_000);
    dict.onMessage(order(3, position), last);
    assertEquals(statuses(last).at(-1), WatchStatus.same);
  });
});

Deno.test("whatever a peer says of watches, a node goes on as if nothing was said", () => {
  const kinds: readonly Message["type"][] = messageTypes.filter((type) =>
    type.startsWith("watch") || type === "unwatch"
  );
  assertEquals(kinds.length, 6);
  const { ring, dict } = member();
  const random = new SeededRandom(7);
  const own = ring.node("A").machine.id;
  const queue = new WatchQueue();
  const match = { exact: false, bytes: utf8("") };
  const watch = { type: "watch", watch: 1, match, since: "start", queue };
  ring.ask("A", { ...watch, timeoutMs: Infinity } as never);
  for (let i = 0; i < 5_000; i++) {
    const kind = kinds[i % kinds.length]!;
    const message = messageOf(kind, random);
    // Half of them about the feed that there is.
    const feed = i % 2 === 0 ? { feed: 1 } : {};
    const from = i % 3 === 0 ? own : randomId(random);
    if (from === own && kind === "watchEvents") continue; // Its own table's.
    dict.onMessage({ ...message, ...feed } as Message, from);
  }
  ring.run(60_000);
  takeAll(queue);
  ring.set("A", "still", "here");
  ring.run(10_000);
  assert(takeAll(queue).some((change) => change.startsWith("set")));
});
