/**
 * Stories of watchers, and defects that the checks of watching must convict.
 */
import {
  assert,
  assertEquals,
  AssertionError,
  assertMatch,
  assertThrows,
} from "@std/assert";
import { fromUtf8, utf8 } from "../../src/base/bytes.ts";
import { type Id, ZERO_ID } from "../../src/id/id.ts";
import type { CopyView } from "../../src/dict/dict.ts";
import { type Since, Watch } from "../../src/dict/watch.ts";
import { WatchQueue } from "../../src/dict/watch_queue.ts";
import { Watched } from "../../src/dict/watched.ts";
import { Ring, type RingOptions } from "../../src/testing/scenarios.ts";
import { newestCopies } from "../../src/testing/truth.ts";
import { watchComplete, Watcher } from "../../src/testing/watchers.ts";
import type { MessageOf } from "../../src/wire/messages.ts";

/** Longer than any renewal and any comparison. */
const LONG_MS = 90_000;

/** A ring of so many members. */
function ringOf(members: number, options: RingOptions = {}): Ring {
  const ring = new Ring(options);
  ring.grow(members);
  return ring;
}

/** Has a node watch, and waits until it is ready. */
function watch(ring: Ring, at: string, prefix: string, since: Since): Watcher {
  const match = { exact: false, bytes: utf8(prefix) };
  const watcher = new Watcher(ring.node(at), match, since, 1);
  const { number, queue } = watcher;
  ring.ask(at, {
    type: "watch",
    watch: number,
    match,
    since,
    queue,
    timeoutMs: Infinity,
  });
  watcher.before = truthOf(ring);
  return watcher;
}

/** What it was told since it was last asked, as `key` or `-key`. */
function told(watcher: Watcher): string[] {
  const events: string[] = [];
  for (;;) {
    const change = watcher.queue.take();
    if (change === undefined) return events;
    assertEquals(watcher.hear(change), undefined);
    if (change.type === "gap") events.push("gap");
    else {
      const sign = change.type === "set" ? "" : "-";
      events.push(sign + fromUtf8(change.key));
    }
  }
}

function truthOf(ring: Ring): Map<string, CopyView> {
  const copies = newestCopies(ring.simulator.nodes).values();
  return new Map([...copies].map((copy) => [fromUtf8(copy.key), copy]));
}

function complete(ring: Ring, watcher: Watcher): string | undefined {
  return watchComplete(watcher, truthOf(ring));
}

/** Sets keys k0 to k19. */
function setAll(ring: Ring, at: string, value: string): void {
  for (let i = 0; i < 20; i++) ring.set(at, `k${i}`, value);
}

Deno.test("a change is told within a few round trips", () => {
  const ring = ringOf(4);
  const watcher = watch(ring, "D", "k", "now");
  ring.set("B", "k", "v");
  ring.run(20);
  assertEquals(told(watcher), ["k"]);
  ring.delete("C", "k");
  ring.run(20);
  assertEquals(told(watcher), ["-k"]);
});

Deno.test("the crash of a first holder loses nothing, and tells nothing twice", () => {
  const ring = ringOf(6);
  const watcher = watch(ring, "A", "k", "now");
  setAll(ring, "A", "1");
  const [first] = ring.holders("k0").filter((name) => name !== "A");
  ring.unplug(first!);
  for (let i = 0; i < 20; i++) {
    ring.set("A", `k${i}`, "2");
    ring.run(200);
  }
  ring.settle();
  ring.run(10_000);
  const events = told(watcher);
  assertEquals(complete(ring, watcher), undefined);
  assert(!events.includes("gap"));
});

Deno.test("the other side of a split is told once it is healed, old as it is", () => {
  const ring = ringOf(6);
  const watcher = watch(ring, "A", "k", "now");
  ring.split("ABC", "DEF");
  ring.run(30_000);
  setAll(ring, "D", "other side");
  ring.run(10 * 60_000);
  assertEquals(told(watcher), []);
  ring.heal();
  ring.settle();
  ring.run(10_000);
  assertEquals(told(watcher).sort().join(), keys().sort().join());
  assertEquals(complete(ring, watcher), undefined);
});

Deno.test("a watcher that slept is told what it slept through, the newest of each key", () => {
  const ring = ringOf(5);
  ring.leech("L", "A");
  ring.run(1_000);
  const watcher = watch(ring, "L", "", "now");
  ring.pause("L");
  setAll(ring, "A", "1");
  setAll(ring, "B", "2");
  ring.run(60_000);
  ring.resume("L");
  ring.settle();
  ring.run(10_000);
  const events = told(watcher);
  assertEquals(complete(ring, watcher), undefined);
  assert(!events.includes("gap"));
});

