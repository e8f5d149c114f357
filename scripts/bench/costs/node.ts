/**
 * A process whose costs are measured: some nodes of one ring, or an end of a
 * bare WebSocket. It carries out one command after the other, and says what
 * each gave.
 *
 * @module
 */
import process from "node:process";
import { ChordSocket } from "../../../mod.ts";
import { Latencies } from "../../latencies.ts";
import { HERE, listenToLines, ownCpuMs, platform, say } from "../platform.ts";
import {
  type Memory,
  type Opening,
  type Reads,
  STREAM_BYTES,
  type Usage,
} from "./terms.ts";

/** Entries that are stored together. */
const TOGETHER_BYTES = 1 << 20;
const TIMEOUT_MS = 600_000;
const KEY_BYTES = 16;
/** Messages of a bare WebSocket that wait for their answers. */
const STREAM_WIDTH = 32;
/** How long garbage is collected for, since that goes on in the background. */
const COLLECTIONS = 5;
const COLLECTION_MS = 200;
/** A pause between two reads, so that they are an application's, not a load. */
const READ_PAUSE_MS = 1;

const { entry, serve, dial, collect } = await platform();
const socks: ChordSocket[] = [];
const timeout = { timeoutMs: TIMEOUT_MS };
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const keyOf = (at: number) => String(at).padStart(KEY_BYTES, "k");

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

let isReading = false;
let reading: Promise<Reads> | undefined;

async function read(keys: number): Promise<Reads> {
  const times = new Latencies();
  let failed = 0;
  let missed = 0;
  for (let at = 0; isReading; at++) {
    const startMs = performance.now();
    try {
      const value = await socks[0]!.get(keyOf(at % keys));
      times.add(performance.now() - startMs);
      if (value === undefined) missed++;
    } catch {
      failed++;
    }
    await sleep(READ_PAUSE_MS);
  }
  const [p50Ms, p99Ms] = [times.quantile(0.5), times.quantile(0.99)];
  return { count: times.count, failed, missed, p50Ms, p99Ms };
}

const commands = {
  /** Opens nodes that connect, and do not join yet; gives their urls. */
  async open({ nodes, replicas, seed }: Opening): Promise<string[]> {
    for (let i = 0; i < nodes; i++) {
      const sock = new ChordSocket({ replicas });
      await entry.listen(sock, HERE);
      const known = seed ?? socks[0]?.url;
      if (known !== undefined) await sock.connect(known);
      socks.push(sock);
    }
    return socks.map(({ url }) => url);
  },

  /** Lets all nodes join, one after the other; gives the time it takes. */
  join: () =>
    timed(async () => {
      for (const sock of socks) await sock.join(timeout);
    }),

  leave: () => timed(() => socks[0]!.leave(timeout)),

  /** Waits until the ring has so many nodes, all linked. */
  async complete(nodes: number): Promise<void> {
    for (const sock of socks) {
      while (sock.ring.length < nodes || sock.status.peers < nodes - 1) {
        await sleep(20);
      }
      await sock.settled(timeout);
    }
  },

  /** Stores entries; gives the time it takes. */
  fill: (count: number, valueBytes: number) =>
    timed(async () => {
      const together = Math.ceil(TOGETHER_BYTES / (valueBytes + 256));
      for (let first = 0; first < count; first += together) {
        const entries = new Map<string, Uint8Array>();
        for (let at = first; at < Math.min(count, first + together); at++) {
          entries.set(keyOf(at), new Uint8Array(valueBytes).fill(at));
        }
        await socks[0]!.update(entries, timeout);
      }
    }),

  /** The share of the ring that is this process's first node's. */
  share: () => socks[0]!.ring.find(({ id }) => id === socks[0]!.id)?.share ?? 0,

  startReads(keys: number): void {
    isReading = true;
    reading = read(keys);
  },

  async stopReads(): Promise<Reads> {
    isReading = false;
    return await reading!;
  },

  size: () => timed(() => socks[0]!.size()),

  keys: () =>
    timed(async () => {
      for await (const _ of socks[0]!.keys());
    }),

  items: () =>
    timed(async () => {
      for await (const _ of socks[0]!.items());
    }),

  async memory(): Promise<Memory> {
    for (let i = 0; i < COLLECTIONS; i++) {
      collect();
      await sleep(COLLECTION_MS);
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heap: heapUsed + external, resident: rss };
  },

  usage(): Usage {
    const all = socks.map((sock) => sock.stats());
    const sum = (of: (stats: typeof all[number]) => number) =>
      all.reduce((total, stats) => total + of(stats), 0);
    return {
      cpuMs: ownCpuMs(),
      bytesSent: sum(({ bytesSent }) => bytesSent),
      framesSent: sum(({ framesSent }) => framesSent),
    };
  },

  /** The end of a bare WebSocket that takes a stream; gives its url. */
  takeStream: () => serve(() => new Uint8Array(1)),

  /** Sends so many messages over a bare WebSocket; gives the time it takes. */
  async sendStream(url: string, messages: number): Promise<number> {
    const socket = dial(url);
    socket.binaryType = "arraybuffer";
    await new Promise((resolve) => socket.onopen = resolve);
    const message = new Uint8Array(STREAM_BYTES).fill(7);
    const ms = await timed(() =>
      new Promise<void>((resolve) => {
        let sent = 0;
        let taken = 0;
        const send = () => {
          if (sent++ < messages) socket.send(message);
        };
        socket.onmessage = () => {
          if (++taken === messages) resolve();
          send();
        };
        for (let i = 0; i < STREAM_WIDTH; i++) send();
      })
    );
    socket.close();
    return ms;
  },
};

/** What can be asked, by name, and what it takes and gives. */
export type Commands = typeof commands;

say("ready");
listenToLines(async (line) => {
  const { command, args } = JSON.parse(line);
  const run = commands[command as keyof Commands] as (
    ...args: unknown[]
  ) => unknown;
  say(await run(...args) ?? null);
});
