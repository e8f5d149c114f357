/** The checker and the proxies of `deno task faults`, and a defect it finds. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  quietSince,
  unequalCopies,
  verdictOf,
  viewsOf,
} from "../../scripts/faults/checker.ts";
import type { CopySaid, Snapshot } from "../../scripts/faults/node.ts";
import { FAIR, Proxies } from "../../scripts/faults/proxy.ts";
import { type Plan, runKind } from "../../scripts/faults/run.ts";
import {
  History,
  keyOf,
  type Operation,
  type WorkType,
} from "../../src/testing/history.ts";
import { Ledger } from "../../src/testing/ledger.ts";
import { Health, type MemberRecord, Role } from "../../src/wire/messages.ts";

const REPLICAS = 3;
const NAMES = ["A", "B", "C"];
const IDS = ["2", "6", "a"].map((digit) => digit.repeat(32));

const versionAt = (ms: number) => ({ ms, count: 0, node: "0".repeat(16) });

const members: readonly MemberRecord[] = IDS.map((id) => ({
  id,
  incarnation: 1,
  role: Role.active,
  health: Health.alive,
  position: id,
  url: "",
}));

/** What three nodes hold, and what clients have seen of it. */
class Scene {
  readonly history = new History();
  readonly ledger = new Ledger(REPLICAS);
  readonly reads: Operation[] = [];
  /** By node. */
  readonly copies: CopySaid[][] = NAMES.map(() => []);

  /** Somebody wrote, from one moment to another; the nodes hold it. */
  set(key: string, value: string, startMs: number, endMs: number): void {
    this.#did("set", key, value, startMs, endMs, "ok");
    const version = versionAt(startMs);
    const safe = new Set(IDS);
    const write = { key: keyOf(key), version, isDelete: false, atMs: endMs };
    this.ledger.acknowledge({ ...write, safe });
    this.hold(key, value, startMs);
  }

  /** A write of which nobody knows what became. */
  maybe(key: string, value: string, startMs: number, endMs: number): void {
    this.#did("set", key, value, startMs, endMs, "maybe");
  }

  /** Somebody wanted to delete it, and was told that it is not there. */
  miss(key: string, startMs: number, endMs: number): void {
    this.#did("delete", key, undefined, startMs, endMs, "ok");
  }

  delete(key: string, startMs: number, endMs: number): void {
    const operation = this.#did(
      "delete",
      key,
      undefined,
      startMs,
      endMs,
      "ok",
    );
    operation.didChange = true;
    this.hold(key, null, startMs);
  }

  /** All nodes hold this, or nothing. */
  hold(key: string, value: string | null, ms: number, nodes = NAMES): void {
    for (const [i, copies] of this.copies.entries()) {
      if (!nodes.includes(NAMES[i]!)) continue;
      const at = copies.findIndex((copy) => copy.key === key);
      if (at >= 0) copies.splice(at, 1);
      copies.push({ key, version: versionAt(ms), value });
    }
  }

  /** Every node gives this in the end. */
  read(key: string, found: string | undefined, node = "A"): void {
    const startMs = 1_000;
    const value = undefined;
    const operation = { type: "get", client: 0, node, key, value } as const;
    const read = this.history.begin({ ...operation, ttlMs: value, startMs });
    read.found = found;
    this.history.end(read, startMs + 1, "ok");
    this.reads.push(read);
  }

  get snapshots(): Map<string, Snapshot> {
    return new Map(NAMES.map((name, i) => {
      const copies = this.copies[i]!;
      return [name, { id: IDS[i]!, members, isSettled: true, copies }];
    }));
  }

  get unequal(): string | undefined {
    return unequalCopies(viewsOf(this.snapshots), REPLICAS);
  }

  get verdict(): string {
    const live = viewsOf(this.snapshots);
    return verdictOf(this.history, this.ledger, live, this.reads).join("\n");
  }

  #did(
    type: WorkType,
    key: string,
    value: string | undefined,
    startMs: number,
    endMs: number,
    ending: "ok" | "maybe",
  ): Operation {
    const given = { client: 0, node: "A", ttlMs: undefined, startMs };
    const operation = this.history.begin({ type, key, value, ...given });
    this.history.end(operation, endMs, ending);
    return operation;
  }
}