/** A leaf is told of a write that nobody has any more. */
function writeIsLost(): { ring: Ring; watcher: Watcher; events: string[] } {
  const ring = ringOf(5);
  setAll(ring, "A", "1");
  ring.leech("L", "A");
  ring.run(1_000);
  const watcher = watch(ring, "L", "k", "start");
  ring.run(1_000);
  assertEquals(told(watcher).length, 20);
  const [first] = ring.holders("k0");
  // Others agree with its clock: else it would keep nothing that they have not.
  ring.set(first!, "of another name", "1");
  ring.simulator.network.cut((from, to) =>
    from.name === first && to.name !== "L"
  );
  ring.simulator.call(ring.node(first!), {
    type: "set",
    key: utf8("k0"),
    value: utf8("lost"),
    timeoutMs: 1_000,
  }, () => {});
  ring.run(50);
  assertEquals(told(watcher), ["k0"]);
  ring.unplug(first!);
  ring.heal();
  ring.run(LONG_MS);
  return { ring, watcher, events: told(watcher) };
}

Deno.test("what was told, and nobody has any more, becomes a gap", () => {
  const { ring, watcher, events } = writeIsLost();
  assertEquals(events.filter((event) => event === "gap").length, 1);
  assertEquals(events.length, 21);
  assertEquals(complete(ring, watcher), undefined);
});

Deno.test("a reader that does not read keeps nobody waiting, and is told in the end", () => {
  const ring = ringOf(3);
  const watcher = watch(ring, "A", "k", "now");
  for (let i = 0; i < 3_000; i++) {
    ring.simulator.call(ring.node("B"), {
      type: "set",
      key: utf8(`k${i}`),
      value: utf8("v"),
      timeoutMs: 10_000,
    }, () => {});
    if (i % 100 === 0) ring.run(10);
  }
  ring.settle();
  ring.run(LONG_MS);
  // So much, and one batch of each arc.
  assert(watcher.queue.length <= 1024 * 4, `${watcher.queue.length} wait`);
  for (let round = 0; round < 50; round++) {
    told(watcher);
    ring.ask("A", { type: "taken", watch: 1, timeoutMs: 1_000 });
    ring.run(100);
  }
  assertEquals(complete(ring, watcher), undefined);
});

function keys(): string[] {
  return Array.from({ length: 20 }, (_, i) => `k${i}`);
}

/** Runs `story` while a method of a class is another one. */
function withDefect<C extends object, Name extends keyof C>(
  prototype: C,
  name: Name,
  defect: (original: C[Name]) => C[Name],
  story: () => void,
): void {
  const original = prototype[name];
  prototype[name] = defect(original);
  try {
    story();
  } finally {
    prototype[name] = original;
  }
}

/** Writes before and after the first holders of half of the keys have gone. */
function holdersGo(): string | undefined {
  const ring = ringOf(6);
  const watcher = watch(ring, "A", "k", "now");
  setAll(ring, "A", "1");
  for (const name of ["B", "C", "D"]) {
    ring.crash(name);
    ring.settle();
  }
  ring.join("G", "A");
  ring.join("H", "A");
  ring.settle();
  setAll(ring, "A", "2");
  ring.run(LONG_MS);
  told(watcher);
  return complete(ring, watcher);
}

/** One arc of a watch at its holder. */
interface Asked {
  readonly holder: Watched;
  readonly feed: number;
  readonly from: Id;
}

/**
 * A leaf watches since before all keys were deleted, and what it asks for of
 * the deletions that it was listed is lost; `fault` is what happens then.
 */
function deletedSince(
  fault: (ring: Ring, asked: readonly Asked[]) => void,
): { finding: string | undefined; events: string[] } {
  const ring = ringOf(5);
  setAll(ring, "A", "1");
  const { version } = truthOf(ring).get("k19")!;
  for (const key of keys()) ring.delete("A", key);
  ring.leech("L", "A");
  ring.run(1_000);
  const asked: Asked[] = [];
  const watchers: Watcher[] = [];
  const deaf = (onAck: Watched["onAck"]) =>
    function (this: Watched, ack: MessageOf<"watchAck">, from: Id): void {
      onAck.call(this, { ...ack, want: [] }, from);
      asked.push({ holder: this, feed: ack.feed, from });
    };
  withDefect(Watched.prototype, "onAck", deaf, () => {
    watchers.push(watch(ring, "L", "k", version));
    ring.run(1_000);
  });
  const [watcher] = watchers;
  assertEquals(told(watcher!), []);
  fault(ring, asked);
  ring.run(LONG_MS);
  const events = told(watcher!);
  return { finding: complete(ring, watcher!), events };
}

function forgetAll(_ring: Ring, asked: readonly Asked[]): void {
  for (const { holder, feed, from } of asked) holder.onUnwatch(feed, from);
}

Deno.test("deletions are told by holders that forgot who had asked for them", () => {
  const { finding, events } = deletedSince(forgetAll);
  assertEquals(finding, undefined);
  assertEquals(events.sort(), keys().map((key) => `-${key}`).sort());
});

/** Who listed an arc is not heard when it is asked again: another one is. */
function nextHolders(ring: Ring, asked: readonly Asked[]): void {
  const deaf = (onWatch: Watched["onWatch"]) =>
    function (this: Watched, order: MessageOf<"watch">, from: Id): void {
      const isDeaf = asked.some(({ holder, feed }) =>
        holder === this && feed === order.feed
      );
      if (!isDeaf) onWatch.call(this, order, from);
    };
  withDefect(Watched.prototype, "onWatch", deaf, () => ring.run(10_000));
}

