/**
 * One node of the demo: a socket in a process of its own, told what to do by
 * standard input. Values travel as base64, so that any bytes survive.
 *
 * @module
 */
import { ChordSocket } from "../../mod.ts";
import { listen } from "../../src/runtime/deno.ts";
import { say, serveCommands } from "../children.ts";

const [subnet = "demo"] = Deno.args;
const sock = new ChordSocket({ subnet });
const decoder = new TextDecoder();

/** A value with how long it took, in milliseconds. */
export interface Timed<T> {
  readonly value: T;
  readonly ms: number;
}

async function timed<T>(work: () => PromiseLike<T>): Promise<Timed<T>> {
  const startMs = performance.now();
  const value = await work();
  return { value, ms: performance.now() - startMs };
}

type Text = string | null;

const textOf = (bytes: Uint8Array | undefined | null): Text =>
  bytes === undefined || bytes === null ? null : bytes.toBase64();

/** One pair of a key and a value, as it is said. */
export type Pair = readonly [key: string, value: string];

async function pairs(
  items: AsyncIterable<[Uint8Array | string, Uint8Array]>,
): Promise<Pair[]> {
  const all: Pair[] = [];
  for await (const [key, value] of items) {
    all.push([nameOf(key), value.toBase64()]);
  }
  return all;
}

const nameOf = (key: Uint8Array | string): string =>
  typeof key === "string" ? key : decoder.decode(key);

/** Runs `work` for every item, `width` at a time. */
async function forAll<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]!);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** Small files one by one, for honest latencies; large ones not all day. */
const widthFor = (count: number): number => count > 3000 ? 64 : 1;

const commands = {
  async listen(): Promise<string> {
    await listen(sock, { hostname: "127.0.0.1", port: 0 });
    return sock.url!;
  },
  async connect(url: string): Promise<void> {
    await sock.connect(url);
  },
  join: () => sock.join(),
  leave: () => sock.leave(),
  settled: () => sock.settled(),
  close: () => sock.close(),
  id: () => sock.id,
  entries: () => sock.stats().entries,
  ring: () => sock.ring,

  /** Gives how long each took. */
  setAll(all: readonly Pair[]): Promise<number[]> {
    return forAll(all, widthFor(all.length), async ([key, value]) => {
      const bytes = Uint8Array.fromBase64(value);
      return (await timed(() => sock.set(key, bytes))).ms;
    });
  },
  getAll(keys: readonly string[]): Promise<Timed<Text>[]> {
    return forAll(keys, widthFor(keys.length), async (key) => {
      const { value, ms } = await timed(() => sock.get(key, null));
      return { value: textOf(value), ms };
    });
  },

  async get(key: string, fallback: Text): Promise<Text> {
    const other = fallback === null ? null : Uint8Array.fromBase64(fallback);
    return textOf(await sock.get(key, other));
  },
  set: (key: string, value: string) =>
    sock.set(key, Uint8Array.fromBase64(value)),
  del: (key: string) => sock.del(key),
  has: (key: string) => sock.has(key),
  size: () => sock.size(),
  update: (all: readonly Pair[]) =>
    sock.update(
      all.map(([key, value]): [string, Uint8Array] => [
        key,
        Uint8Array.fromBase64(value),
      ]),
    ),
  async setdefault(key: string, value: string): Promise<Text> {
    return textOf(await sock.setdefault(key, Uint8Array.fromBase64(value)));
  },
  async pop(key: string): Promise<Text> {
    return textOf(await sock.pop(key, null));
  },
  async popitem(): Promise<Pair> {
    const [key, value] = await sock.popitem();
    return [nameOf(key), value.toBase64()];
  },
  async keys(): Promise<string[]> {
    const all: string[] = [];
    for await (const key of sock.keys()) all.push(nameOf(key));
    return all;
  },
  async values(): Promise<string[]> {
    const all: string[] = [];
    for await (const value of sock.values()) all.push(value.toBase64());
    return all;
  },
  items: () => pairs(sock.items()),
  watch(): void {
    sock.on("add", (_sock, key) => say({ event: "add", key: nameOf(key) }));
    sock.on(
      "delete",
      (_sock, key) => say({ event: "delete", key: nameOf(key) }),
    );
  },
};

await serveCommands(commands);
await sock.close();