Deno.test("the checker acquits a ring in which all is well", () => {
  const scene = new Scene();
  scene.set("k", "1", 10, 12);
  scene.set("k", "2", 20, 22);
  scene.read("k", "2");
  scene.read("k", "2", "B");
  scene.delete("gone", 30, 31);
  scene.read("gone", undefined);
  assertEquals(scene.unequal, undefined);
  assertEquals(scene.verdict, "");
});

Deno.test("of writes at the same time, and of those that failed, either may stay", () => {
  for (const found of ["1", "2", "3"]) {
    const scene = new Scene();
    scene.set("k", "1", 10, 30);
    scene.set("k", "2", 20, 25);
    scene.maybe("k", "3", 5, 8);
    scene.hold("k", found, 40);
    scene.read("k", found);
    assertEquals(scene.verdict, "");
  }
});

Deno.test("what was seen while nodes were cut off may be stale", () => {
  const scene = new Scene();
  scene.set("k", "1", 10, 12);
  scene.miss("k", 20, 22);
  scene.read("k", "1");
  assertEquals(scene.verdict, "");
});

Deno.test("the checker convicts a ring that has lost an acknowledged write", () => {
  const scene = new Scene();
  scene.set("k", "1", 10, 12);
  scene.set("k", "2", 20, 22);
  scene.hold("k", "1", 10);
  scene.read("k", "1");
  assertEquals(scene.unequal, undefined);
  assertMatch(scene.verdict, /noLostWrite: "k"/);
  assertMatch(scene.verdict, /readsAreFresh: get of "k"/);
});

Deno.test("the checker convicts a ring in which a deleted key has come back", () => {
  const scene = new Scene();
  scene.set("k", "1", 10, 12);
  scene.delete("k", 20, 22);
  scene.hold("k", "1", 30);
  scene.read("k", "1");
  assertMatch(scene.verdict, /readsAreFresh: get of "k"/);
});

Deno.test("the checker convicts holders that differ, or lack what others have", () => {
  const lacking = new Scene();
  lacking.set("k", "1", 10, 12);
  lacking.copies[1]!.length = 0;
  assertMatch(lacking.unequal!, /"k" at B: no copy/);
  const older = new Scene();
  older.set("k", "1", 10, 12);
  older.hold("k", "0", 9, ["C"]);
  assertMatch(older.unequal!, /"k" at C: 9\.0/);
  const other = new Scene();
  other.set("k", "1#digest", 10, 12);
  other.hold("k", "1#another", 10, ["C"]);
  assertMatch(other.unequal!, /other bytes/);
});

Deno.test("the checker convicts nodes that see different rings", () => {
  const { snapshots } = new Scene();
  const blind = { ...snapshots.get("B")!, members: members.slice(1) };
  snapshots.set("B", blind);
  assertMatch(unequalCopies(viewsOf(snapshots), REPLICAS)!, /B sees/);
});

Deno.test("the checker convicts a node that reads something old, or cannot read", () => {
  const scene = new Scene();
  scene.set("k", "1", 10, 12);
  scene.set("k", "2", 20, 22);
  scene.read("k", "2");
  scene.read("k", "1", "B");
  assertMatch(scene.verdict, /finalReadIsNewest: B reads 1 from "k"/);
  scene.reads[1]!.ending = "no";
  assertMatch(scene.verdict, /everyKeyIsReadable: "k" .* from B/);
});

Deno.test("keys that are being written are not compared yet", () => {
  const scene = new Scene();
  scene.set("old", "1", 10, 12);
  scene.set("new", "1", 50, 52);
  const isQuiet = quietSince(scene.history, 40);
  assertEquals(["old", "new"].map(isQuiet), [true, false]);
  scene.copies[1]!.splice(1);
  assertMatch(scene.unequal!, /"new" at B/);
  const live = viewsOf(scene.snapshots, isQuiet);
  assertEquals(unequalCopies(live, REPLICAS), undefined);
});

/** A server that sends back what it gets, and somebody who dials it. */
class Echo implements AsyncDisposable {
  readonly proxies = new Proxies();
  readonly #server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port: number;
  readonly #conns: Deno.Conn[] = [];

