/** The directory on its own, where scans and events can be put in any order. */
import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { Directory } from "../../src/dict/driver/directory.ts";
import { Gate } from "../../src/dict/driver/gate.ts";
import { systemClock } from "../../src/system.ts";
import type { EntryRecord, Version } from "../../src/wire/messages.ts";
import { TestRing, until } from "./fixture.ts";

function version(ms: number): Version {
  return { ms, count: 0, node: "0".repeat(16) };
}

function entry(key: string, ms: number): EntryRecord {
  return {
    key: utf8(key),
    value: undefined,
    version: version(ms),
    terms: undefined,
  };
}

/** A directory whose scans give what the test puts in. */
class Stage {
  readonly errors: unknown[] = [];
  readonly directory: Directory;
  #scans: ReadableStreamDefaultController<EntryRecord>[] = [];

  constructor() {
    this.directory = new Directory({
      clock: { ...systemClock, setTimer: (run) => queueMicrotask(run) },
      scan: () => {
        const stream = new ReadableStream<EntryRecord>({
          start: (controller) => void this.#scans.push(controller),
        });
        return stream.values();
      },
      report: (error) => this.errors.push(error),
    });
  }

  get scans(): number {
    return this.#scans.length;
  }

  get keys(): string {
    const decoder = new TextDecoder();
    return [...this.directory.keys()].map((key) => decoder.decode(key))
      .sort().join();
  }

  meet(key: string, ms: number): void {
    this.#scans.at(-1)!.enqueue(entry(key, ms));
  }

  add(key: string, ms: number): void {
    this.directory.note(utf8(key), true, version(ms));
  }

  remove(key: string, ms: number): void {
    this.directory.note(utf8(key), false, version(ms));
  }

  async end(): Promise<void> {
    this.#scans.at(-1)!.close();
    await this.directory.complete();
    await settle();
  }

  fail(): void {
    this.#scans.at(-1)!.error(new Error("no holder"));
  }
}

/** Lets all that can run now run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("a page that was read before a deletion does not bring the key back", async () => {
  const stage = new Stage();
  stage.directory.refresh();
  stage.remove("key", 5);
  stage.meet("key", 4);
  stage.meet("other", 4);
  await stage.end();
  assertEquals(stage.keys, "other");
});

Deno.test("a key that was added while the scan ran stays", async () => {
  const stage = new Stage();
  stage.directory.refresh();
  stage.add("new", 5);
  stage.meet("old", 1);
  await stage.end();
  assertEquals(stage.keys, "new,old");
});

Deno.test("a key that was added again after a deletion is there", async () => {
  const stage = new Stage();
  stage.directory.refresh();
  stage.meet("key", 6);
  stage.remove("key", 5);
  stage.add("key", 6);
  await stage.end();
  assertEquals(stage.keys, "key");
});

Deno.test("a deletion that was missed is found by the next scan", async () => {
  const stage = new Stage();
  stage.directory.refresh();
  stage.meet("gone", 1);
  stage.meet("here", 1);
  await stage.end();
  stage.directory.refresh();
  stage.meet("here", 1);
  await stage.end();
  assertEquals(stage.keys, "here");
});

Deno.test("what was missed during a scan leads to another one", async () => {
  const stage = new Stage();
  stage.directory.refresh();
  stage.directory.refresh();
  assertEquals(stage.scans, 1);
  await stage.end();
  assertEquals(stage.scans, 2);
  stage.directory.close();
  await stage.end();
});

Deno.test("a scan that fails is reported and repeated", async () => {
  const stage = new Stage();
  stage.directory.refresh();
  stage.fail();
  await settle();
  assertEquals([stage.errors.length, stage.scans], [1, 2]);
  stage.meet("key", 1);
  await stage.end();
  assertEquals(stage.keys, "key");
});

Deno.test("a gate lets so many and so much through, the others in order", async () => {
  const gate = new Gate(2, 100);
  const order: string[] = [];
  const enter = (name: string, bytes: number) => {
    const turn = gate.enter(bytes);
    if (turn === undefined) order.push(name);
    else turn.then(() => order.push(name));
  };
  enter("a", 40);
  enter("b", 70); // Too much beside "a".
  enter("c", 10); // Not before "b".
  await settle();
  assertEquals(order, ["a"]);
  gate.leave(40);
  await settle();
  assertEquals(order, ["a", "b", "c"]);
  gate.leave(70);
  gate.leave(10);
  enter("larger than the gate", 1000);
  assertEquals(order.at(-1), "larger than the gate");
});

Deno.test("a directory knows what ends, whether a scan or an event told of it", async () => {
  await using ring = await TestRing.of(2);
  const { first } = ring;
  await first.set("stays", "1");
  await first.set("met", "2", { ttlMs: 1_500 });
  const keeper = await ring.leaf({ directory: true });
  await keeper.settled();
  const gone: string[] = [];
  keeper.on("delete", (_, key) => gone.push(key));
  await first.set("heard", "3", { ttlMs: 100 });
  await until("an event", () => gone.includes("heard"));
  const names = () => [...keeper.keys()].sort();
  await until("the end of the other one", () => names().join() === "stays");
});
