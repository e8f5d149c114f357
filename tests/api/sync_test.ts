import {
  type ChordOptions,
  ChordSocket,
  json,
  KeyNotFoundError,
  LeaseError,
  memoryPair,
  SubnetMismatchError,
  type SyncOptions,
  SyncSocket,
  text,
  UpdateError,
} from "@chord/dict";
import { listen } from "@chord/dict/deno";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { until } from "./fixture.ts";
import { Gateway } from "./gateway.ts";

type Sync = SyncSocket<string, string>;
type Options = Omit<SyncOptions<string, string>, "keys" | "values">;

function syncSocket(options: Options = {}): Sync {
  return new SyncSocket({ ...options, keys: text, values: text });
}

/** Nodes that listen and know each other; disposing closes them all. */
class Net implements AsyncDisposable {
  readonly nodes: Sync[] = [];

  static async of(count: number, options: Options = {}): Promise<Net> {
    const net = new Net();
    for (let i = 0; i < count; i++) await net.server(options);
    await net.agreed();
    return net;
  }

  get first(): Sync {
    return this.nodes[0]!;
  }

  async server(options: Options = {}): Promise<Sync> {
    const sock = syncSocket(options);
    await listen(sock);
    await this.#add(sock);
    return sock;
  }

  /** One that cannot be dialled. */
  page(options: Options = {}): Promise<Sync> {
    return this.#add(syncSocket(options));
  }

  /** Resolves once all are active members that have everything. */
  async agreed(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.settled()));
    await until(
      "all are members for all",
      () => this.nodes.every((node) => activeOf(node) === this.nodes.length),
    );
    await Promise.all(this.nodes.map((node) => node.settled()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  async #add(sock: Sync): Promise<Sync> {
    this.nodes.push(sock);
    if (sock !== this.first) await sock.connect(this.first.url);
    return sock;
  }
}

function activeOf(node: Sync): number {
  return node.members.filter(({ role, health }) =>
    role === "active" && health === "alive"
  ).length;
}

function sorted(entries: Iterable<[string, string]>): [string, string][] {
  return [...entries].sort(([a], [b]) => a < b ? -1 : 1);
}

/** Versions of one millisecond are in no order that a test could know. */
function tick(): Promise<void> {
  const startMs = Date.now();
  return until("the next millisecond", () => Date.now() > startMs);
}

/** What a node is told, in order. */
function eventsOf(node: Sync): string[] {
  const events: string[] = [];
  node.on("update", (sock, key, value, { owner, timestamp }) => {
    assert(sock === node && owner.length === 32);
    assert(Math.abs(Date.now() - timestamp) < 600_000);
    events.push(`${key}=${value}`);
  });
  node.on("delete", (sock, key) => {
    assert(sock === node);
    events.push(`${key}!`);
  });
  return events;
}

Deno.test("alone it is a dict, at once and without a join", async () => {
  await using sock = syncSocket();
  assertEquals(sock.get("key"), undefined);
  assertEquals(sock.get("key", null), null);
  await sock.set("key", "value");
  assertEquals(sock.get("key"), "value");
  assertEquals([sock.has("key"), sock.has("other"), sock.size()], [
    true,
    false,
    1,
  ]);
  assertEquals(await sock.setdefault("key", "other"), "value");
  assertEquals(await sock.pop("key"), "value");
  assertEquals(await sock.del("key"), false);
  assertEquals(sock.size(), 0);
});

Deno.test("reads are values, and may be awaited all the same", async () => {
  await using net = await Net.of(3);
  const [writer, reader] = net.nodes as [Sync, Sync];
  await writer.set("key", "value");
  const value: string | undefined = reader.get("key");
  assertEquals(value, "value");
  assertEquals(await reader.get("key"), "value");
  const before = reader.stats().framesSent;
  for (let i = 0; i < 1000; i++) reader.get(`missing ${i}`, i);
  assertEquals(reader.stats().framesSent, before);
});

Deno.test("a write that is acknowledged is on every node, pages too", async () => {
  await using net = await Net.of(2);
  for (let i = 0; i < 2; i++) await net.page();
  await net.agreed();
  for (const [i, writer] of net.nodes.entries()) {
    await writer.set(`key ${i}`, "value");
    for (const node of net.nodes) assertEquals(node.get(`key ${i}`), "value");
  }
});

Deno.test("plain loops, for await and copy() give all there is", async () => {
  await using net = await Net.of(2);
  const wanted = new Map<string, string>();
  for (let i = 0; i < 100; i++) wanted.set(`key ${i}`, `value ${i}`);
  await net.first.update(wanted);
  const other = net.nodes[1]!;
  assertEquals(sorted(other), sorted(wanted));
  assertEquals(sorted(other.items()), sorted(wanted));
  assertEquals([...other.keys()].sort(), [...wanted.keys()].sort());
  assertEquals([...other.values()].sort(), [...wanted.values()].sort());
  assertEquals(sorted(other.copy()), sorted(wanted));
  assertEquals(sorted(await Array.fromAsync(other)), sorted(wanted));
  const keys = await Array.fromAsync(other.keys());
  assertEquals(keys.sort(), [...wanted.keys()].sort());
});

