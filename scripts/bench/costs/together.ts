/**
 * What nodes cost together: data that is handed over, and doing nothing.
 *
 * @module
 */
import type { Runtime } from "../../runtimes_found.ts";
import { type Effort, type Figure, type Subject, Subjects } from "./figures.ts";
import { type Reads, STREAM_BYTES } from "./terms.ts";

/** What is handed over comes in values of this size. */
const VALUE_BYTES = 16_384;
/** Keys that are read meanwhile. */
const READ_KEYS = 256;
/** More nodes than this share their processes. */
const PROCESSES_MAX = 16;
const MB = 1e6;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Bytes a second of a bare WebSocket between two processes. */
async function bareRate(
  [from, to]: readonly [Subject, Subject],
  bytes: number,
): Promise<number> {
  const url = await to.ask("takeStream");
  const messages = Math.ceil(bytes / STREAM_BYTES);
  const ms = await from.ask("sendStream", url, messages);
  return 1000 * messages * STREAM_BYTES / ms;
}

/** One hand-over, with the bare socket before it and after it. */
function handFigures(
  name: string,
  { bytes, ms, bare, idle, reads }: {
    readonly bytes: number;
    readonly ms: number;
    readonly bare: number;
    readonly idle: Reads;
    readonly reads: Reads;
  },
): Figure[] {
  const rate = 1000 * bytes / ms;
  const mb = Math.round(bytes / MB);
  return [
    { name: `${name}: ${mb} MB a second`, value: rate / MB, unit: "MB/s" },
    {
      name: `${name}: of the bare socket's rate`,
      value: rate / bare,
      unit: "×",
      least: 0.5,
    },
    {
      name: `${name}: p99 of ${reads.count} reads, of p99 when idle`,
      value: reads.p99Ms / idle.p99Ms,
      unit: "×",
      most: 3,
    },
    {
      name: `${name}: p99 of reads`,
      value: reads.p99Ms,
      unit: "ms",
    },
    {
      name: `${name}: reads that rejected`,
      value: reads.failed,
      unit: "",
      most: 0,
    },
    {
      name: `${name}: reads that did not find what is there`,
      value: reads.missed,
      unit: "",
      most: 0,
    },
  ];
}

/**
 * A node that has everything, with one copy, gets a neighbour, which takes the
 * half of it, and then leaves, which hands on the rest. A third process, which
 * keeps nothing, reads all the time.
 */
export async function handOver(
  runtime: Runtime,
  { handedBytes, quietMs }: Effort,
): Promise<Figure[]> {
  await using subjects = new Subjects(runtime);
  const [first, second, reader] = [
    await subjects.add(),
    await subjects.add(),
    await subjects.add(),
  ];
  const replicas = 1;
  const [seed] = await first.ask("open", { nodes: 1, replicas });
  await first.ask("join");
  const entries = Math.ceil(2 * handedBytes / VALUE_BYTES);
  await first.ask("fill", entries, VALUE_BYTES);
  for (const other of [second, reader]) {
    await other.ask("open", { nodes: 1, replicas, seed: seed! });
  }
  const readsOf = async (during: () => Promise<unknown>) => {
    await reader.ask("startReads", READ_KEYS);
    await during();
    return await reader.ask("stopReads");
  };
  const bareBytes = handedBytes / 2;
  const idle = await readsOf(() => sleep(quietMs));
  const bares = [await bareRate([first, second], bareBytes)];
  let joinMs = 0;
  const joined = await readsOf(async () => joinMs = await second.ask("join"));
  bares.push(await bareRate([first, second], bareBytes));
  const share = await second.ask("share");
  let leaveMs = 0;
  const left = await readsOf(async () => leaveMs = await first.ask("leave"));
  bares.push(await bareRate([first, second], bareBytes));
  const bytes = entries * VALUE_BYTES;
  const bare = bares.sort((a, b) => a - b)[1]!;
  return [
    { name: "a bare socket", value: bare / MB, unit: "MB/s" },
    {
      name: `p99 of ${idle.count} reads when idle`,
      value: idle.p99Ms,
      unit: "ms",
    },
    ...handFigures("join", {
      bytes: bytes * share,
      ms: joinMs,
      bare,
      idle,
      reads: joined,
    }),
    ...handFigures("leave", {
      bytes: bytes * (1 - share),
      ms: leaveMs,
      bare,
      idle,
      reads: left,
    }),
  ];
}

/** A ring in which nothing is done, seen from outside. */
async function idleRing(
  runtime: Runtime,
  nodes: number,
  { calmMs, idleMs }: Effort,
): Promise<Figure[]> {
  await using subjects = new Subjects(runtime);
  const processes = Math.min(nodes, PROCESSES_MAX);
  const all: Subject[] = [];
  let seed: string | undefined;
  for (let i = 0; i < processes; i++) {
    const subject = await subjects.add();
    const from = seed === undefined ? {} : { seed };
    const opening = { nodes: nodes / processes, replicas: 3, ...from };
    const urls = await subject.ask("open", opening);
    seed ??= urls[0]!;
    await subject.ask("join");
    all.push(subject);
  }
  for (const subject of all) await subject.ask("complete", nodes);
  await sleep(calmMs);
  const usage = async () => {
    const each = await Promise.all(all.map((subject) => subject.ask("usage")));
    const sum = (of: (one: typeof each[number]) => number) =>
      each.reduce((total, one) => total + of(one), 0);
    return {
      atMs: performance.now(),
      cpuMs: sum(({ cpuMs }) => cpuMs),
      bytes: sum(({ bytesSent }) => bytesSent),
      frames: sum(({ framesSent }) => framesSent),
    };
  };
  const before = await usage();
  await sleep(idleMs);
  const after = await usage();
  const ms = after.atMs - before.atMs;
  const each = (of: "cpuMs" | "bytes" | "frames") =>
    (after[of] - before[of]) / nodes / ms;
  const where = `idle, ${nodes} nodes` +
    (processes < nodes ? ` in ${processes} processes` : "");
  const isJudged = nodes === 16;
  return [
    {
      name: `${where}: a core`,
      value: 100 * each("cpuMs"),
      unit: "% a node",
      ...isJudged && { most: 0.3 },
    },
    {
      name: `${where}: bytes sent`,
      value: 1000 * each("bytes"),
      unit: "B/s a node",
      ...isJudged && { most: 700 },
    },
    {
      name: `${where}: WebSocket messages sent`,
      value: 1000 * each("frames"),
      unit: "/s a node",
    },
  ];
}

/** What a process takes that has loaded the library, and has no node. */
async function emptyProcess(
  runtime: Runtime,
  { calmMs, idleMs }: Effort,
): Promise<Figure> {
  await using subjects = new Subjects(runtime);
  const subject = await subjects.add();
  await sleep(calmMs);
  const [before, startMs] = [await subject.ask("usage"), performance.now()];
  await sleep(idleMs);
  const after = await subject.ask("usage");
  const ms = performance.now() - startMs;
  const value = 100 * (after.cpuMs - before.cpuMs) / ms;
  return { name: "idle, a process without a node: a core", value, unit: "%" };
}

/** Rings of several sizes in which nothing is done. */
export async function idle(
  runtime: Runtime,
  effort: Effort,
): Promise<Figure[]> {
  const figures: Figure[] = [await emptyProcess(runtime, effort)];
  for (const nodes of effort.rings) {
    figures.push(...await idleRing(runtime, nodes, effort));
  }
  return figures;
}
