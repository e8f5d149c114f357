/**
 * Five nodes, a text file, a crash, a joiner and a leaver: `deno task demo`.
 *
 * Every node is a process of its own. Whatever is read is compared byte for
 * byte; the first mismatch ends the demo with 1.
 *
 * @module
 */
import { Child } from "./children.ts";
import type { Pair, Timed } from "./demo/node.ts";
import { type Mark, picture } from "./demo/picture.ts";
import { Latencies, shownMs } from "./latencies.ts";

const DEMO_MS_MAX = 58_000;
const PROGRAM = new URL("./demo/node.ts", import.meta.url);
const README = new URL("../README.md", import.meta.url);

const text = (words: string): string =>
  new TextEncoder().encode(words).toBase64();

/** The mismatch or failure that ends the demo. */
class Mismatch extends Error {
  override readonly name = "Mismatch";
}

function expect(what: string, actual: unknown, wanted: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (is === should) return;
  throw new Mismatch(`${what}: got ${is}, wanted ${should}`);
}

/** The file's lines by their numbers, line ends included. */
async function linesOf(path: string | URL): Promise<Pair[]> {
  const bytes = await Deno.readFile(path);
  const lines: Pair[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(10, at) + 1 || bytes.length;
    lines.push([String(lines.length + 1), bytes.slice(at, end).toBase64()]);
    at = end;
  }
  return lines;
}

/** The nodes that run, and what is known of the dict. */
class Demo {
  readonly #nodes = new Map<string, Child>();
  readonly #urls = new Map<string, string>();
  readonly #lines: readonly Pair[];
  readonly #latencies = new Map<string, Latencies>();
  readonly #startMs = performance.now();

  constructor(lines: readonly Pair[]) {
    this.#lines = lines;
  }

  say(words: string): void {
    const seconds = (performance.now() - this.#startMs) / 1000;
    console.log(`${seconds.toFixed(1).padStart(5)} s  ${words}`);
  }

  node(name: string): Child {
    return this.#nodes.get(name)!;
  }

  #record(kind: string, ...ms: readonly number[]): void {
    const latencies = this.#latencies.get(kind) ?? new Latencies();
    latencies.add(...ms);
    this.#latencies.set(kind, latencies);
  }