Deno.test("deletions are told by the next holders, if who listed them is not heard", () => {
  const { finding, events } = deletedSince(nextHolders);
  assertEquals(finding, undefined);
  assertEquals(events.sort(), keys().map((key) => `-${key}`).sort());
});

Deno.test("the product passes what its defective sisters fail", () => {
  assertEquals(holdersGo(), undefined);
});

Deno.test("watchComplete convicts holders that take whom they forgot for new", () => {
  const asNew = (onWatch: Watched["onWatch"]) =>
    function (this: Watched, order: MessageOf<"watch">, from: Id): void {
      onWatch.call(this, { ...order, batch: 0 }, from);
    };
  withDefect(Watched.prototype, "onWatch", asNew, () => {
    assertMatch(`${deletedSince(forgetAll).finding}`, /was not told of "k/);
  });
});

Deno.test("watchComplete convicts a watcher that does not ask again after a crash", () => {
  const planned = new WeakSet<Watch>();
  const once = (plan: () => void) =>
    function (this: Watch): void {
      if (planned.has(this)) return;
      planned.add(this);
      plan.call(this);
    };
  withDefect(Watch.prototype, "plan", once, () => {
    const never = () => () => {};
    withDefect(Watch.prototype, "tick", never, () => {
      assertMatch(`${holdersGo()}`, /was (not )?told of "k/);
    });
  });
});

Deno.test("watchComplete convicts holders that take a watch over and tell nothing", () => {
  const seen = new WeakSet<Watched>();
  withDefect(
    Watched.prototype,
    "onWatch",
    (onWatch) =>
      function (this: Watched, order, from): void {
        if (order.round === 1 && !seen.has(this)) {
          seen.add(this);
          return onWatch.call(this, order, from);
        }
        // It says that all is well, and looks at a key that nobody writes.
        const known = { count: 0, digest: ZERO_ID };
        const match = utf8("nobody's");
        onWatch.call(this, { ...order, exact: true, match, known }, from);
      },
    () => assertMatch(`${holdersGo()}`, /was (not )?told of "k/),
  );
});

Deno.test("watchInVersionOrder convicts a gap that is not told", () => {
  const silent = () =>
    function (this: WatchQueue): void {
      this.clear();
    };
  withDefect(WatchQueue.prototype, "gap", silent, () => {
    const { message } = assertThrows(() => writeIsLost(), AssertionError);
    assertMatch(message, /was told of "k\d+" .* after/);
  });
});

Deno.test("watchComplete convicts a holder that forgets what has changed", () => {
  const ring = ringOf(3);
  const deaf = () => () => {};
  const watcher = watch(ring, "A", "k", "now");
  withDefect(Watched.prototype, "onChange", deaf, () => {
    setAll(ring, "A", "1");
    ring.run(1_000);
    assertEquals(told(watcher), []);
    assertMatch(`${complete(ring, watcher)}`, /was not told of "k/);
  });
  // It is only late: what two nodes know is compared now and then.
  ring.run(LONG_MS);
  told(watcher);
  assertEquals(complete(ring, watcher), undefined);
});

Deno.test("what came and went unseen need not be told; what was there must be", () => {
  const ring = ringOf(3);
  ring.set("A", "k1", "there");
  const watcher = watch(ring, "B", "k", "now");
  const [, there] = [...truthOf(ring)][0]!;
  const { key, version, terms } = there;
  const later = { ...version, ms: version.ms + 1 };
  const gone = { key, terms, value: undefined, version: later };
  assertEquals(
    watchComplete(watcher, new Map([["k1", there], ["k2", gone]])),
    undefined,
  );
  assertMatch(watchComplete(watcher, new Map([["k1", gone]]))!, /not told/);
  const back = { ...gone, value: utf8("again") };
  assertMatch(watchComplete(watcher, new Map([["k2", back]]))!, /not told/);
});

Deno.test("a deletion is told of a key that the first holder lacked, and that died, when the watch began", () => {
  const ring = ringOf(8);
  const [first, ...others] = ring.holders("k");
  const [writer, reader] = [..."ABCDEFGH"].filter((name) =>
    name !== first && !others.includes(name)
  );
  // Only the reader gets through to it: for the writer others stand in.
  ring.simulator.network.cut(({ name: from }, { name: to }) =>
    (from === first && to !== reader) || (to === first && from !== reader)
  );
  ring.set(writer!, "k", "v");
  assert(!ring.copies("k").includes(first!));
  const watcher = watch(ring, reader!, "k", "now");
  ring.pause(reader!);
  ring.unplug(first!);
  assert(ring.delete(writer!, "k"));
  ring.resume(reader!);
  ring.run(LONG_MS);
  assertEquals(told(watcher), ["-k"]);
  assertEquals(complete(ring, watcher), undefined);
});