  constructor(name: string) {
    this.#port = Number(new URL(this.proxies.open(name)).port);
    this.proxies.aim(name, this.#server.addr.port);
    void this.#serve();
  }

  /** Dials as a node does; gives what says a line and awaits its echo. */
  async dial(from: string): Promise<(line: string) => Promise<string>> {
    const conn = await Deno.connect({
      hostname: "127.0.0.1",
      port: this.#port,
    });
    this.#conns.push(conn);
    const reader = conn.readable.pipeThrough(new TextDecoderStream())
      .getReader();
    let rest = "";
    const hear = async (): Promise<string> => {
      while (!rest.includes("\r\n")) {
        const { done, value } = await reader.read();
        if (done) return "the end";
        rest += value;
      }
      const [first, ...others] = rest.split("\r\n");
      rest = others.join("\r\n");
      return first!;
    };
    let turn: Promise<unknown> = Promise.resolve();
    // Lines leave at once; who waits for an answer waits for those before.
    const say = (line: string): Promise<string> => {
      const sent = conn.write(new TextEncoder().encode(`${line}\r\n`));
      const heard = Promise.all([sent, turn]).then(hear);
      turn = heard.catch(() => {});
      return heard;
    };
    const greeting = `GET /?from=${from} HTTP/1.1`;
    assertEquals(await say(greeting), greeting);
    return say;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.proxies.close();
    this.#server.close();
    for (const conn of this.#conns) {
      try {
        conn.close();
      } catch { /* It has ended by itself. */ }
    }
    await Promise.resolve();
  }

  async #serve(): Promise<void> {
    try {
      for await (const conn of this.#server) {
        conn.readable.pipeTo(conn.writable).catch(() => {});
      }
    } catch { /* Closed. */ }
  }
}

Deno.test("a proxy holds back what a cut keeps from arriving, one way or both", async () => {
  await using echo = new Echo("B");
  const [say, other] = [await echo.dial("A"), await echo.dial("C")];
  for (
    const isCut of [
      (from: string, to: string) => from === "A" && to === "B",
      (from: string, to: string) => from === "B" && to === "A",
      (from: string, to: string) => [from, to].includes("A"),
    ]
  ) {
    echo.proxies.weather = { ...FAIR, isCut };
    let answer = "";
    const asked = say("ping").then((line) => answer = line);
    // By the time that others were answered several times, so would A be.
    for (let i = 0; i < 20; i++) assertEquals(await other("pong"), "pong");
    assertEquals(answer, "");
    echo.proxies.weather = FAIR;
    assertEquals(await asked, "ping");
  }
});

Deno.test("a proxy delays, keeps the order, and breaks connections", async () => {
  await using echo = new Echo("B");
  const say = await echo.dial("A");
  let delayMs = 60;
  // Each chunk is delayed less than the one before.
  echo.proxies.weather = { ...FAIR, delayMs: () => delayMs -= 10 };
  const startMs = performance.now();
  const answers = [say("first"), say("second")];
  assertEquals(await answers[0], "first");
  assert(performance.now() - startMs >= 50, "came too soon");
  assertEquals(await answers[1], "second");
  assertEquals(echo.proxies.reset(() => true), 1);
  assertEquals(await say("third").catch(() => "the end"), "the end");
});

const PLAN: Plan = {
  kind: "kill",
  seed: 1,
  seconds: 1,
  nodes: 4,
  replicas: REPLICAS,
  replicasMade: REPLICAS,
  recoveryMsMax: 30_000,
  say: () => {},
};

Deno.test("processes that are killed take nothing with them", async () => {
  const { findings, recoveries, operations } = await runKind(PLAN);
  assertEquals(findings, []);
  assert(recoveries.length > 0 && operations > 0);
});

Deno.test("nodes that acknowledge at one copy are convicted when one is killed", async () => {
  const plan = { ...PLAN, replicasMade: 1, recoveryMsMax: 2_000 };
  const { findings } = await runKind(plan);
  assertMatch(findings.join("\n"), /noLostWrite: "/);
  assertMatch(findings.join("\n"), /recovery: .* no copy/);
});