  /** A process that listens, knows the others and has joined. */
  async start(name: string, introducer?: string): Promise<void> {
    const node = new Child(name, PROGRAM, ["demo"]);
    this.#nodes.set(name, node);
    const url = await node.call<string>("listen");
    this.#urls.set(name, url);
    if (introducer !== undefined) {
      await node.call("connect", this.#urls.get(introducer));
    }
    await node.call("join");
    const by = introducer === undefined ? "founds the ring" : "joins";
    this.say(`${name} (process ${node.pid}, ${url}) ${by}`);
  }

  async kill(name: string): Promise<void> {
    const node = this.node(name);
    this.#nodes.delete(name);
    await node.kill();
  }

  async settled(): Promise<void> {
    const startMs = performance.now();
    await Promise.all(
      [...this.#nodes.values()].map((node) => node.call("settled")),
    );
    const ms = performance.now() - startMs;
    this.say(`all ranges have their copies again (after ${shownMs(ms)})`);
  }

  async draw(): Promise<void> {
    const [first] = this.#nodes.values();
    const ring = await first!.call<(Mark & { id: string })[]>("ring");
    const marks: Mark[] = [];
    for (const [name, node] of this.#nodes) {
      const id = await node.call<string>("id");
      const member = ring.find((found) => found.id === id);
      const entries = await node.call<number>("entries");
      if (member === undefined) {
        throw new Mismatch(`${name} is not in the ring`);
      }
      const { through, share } = member;
      marks.push({ name, through, share, entries });
    }
    expect("members of the ring", ring.length, marks.length);
    console.log(picture(marks));
  }

  async write(by: string): Promise<void> {
    const ms = await this.node(by).call<number[]>("setAll", this.#lines);
    this.#record("set, 3 copies", ...ms);
    this.say(`${by} has set ${ms.length} lines`);
  }

  async readAll(by: string): Promise<void> {
    const keys = this.#lines.map(([key]) => key);
    const found = await this.node(by).call<Timed<string>[]>("getAll", keys);
    for (const [at, { value, ms }] of found.entries()) {
      expect(`line ${keys[at]} read by ${by}`, value, this.#lines[at]![1]);
      this.#record("get", ms);
    }
    this.say(`${by} has read ${found.length} lines, byte for byte the same`);
  }

  async readMissing(by: string, count: number): Promise<void> {
    const keys = Array.from({ length: count }, (_, i) => `no such line ${i}`);
    const found = await this.node(by).call<Timed<null>[]>("getAll", keys);
    for (const { value, ms } of found) {
      expect("a line that is not there", value, null);
      this.#record("get, missing key", ms);
    }
  }

  /** What the dict must hold: the lines, and what else was put there. */
  async compareAll(by: string, extra: readonly Pair[]): Promise<void> {
    const wanted = [...this.#lines, ...extra].sort(byKey);
    const node = this.node(by);
    const items = (await node.call<Pair[]>("items")).sort(byKey);
    expect(`items() at ${by}`, items, wanted);
    const keys = (await node.call<string[]>("keys")).sort();
    expect(`keys() at ${by}`, keys, wanted.map(([key]) => key).sort());
    const values = (await node.call<string[]>("values")).sort();
    expect(`values() at ${by}`, values, wanted.map(([, v]) => v).sort());
    expect(`size() at ${by}`, await node.call("size"), wanted.length);
    this.say(`${by} lists ${wanted.length} keys, values and items`);
  }

  summary(): void {
    for (const [kind, latencies] of this.#latencies) {
      const median = shownMs(latencies.quantile(0.5));
      const p99 = shownMs(latencies.quantile(0.99));
      console.log(
        `   ${kind.padEnd(18)} ${String(latencies.count).padStart(6)} times` +
          `   median ${median.padStart(8)}   p99 ${p99.padStart(8)}`,
      );
    }
  }

  /** Ends every process by its id, in whatever state the demo is. */
  async end(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.kill()));
  }
}

const byKey = ([a]: Pair, [b]: Pair): number => a < b ? -1 : 1;

/** Collects the events of one node until those that are wanted are there. */
class Watch {
  readonly #seen: string[] = [];
  #check: () => void = () => {};

  constructor(node: Child) {
    node.onEvent = (event, key) => {
      this.#seen.push(`${event} ${key}`);
      this.#check();
    };
  }

  async until(wanted: readonly string[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#check = () => {
      if (wanted.every((one) => this.#seen.includes(one))) done.resolve();
    };
    this.#check();
    const ended = AbortSignal.timeout(10_000);
    ended.onabort = () =>
      done.reject(
        new Mismatch(`events: saw ${this.#seen}, wanted ${wanted}`),
      );
    await done.promise;
    ended.onabort = null;
  }

  expectOnce(...wanted: readonly string[]): void {
    for (const one of wanted) {
      const times = this.#seen.filter((seen) => seen === one).length;
      expect(`times that "${one}" was told`, times, 1);
    }
  }
}

/** The dict's methods one after the other, from B, watched by E. */
async function tutorial(demo: Demo): Promise<void> {
  const [b, c, e] = [demo.node("B"), demo.node("C"), demo.node("E")];
  await e.call("watch");
  const watch = new Watch(e);
  demo.say("the tutorial: B works, C looks, E listens");
  expect(
    "get, fallback",
    await b.call("get", "color", text("none")),
    text("none"),
  );
  await b.call("set", "color", text("blue"));
  expect("get", await c.call("get", "color", null), text("blue"));
  await watch.until(["add color"]);
  await b.call("set", "empty", "");
  expect("the empty value", await c.call("get", "empty", text("x")), "");
  await b.call("update", [["fruit", text("fig")], ["tree", text("oak")]]);
  expect("update", await c.call("get", "tree", null), text("oak"));
  expect("has", await c.call("has", "fruit"), true);
  expect(
    "setdefault",
    await b.call("setdefault", "tree", text("elm")),
    text("oak"),
  );
  expect("del", await b.call("del", "color"), true);
  expect("del again", await c.call("del", "color"), false);
  expect("get after del", await c.call("get", "color", null), null);
  const rest: Pair[] = [["empty", ""], ["fruit", text("fig")], [
    "tree",
    text("oak"),
  ]];
  await demo.compareAll("D", rest);
  const both = await Promise.all([
    b.call("pop", "fruit"),
    c.call("pop", "fruit"),
  ]);
  expect("two pops at once", both.sort(), [text("fig"), null].sort());
  const [key, value] = await b.call<Pair>("popitem");
  expect("popitem took it out", await c.call("has", key), false);
  await b.call("set", key, value); // It may have been a line of the file.
  for (const [name] of rest) await b.call("pop", name);
  await watch.until([
    "add tree",
    "delete color",
    "delete fruit",
    `delete ${key}`,
  ]);
  watch.expectOnce("add color", "delete color", "add fruit", "delete fruit");
  demo.say("every answer was right, and E saw each 'add' and 'delete' once");
}

async function story(demo: Demo): Promise<void> {
  await demo.start("A");
  for (const name of ["B", "C", "D", "E"]) await demo.start(name, "A");
  await demo.settled();
  await demo.write("A");
  await demo.draw();
  await demo.readAll("C");
  await demo.readMissing("C", 200);
  await tutorial(demo);
  await demo.kill("D");
  demo.say("D was killed (SIGKILL)");
  await demo.readAll("C");
  await demo.settled();
  await demo.start("F", "B");
  await demo.settled();
  await demo.draw();
  demo.say("(a copy that is no longer needed stays for a minute)");
  await demo.node("B").call("leave");
  await demo.node("B").call("close");
  await demo.kill("B");
  demo.say("B handed over what it held and left");
  await demo.readAll("F");
  await demo.compareAll("A", []);
  await demo.draw();
  demo.summary();
}

async function main(): Promise<number> {
  const path = Deno.args[0] ?? README;
  const lines = await linesOf(path).catch((error) => {
    console.error(`Cannot read the file: ${error.message}`);
    Deno.exit(1);
  });
  const demo = new Demo(lines);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Mismatch(`not done after ${DEMO_MS_MAX} ms`)),
    DEMO_MS_MAX,
  );
  try {
    await Promise.race([story(demo), late.promise]);
    demo.say("done: nothing was lost, nothing was changed");
    return 0;
  } catch (error) {
    console.error(error instanceof Mismatch ? error.message : error);
    return 1;
  } finally {
    clearTimeout(timer);
    await demo.end();
  }
}

Deno.exit(await main());
