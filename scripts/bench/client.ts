/**
 * The process that measures: `client.ts <ClientOptions as JSON>`. It is the
 * echo's client and one node of the rings. Whoever started it answers each of
 * its questions for the processor time of the others; the last line that it
 * writes has the results.
 *
 * @module
 */
import process from "node:process";
import { ChordSocket } from "../../mod.ts";
import { keyId } from "../../src/id/id.ts";
import { isInArc } from "../../src/id/ring.ts";
import { HERE, listenToLines, ownCpuMs, platform, say } from "./platform.ts";
import type { RingOptions } from "./peer.ts";
import { measure, type Row } from "./rows.ts";

/** What this process is told. */
export interface ClientOptions {
  readonly echo: string;
  /** The ring of three copies, and that of one. */
  readonly rings: readonly [RingOptions, RingOptions];
  readonly rounds: number;
  /** A smaller number measures that much less. */
  readonly scale: number;
}

const { echo: echoUrl, rings, rounds, scale }: ClientOptions = JSON.parse(
  process.argv[2]!,
);
const WIDTH = 64;
const ONE_BY_ONE = Math.ceil(400 * scale);
const AT_ONCE = Math.ceil(6400 * scale);
const LARGE = Math.ceil(40 * scale);
const SCANNED = 2000;
/** The longest messages that a bare WebSocket may stall on. */
const STALLING_BYTES_MAX = 64 * 1024;
/** One frame of the ring's smallest operation is about this long. */
const ECHO_BYTES = 96;

const { entry, dial } = await platform();

/** Sends and waits for the same bytes to come back, in order. */
class EchoClient {
  readonly #socket = dial(echoUrl);
  readonly #waiting: (() => void)[] = [];

  async open(): Promise<void> {
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onmessage = () => this.#waiting.shift()?.();
    await new Promise<void>((resolve) => {
      this.#socket.onopen = () => resolve();
    });
  }

  echo(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.send(bytes);
    });
  }
}

/** Keys whose first holder is, or is not, this node. */
function keysFor(
  sock: ChordSocket,
  isLocal: boolean,
  count: number,
  kind: string,
): string[] {
  const { after, through } = sock.ring.find(({ id }) => id === sock.id)!;
  const keys: string[] = [];
  for (let i = 0; keys.length < count; i++) {
    const key = `${kind} ${i}`;
    const hash = keyId(new TextEncoder().encode(key));
    if (isInArc(hash, after, through) === isLocal) keys.push(key);
  }
  return keys;
}

async function join({ seed, ...options }: RingOptions): Promise<ChordSocket> {
  const sock = new ChordSocket(options);
  await entry.listen(sock, HERE);
  await sock.connect(seed!);
  await sock.join();
  await sock.settled();
  return sock;
}

const cpuAnswers: ((ms: number) => void)[] = [];
listenToLines((line) => cpuAnswers.shift()!(Number(line)));
const cpuMs = async () => {
  say("cpu");
  const others = await new Promise<number>((resolve) => {
    cpuAnswers.push(resolve);
  });
  return others + ownCpuMs();
};

const echo = new EchoClient();
await echo.open();
const sock = await join(rings[0]);
const single = await join(rings[1]);
const bytes = (length: number) => new Uint8Array(length).fill(7);
const small = bytes(64);

const remote = keysFor(sock, false, 64, "remote");
const local = keysFor(sock, true, 64, "local");
const missing = keysFor(sock, false, 64, "missing");
const alone = keysFor(single, false, 64, "alone");
for (const key of [...remote, ...local]) await sock.set(key, small);
const popped = Array.from(
  { length: (rounds + 1) * ONE_BY_ONE },
  (_, i) => `popped ${i}`,
);
await sock.update(new Map(popped.map((key) => [key, small])));
const of = (keys: readonly string[], at: number) => keys[at % keys.length]!;

let heard = 0;
let onHeard = () => {};
/** Sets new keys, and waits until this node was told of all of them. */
async function hear(at: number): Promise<void> {
  const last = heard + WIDTH;
  const told = new Promise<void>((resolve) => {
    onHeard = () => heard >= last && resolve();
  });
  const keys = Array.from({ length: WIDTH }, (_, i) => `event ${at} ${i}`);
  await Promise.all([sock.update(new Map(keys.map((k) => [k, small]))), told]);
}
sock.on("add", () => {
  heard++;
  onHeard();
});

const scanned = `scan of ${SCANNED} keys, per entry`;
function smallRows(): Row[] {
  const one = { width: 1, weight: 1, count: ONE_BY_ONE, limit: "echo" };
  const many = { width: WIDTH, weight: 1, count: AT_ONCE, limit: "echoes" };
  const echoed = bytes(ECHO_BYTES);
  return [
    { ...one, name: "echo", run: () => echo.echo(echoed) },
    { ...one, name: "get, remote", run: (at) => sock.get(of(remote, at)) },
    { ...one, name: "get, local", run: (at) => sock.get(of(local, at)) },
    {
      ...one,
      name: "get, missing",
      run: (at) => sock.get(of(missing, at), null),
    },
    {
      ...one,
      name: "set, 3 copies",
      run: (at) => sock.set(of(remote, at), small),
    },
    {
      ...one,
      name: "set, 1 copy",
      run: (at) => single.set(of(alone, at), small),
    },
    { ...one, name: "pop", run: (at) => sock.pop(popped[at]!) },
    { ...many, name: "echoes", run: () => echo.echo(echoed) },
    { ...many, name: "gets", run: (at) => sock.get(of(remote, at)) },
    {
      ...many,
      name: "sets, 3 copies",
      run: (at) => sock.set(of(remote, at), small),
    },
    {
      ...many,
      name: "sets, 1 copy",
      run: (at) => single.set(of(alone, at), small),
    },
    {
      ...many,
      name: "events",
      run: hear,
      count: Math.ceil(20 * scale),
      width: 1,
      weight: WIDTH,
    },
    {
      ...many,
      name: scanned,
      run: async () => {
        let left = SCANNED;
        for await (const _ of sock.keys()) if (--left === 0) break;
      },
      count: 1,
      width: 1,
      weight: SCANNED,
    },
  ];
}

async function largeRows(): Promise<Row[]> {
  const one = { width: 1, weight: 1, count: LARGE };
  const rows: Row[] = [];
  for (const length of [4096, 256 * 1024]) {
    const large = bytes(length);
    const name = `${length / 1024} kB`;
    const keys = keysFor(sock, false, 8, name);
    await sock.update(new Map(keys.map((key) => [key, large])));
    // Deno's dialled WebSocket stalls on 4 kB: that is no limit to compare with.
    const limit = length > STALLING_BYTES_MAX ? `echo, ${name}` : "echo";
    const size = { ...one, limit };
    if (limit !== "echo") {
      rows.push({ ...size, name: limit, run: () => echo.echo(large) });
    }
    rows.push(
      {
        ...size,
        name: `set, ${name}`,
        run: (at) => sock.set(of(keys, at), large),
      },
      { ...size, name: `get, ${name}`, run: (at) => sock.get(of(keys, at)) },
    );
  }
  return rows;
}

for (let i = 0; i < SCANNED; i++) popped.push(`more ${i}`);
await sock.update(new Map(popped.slice(-SCANNED).map((k) => [k, small])));
say(await measure([...smallRows(), ...await largeRows()], rounds, cpuMs));
process.exit(0);
