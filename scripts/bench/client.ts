/**
 * The process that measures, told by {@linkcode ClientOptions} as JSON: the
 * echo's client, and one node of the rings. It dials the nodes that came before
 * it, and is dialled by the one that comes after it, since the two ends of a
 * connection are not alike on every runtime.
 *
 * @module
 */
import process from "node:process";
import { ChordSocket } from "../../mod.ts";
import { EchoClient } from "./echo_client.ts";
import type { RingOptions } from "./peer.ts";
import { HERE, listenToLines, ownCpuMs, platform, say } from "./platform.ts";
import { measure, type Result, type Row } from "./rows.ts";
import { largeRows, smallRows, stallRows } from "./workload.ts";

/** What this process is told. */
export interface ClientOptions {
  readonly echo: string;
  /** The ring of three copies, and that of one. */
  readonly rings: readonly [RingOptions, RingOptions];
  readonly nodes: number;
  readonly rounds: number;
  /** A smaller number measures that much less. */
  readonly scale: number;
  /** The only rows that are measured, besides their limits; none: all. */
  readonly only?: readonly string[];
}

/**
 * What this process says: the urls for the node that comes after it, a
 * question for the processor time of all others, and in the end the results.
 */
export type ClientLine =
  | { readonly urls: readonly string[] }
  | { readonly ask: "cpu" }
  | { readonly results: Result[] };

const options: ClientOptions = JSON.parse(process.argv[2]!);
const answers: ((line: string) => void)[] = [];
listenToLines((line) => answers.shift()!(line));

/** Says something, and gives the answer. */
async function ask(line: ClientLine): Promise<string> {
  const answer = new Promise<string>((resolve) => answers.push(resolve));
  say(line);
  return await answer;
}

const runsOn = await platform();

async function join({ seed, ...options }: RingOptions): Promise<ChordSocket> {
  const sock = new ChordSocket(options);
  await runsOn.entry.listen(sock, HERE);
  if (seed !== undefined) await sock.connect(seed);
  await sock.join();
  return sock;
}

/** Waits until all nodes are there, and linked with this one. */
async function complete(sock: ChordSocket, nodes: number): Promise<void> {
  while (sock.ring.length < nodes || sock.status.peers < nodes - 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await sock.settled();
}

/**
 * The rows that are wanted, what they are compared with, and many echoes at
 * once, which tell how much of a core there is.
 */
function wanted(rows: readonly Row[], only?: readonly string[]): Row[] {
  if (only === undefined) return [...rows];
  const limits = rows.filter(({ name }) => only.includes(name))
    .map(({ limit }) => limit);
  return rows.filter(({ name }) =>
    name === "echoes" || only.includes(name) || limits.includes(name)
  );
}

const { rings, nodes, rounds, scale, only } = options;
const sock = await join(rings[0]);
const single = await join(rings[1]);
await ask({ urls: [sock.url, single.url] });
for (const one of [sock, single]) await complete(one, nodes);
const client = new EchoClient(runsOn, options.echo);
await client.open();
const parts = { sock, single, client, scale };
const rows = [
  ...await smallRows(parts),
  ...await largeRows(parts),
  ...await stallRows(parts),
];
const cpuMs = async () => Number(await ask({ ask: "cpu" })) + ownCpuMs();
say({ results: await measure(wanted(rows, only), rounds, cpuMs) });
process.exit(0);
