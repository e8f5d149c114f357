/**
 * One process of a benchmark besides the one that measures: an echo server
 * (`peer.ts echo`), or a node in each of the rings whose options are given as
 * JSON (`peer.ts <RingOptions[]>`). It says its urls, and then answers each
 * question that comes in.
 *
 * @module
 */
import process from "node:process";
import { ChordSocket } from "../../mod.ts";
import { HERE, listenToLines, ownCpuMs, platform, say } from "./platform.ts";

/** One of the rings that a process takes part in. */
export interface RingOptions {
  readonly subnet: string;
  readonly replicas: number;
  /** A node to connect to; none for the first. */
  readonly seed?: string;
}

const what = process.argv[2]!;
const { entry, echo } = await platform();

async function join(
  { subnet, replicas, seed }: RingOptions,
): Promise<string> {
  const sock = new ChordSocket({ subnet, replicas });
  await entry.listen(sock, HERE);
  if (seed !== undefined) await sock.connect(seed);
  await sock.join();
  return sock.url;
}

const urls: string[] = [];
if (what === "echo") urls.push(await echo());
else for (const ring of JSON.parse(what)) urls.push(await join(ring));
say(urls);
// The only question is for the processor time so far.
listenToLines(() => say(ownCpuMs()));
