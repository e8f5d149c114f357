/**
 * What a dict costs of which every node has all:
 *
 *     deno run --allow-all scripts/bench/sync.ts [entries, bytes]
 *
 * How long a node takes to catch up with another process, what an entry weighs
 * in memory, and how a write slows down with the number of nodes, which are all
 * in this process.
 *
 * @module
 */
import { SyncSocket } from "../../mod.ts";
import { listen } from "../../src/runtime/deno.ts";
import { Latencies, shownMs } from "../latencies.ts";

/** Sizes of networks that are written to. */
const NODES = [2, 8, 32];
const WRITES = 300;
const WRITES_AT_ONCE = 2_000;
/** Runs of which the median is shown. */
const RUNS = 3;

function entriesOf(count: number, bytes: number): Map<string, Uint8Array> {
  const entries = new Map<string, Uint8Array>();
  for (let i = 0; i < count; i++) {
    entries.set(`key ${i}`, new Uint8Array(bytes).fill(i));
  }
  return entries;
}

/** Bytes in use, garbage aside, where the runtime can say so. */
function usedBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** A process with a node that has it all. */
async function serve(count: number, bytes: number): Promise<void> {
  const sock = new SyncSocket({ leasing: false });
  const { url } = await listen(sock);
  await sock.update(entriesOf(count, bytes), { timeoutMs: 120_000 });
  console.log(url);
  // Runs until its input ends, which it does with the process that started it.
  await Deno.stdin.readable.pipeTo(new WritableStream());
  await sock.close();
}

/** A process with a node that has nothing yet. */
async function catchUp(url: string): Promise<void> {
  const sock = new SyncSocket({ leasing: false });
  const emptyBytes = usedBytes();
  const startMs = performance.now();
  await sock.connect(url);
  await sock.settled();
  const ms = performance.now() - startMs;
  const count = sock.size();
  const perEntry = (usedBytes() - emptyBytes) / count;
  console.log(JSON.stringify({ ms, count, perEntry }));
  await sock.close();
}

function spawn(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-all", "--v8-flags=--expose-gc"]
      .concat(import.meta.filename!, args),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

async function measureCatchUp(count: number, bytes: number): Promise<void> {
  const server = spawn("serve", `${count}`, `${bytes}`);
  const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const url = (await reader.read()).value!.trim();
  const times = new Latencies();
  let memory = 0;
  for (let i = 0; i < RUNS; i++) {
    const { stdout } = await spawn("catch up", url).output();
    const found = JSON.parse(new TextDecoder().decode(stdout));
    if (found.count !== count) throw new Error(`${found.count} entries came`);
    times.add(found.ms);
    memory = found.perEntry;
  }
  await server.stdin.close();
  await server.status;
  const ms = times.quantile(0.5);
  console.log(
    `${count} entries of ${bytes} B: caught up in ${shownMs(ms)}, ` +
      `${Math.round(count / ms)} entries per ms; ` +
      `an entry takes ${Math.round(memory)} B of memory`,
  );
}

async function write(nodes: number): Promise<void> {
  const all = Array.from(
    { length: nodes },
    () => new SyncSocket({ leasing: false }),
  );
  for (const sock of all) await listen(sock);
  for (const sock of all.slice(1)) await sock.connect(all[0]!.url);
  await Promise.all(all.map((sock) => sock.settled()));
  const knows = ({ members }: SyncSocket) =>
    members.filter(({ role }) => role === "active").length === nodes;
  while (!all.every((sock) => knows(sock) && sock.status.peers === nodes - 1)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const value = new Uint8Array(64);
  const times = new Latencies();
  for (let i = 0; i < WRITES; i++) {
    const startMs = performance.now();
    await all[0]!.set(`key ${i}`, value);
    times.add(performance.now() - startMs);
  }
  const startMs = performance.now();
  await all[0]!.update(entriesOf(WRITES_AT_ONCE, 64), { timeoutMs: 60_000 });
  const perSecond = WRITES_AT_ONCE / (performance.now() - startMs) * 1000;
  console.log(
    `${nodes} nodes: a write takes ${shownMs(times.quantile(0.5))}, ` +
      `p99 ${shownMs(times.quantile(0.99))}; ` +
      `${Math.round(perSecond)} per s at once`,
  );
  await Promise.all(all.map((sock) => sock.close()));
}

const [first, ...rest] = Deno.args;
if (first === "serve") {
  await serve(Number(rest[0]), Number(rest[1]));
} else if (first === "catch up") {
  await catchUp(rest[0]!);
} else {
  await measureCatchUp(Number(first ?? 100_000), Number(rest[0] ?? 64));
  for (const nodes of NODES) await write(nodes);
}
