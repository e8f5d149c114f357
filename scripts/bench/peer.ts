/**
 * One process of a benchmark besides the one that measures, told by
 * {@linkcode PeerOptions} as JSON: an echo server, or a node in each of some
 * rings. It says its urls, and then answers each question for its processor
 * time.
 *
 * @module
 */
import process from "node:process";
import { ChordSocket } from "../../mod.ts";
import { ASK_BYTES } from "./echo_client.ts";
import { HERE, listenToLines, ownCpuMs, platform, say } from "./platform.ts";

/** One of the rings that a process takes part in. */
export interface RingOptions {
  readonly subnet: string;
  readonly replicas: number;
  /** A node to connect to; none for the first. */
  readonly seed?: string;
}

/** What such a process is. */
export interface PeerOptions {
  /** None: it is an echo server. */
  readonly rings?: readonly RingOptions[];
  /** Every frame that it sends is this late: what the control's ring has. */
  readonly lateMs?: number;
}

const { rings, lateMs }: PeerOptions = JSON.parse(process.argv[2]!);
const { entry, serve } = await platform();

/** Makes all that this process sends late, on runtimes with a `WebSocket`. */
function sendLate(ms: number): void {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    const copy = (data as Uint8Array<ArrayBuffer>).slice();
    setTimeout(() => send.call(this, copy), ms);
  };
}

/** Four bytes ask for as many as they say; see `echo_client.ts`. */
function echo(data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (data.length !== ASK_BYTES) return data;
  const { buffer, byteOffset, length } = data;
  return new Uint8Array(new DataView(buffer, byteOffset, length).getUint32(0));
}

async function join(
  { subnet, replicas, seed }: RingOptions,
): Promise<string> {
  const sock = new ChordSocket({ subnet, replicas });
  await entry.listen(sock, HERE);
  if (seed !== undefined) await sock.connect(seed);
  await sock.join();
  return sock.url;
}

if (lateMs !== undefined) sendLate(lateMs);
const urls: string[] = [];
if (rings === undefined) urls.push(await serve(echo));
else for (const ring of rings) urls.push(await join(ring));
say(urls);
listenToLines(() => say(ownCpuMs()));