Deno.test("a late joiner has everything, and is told of it", async () => {
  await using net = await Net.of(2);
  const entries = new Map<string, string>();
  for (let i = 0; i < 3000; i++) entries.set(`key ${i}`, `value ${i}`);
  await net.first.update(entries);
  await net.first.del("key 0");
  const late = syncSocket();
  const events = eventsOf(late);
  net.nodes.push(late);
  await late.connect(net.first.url);
  await late.settled();
  entries.delete("key 0");
  assertEquals(sorted(late), sorted(entries));
  assertEquals(events.length, entries.size);
  assertEquals(new Set(events).size, entries.size);
  assertEquals(late.has("key 0"), false);
});

Deno.test("'update' and 'delete' come on every node, the writer too, in order and once", async () => {
  await using net = await Net.of(3);
  const heard = net.nodes.map(eventsOf);
  const { first } = net;
  for (let i = 0; i < 20; i++) await first.set("key", `${i}`);
  await first.del("key");
  await first.set("last", "value");
  const wanted = Array.from({ length: 20 }, (_, i) => `key=${i}`);
  wanted.push("key!", "last=value");
  for (const events of heard) assertEquals(events, wanted);
});

Deno.test("a writer's name is told with the value", async () => {
  for (const leasing of [true, false]) {
    await using net = await Net.of(2, { leasing });
    const [writer, other] = net.nodes as [Sync, Sync];
    const owners: string[] = [];
    other.on("update", (_, _key, _value, { owner }) => owners.push(owner));
    await writer.set("key", "value");
    assertEquals(owners, [writer.id]);
  }
});

Deno.test("13: leasing is on unless it is turned off", async () => {
  await using net = await Net.of(3);
  const [owner, other] = net.nodes as [Sync, Sync];
  await owner.set("key", "mine");
  const error = await assertRejects(() => other.set("key", "no"), LeaseError);
  assertEquals(error.owner, owner.id);
  await assertRejects(() => other.del("key"), LeaseError);
  await assertRejects(() => other.pop("key"), LeaseError);
  await other.set("theirs", "value");
  const cleared = await assertRejects(() => other.clear(), UpdateError);
  assertEquals([...cleared.failed.keys()], ["key"]);
  assertInstanceOf(cleared.failed.get("key"), LeaseError);
  assertEquals(sorted(owner), [["key", "mine"]]);
  await using off = await Net.of(2, { leasing: false });
  await off.nodes[0]!.set("key", "one");
  await off.nodes[1]!.set("key", "two");
  for (const node of off.nodes) assertEquals(node.get("key"), "two");
});

Deno.test("13: del, pop and popitem work, and others see it", async () => {
  await using net = await Net.of(3, { leasing: false });
  const [one, two, three] = net.nodes as [Sync, Sync, Sync];
  await one.update({ a: "1", b: "2", c: "3" });
  assertEquals(await two.del("a"), true);
  assertEquals(await two.del("a"), false);
  assertEquals(await three.pop("b"), "2");
  assertEquals(await three.pop("b", "gone"), "gone");
  await assertRejects(() => three.pop("b"), KeyNotFoundError);
  assertEquals(await one.popitem(), ["c", "3"]);
  await assertRejects(() => one.popitem(), KeyNotFoundError);
  for (const node of net.nodes) assertEquals([...node], []);
  await one.set("k", "v");
  const popped = await Promise.all(net.nodes.map((node) => node.pop("k", "")));
  assertEquals(popped.sort(), ["", "", "v"]);
});

Deno.test("13: nets that each had values become one, and agree", async () => {
  await using one = await Net.of(2, { leasing: false });
  await using other = await Net.of(2, { leasing: false });
  await one.first.update({ same: "older", one: "1", kept: "1" });
  await other.first.update({ other: "2", gone: "2" });
  await other.first.del("gone");
  await tick();
  await other.first.set("same", "newer");
  await one.first.connect(other.first.url);
  const wanted = [["kept", "1"], ["one", "1"], ["other", "2"], [
    "same",
    "newer",
  ]];
  for (const node of [...one.nodes, ...other.nodes]) {
    await until(
      "all agree",
      () => JSON.stringify(sorted(node)) === JSON.stringify(wanted),
    );
  }
});

const QUICK = {
  suspicionMinMs: 100,
  suspicionMaxMs: 300,
  probeMs: 100,
  redialMaxMs: 200,
};

Deno.test("13: halves that were cut apart converge, and no delete comes back", async () => {
  const options = { leasing: false, timings: QUICK };
  await using gateway = new Gateway();
  await using server = syncSocket({ ...options, url: gateway.url });
  const { port } = await listen(server);
  gateway.open(port);
  await using page = syncSocket(options);
  await page.connect(gateway.url);
  await page.settled();
  await server.update({ both: "0", deleted: "0" });
  gateway.cut();
  await until("each is alone", () => [server, page].every(isAlone));
  await server.set("both", "of the server");
  await server.del("deleted");
  await server.set("server", "1");
  await tick();
  await page.set("page", "1");
  await page.set("both", "of the page");
  gateway.open(port);
  const wanted = [["both", "of the page"], ["page", "1"], ["server", "1"]];
  for (const node of [server, page]) {
    await until(
      "all agree",
      () => JSON.stringify(sorted(node)) === JSON.stringify(wanted),
    );
  }
});

function isAlone(node: Sync): boolean {
  return activeOf(node) === 1;
}

Deno.test("two that connect to each other at the same moment are one", async () => {
  for (let i = 0; i < 10; i++) {
    await using net = new Net();
    const nodes = [syncSocket(), syncSocket()] as const;
    net.nodes.push(...nodes);
    for (const node of nodes) await listen(node);
    await Promise.all([
      nodes[0].connect(nodes[1].url),
      nodes[1].connect(nodes[0].url),
      nodes[0].set("a", "0"),
      nodes[1].set("b", "1"),
    ]);
    await net.agreed();
    for (const node of nodes) {
      assertEquals(sorted(node), [["a", "0"], ["b", "1"]]);
    }
  }
});

Deno.test("an entry with a lifetime is gone everywhere, at once for reads", async () => {
  await using net = await Net.of(2);
  const [one, two] = net.nodes as [Sync, Sync];
  const events = eventsOf(two);
  await one.set("key", "value", { ttlMs: 150 });
  await one.set("stays", "value");
  assertEquals(two.get("key"), "value");
  await until("the end", () => !two.has("key"));
  assertEquals([two.size(), [...two.keys()]], [1, ["stays"]]);
  await until("the event", () => events.includes("key!"));
  await until("the other's end", () => one.get("key") === undefined);
  await one.set("key", "again", { ttlMs: 150 });
  assertEquals(await one.touch("key", 60_000), true);
  assertEquals(two.get("key"), "again");
});

Deno.test("a session's entries go with their writer", async () => {
  await using net = await Net.of(2);
  const page = await net.page();
  await net.agreed();
  await page.set("here", "yes", { session: true });
  await page.set("stays", "yes");
  assertEquals(net.first.get("here"), "yes");
  await page.close();
  await until("no entry", () => !net.first.has("here"));
  assertEquals(net.first.get("stays"), "yes");
});

Deno.test("a node that closes takes nothing with it, and leaves none waiting", async () => {
  await using net = await Net.of(3);
  await net.nodes[2]!.set("key", "value");
  await net.nodes.pop()!.close();
  const startMs = performance.now();
  await net.first.set("other", "value");
  assert(performance.now() - startMs < 900, "no stand-in is waited for");
  assertEquals(net.nodes[1]!.get("key"), "value");
});

Deno.test("of codecs both sides are typed, and values are copies", async () => {
  await using sock = new SyncSocket<string, { n: number }>({
    keys: text,
    values: json,
  });
  await sock.set("key", { n: 1 });
  const found = sock.get("key");
  assertEquals(found?.n, 1);
  await using plain = new SyncSocket();
  await plain.set("key", Uint8Array.of(1));
  plain.get("key")!.fill(9);
  assertEquals(plain.get("key"), Uint8Array.of(1));
});

Deno.test("what is called wrongly is refused at once", async () => {
  await using sock = syncSocket();
  assertThrows(() => sock.get(""), TypeError);
  assertThrows(() => sock.has(7 as never), TypeError);
  await assertRejects(() => sock.set("key", 7 as never), TypeError);
  await assertRejects(
    () => sock.set("key", "x".repeat(1024 * 1024 + 1)),
    RangeError,
  );
  assertThrows(() => syncSocket({ leasing: 1 as never }), TypeError);
  assertThrows(() => syncSocket({ leasing: false, leaseMs: 5 }), TypeError);
  assertEquals(sock.size(), 0);
});

Deno.test("other dicts of the same subnet are not met", async () => {
  const chord = (options: ChordOptions<string, string>) =>
    new ChordSocket({ ...options, keys: text, values: text });
  const kinds = [
    () => syncSocket(),
    () => syncSocket({ leasing: false }),
    () => chord({}),
    () => chord({ leasing: true }),
  ];
  for (const [i, one] of kinds.entries()) {
    for (const other of kinds.slice(i + 1)) {
      await using a = one();
      await using b = other();
      const [left, right] = memoryPair();
      const refused = assertRejects(() => a.attach(left), SubnetMismatchError);
      await assertRejects(() => b.attach(right), SubnetMismatchError);
      await refused;
    }
  }
});
