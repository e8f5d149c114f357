/**
 * How fast a ring of three processes is, beside a bare WebSocket echo between
 * two: `deno task bench`.
 *
 * This process is the echo's client and one of the three nodes. All rows are
 * measured in turn, a slice of each in every round, so that whatever else the
 * machine does falls on all of them. Compare ratios, not times: the scheduler
 * alone moves a round trip from 20 to 100 µs. Both ends on one core, the cheaper
 * mode, is `taskset -c 0 deno task bench`.
 *
 * @module
 */
import { ChordSocket } from "../mod.ts";
import { listen } from "../src/runtime/deno.ts";
import { isInArc } from "../src/id/ring.ts";
import { keyId } from "../src/id/id.ts";
import { Child } from "./children.ts";
import { Latencies, shownMs } from "./latencies.ts";

const BENCH_MS_MAX = 120_000;
const ROUNDS = 20;
const WARM_UP_ROUNDS = 3;
const PER_ROUND = 50;
/** One frame of the ring's smallest operation is about this long. */
const ECHO_BYTES = 96;
const WIDTH = 64;
/** What a stalled connection costs: one late acknowledgement. */
const STALL_MS = 40;
const VALUE_BYTES = [64, 4096, 256 * 1024];

const NODE = new URL("./demo/node.ts", import.meta.url);
const ECHO = new URL("./bench/echo.ts", import.meta.url);

/** One kind of operation, measured in slices. */
interface Row {
  readonly name: string;
  readonly latencies: Latencies;
  readonly run: (at: number) => Promise<unknown>;
  readonly perRound: number;
  /** How many are in flight at once. */
  readonly width: number;
  /** Time of all slices together. */
  totalMs: number;
  /** The median of each round. */
  readonly medians: number[];
}

function row(
  name: string,
  run: (at: number) => Promise<unknown>,
  perRound: number = PER_ROUND,
  width = 1,
): Row {
  const latencies = new Latencies();
  return { name, latencies, run, perRound, width, totalMs: 0, medians: [] };
}

async function slice(row: Row, round: number): Promise<void> {
  const isWarm = round >= 0;
  const times = new Latencies();
  let next = 0;
  const worker = async () => {
    while (next < row.perRound) {
      const at = (round + WARM_UP_ROUNDS) * row.perRound + next++;
      const startMs = performance.now();
      await row.run(at);
      times.add(performance.now() - startMs);
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: row.width }, worker));
  if (!isWarm) return;
  row.totalMs += performance.now() - startMs;
  row.latencies.addAll(times);
  row.medians.push(times.quantile(0.5));
}

/** A client that sends and waits for the same bytes to come back, in order. */
class EchoClient {
  readonly #socket: WebSocket;
  readonly #waiting: (() => void)[] = [];
  readonly #bytes = new Uint8Array(ECHO_BYTES);

  constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onmessage = () => this.#waiting.shift()?.();
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#socket.onopen = () => resolve();
    });
  }

  echo(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.send(this.#bytes);
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#socket.onclose = () => resolve();
    });
    this.#socket.close();
    await closed;
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

async function rowsFor(sock: ChordSocket, echo: EchoClient): Promise<Row[]> {
  const remote = keysFor(sock, false, 64, "remote");
  const missing = keysFor(sock, false, 64, "missing");
  const local = keysFor(sock, true, 64, "local");
  const value = new Uint8Array(64).fill(7);
  for (const key of [...remote, ...local]) await sock.set(key, value);
  const of = (keys: string[], at: number) => keys[at % keys.length]!;
  const rows = [
    row("echo of 96 B", () => echo.echo()),
    row("get, remote holder", (at) => sock.get(of(remote, at))),
    row("get, missing key", (at) => sock.get(of(missing, at), null)),
    row("get, local holder", (at) => sock.get(of(local, at))),
    row("set, 3 copies", (at) => sock.set(of(remote, at), value)),
    row("echo, 64 at once", () => echo.echo(), 2000, WIDTH),
    row("get, 64 at once", (at) => sock.get(of(remote, at)), 2000, WIDTH),
    row(
      "set, 64 at once",
      (at) => sock.set(of(remote, at), value),
      1000,
      WIDTH,
    ),
  ];
  for (const size of VALUE_BYTES) {
    const large = new Uint8Array(size).fill(9);
    const keys = keysFor(sock, false, 8, `of ${size}`);
    for (const key of keys) await sock.set(key, large);
    const count = size > 100_000 ? 10 : PER_ROUND;
    rows.push(
      row(`set of ${size} B`, (at) => sock.set(of(keys, at), large), count),
      row(`get of ${size} B`, (at) => sock.get(of(keys, at)), count),
    );
  }
  return rows;
}

/** The median over the rounds of how many times the echo's time a row took. */
function timesEcho(row: Row, echo: Row): number {
  const ratios = new Latencies();
  ratios.add(...row.medians.map((ms, at) => ms / echo.medians[at]!));
  return ratios.quantile(0.5);
}

function report(rows: readonly Row[]): void {
  const sequential = rows[0]!;
  const pipelined = rows[5]!;
  const perSecond = (row: Row) => 1000 * row.latencies.count / row.totalMs;
  console.log(
    `${"".padEnd(20)}    median       p99   to echo       ops/s   over ` +
      `${STALL_MS} ms`,
  );
  for (const each of rows) {
    const { latencies, width, name } = each;
    const ratio = width === 1
      ? timesEcho(each, sequential)
      : perSecond(pipelined) / perSecond(each);
    const stalls = latencies.over(STALL_MS);
    console.log(
      name.padEnd(20) + shownMs(latencies.quantile(0.5)).padStart(10) +
        shownMs(latencies.quantile(0.99)).padStart(10) +
        `${ratio.toFixed(2)} ×`.padStart(10) +
        perSecond(each).toFixed(0).padStart(12) +
        String(stalls).padStart(11),
    );
  }
  const stalls = rows.reduce(
    (n, { latencies }) => n + latencies.over(STALL_MS),
    0,
  );
  const all = rows.reduce((n, { latencies }) => n + latencies.count, 0);
  console.log(`${stalls} of ${all} operations took more than ${STALL_MS} ms`);
  const ratio = timesEcho(rows[1]!, sequential);
  console.log(
    `a remote get takes ${ratio.toFixed(2)} times a bare WebSocket echo ` +
      `(median of ${ROUNDS} rounds; wanted: under 3)`,
  );
}

async function bench(children: readonly Child[]): Promise<void> {
  const [echoServer, b, c] = children as [Child, Child, Child];
  const sock = new ChordSocket({ subnet: "bench" });
  await listen(sock, { hostname: "127.0.0.1", port: 0 });
  await sock.join();
  // One node is dialled from here, the other dials: the two differ on Deno.
  await sock.connect(await b.call<string>("listen"));
  await b.call("join");
  await c.call("listen");
  await c.call("connect", sock.url);
  await c.call("join");
  await sock.settled();
  const echo = new EchoClient(await echoServer.call<string>("listen"));
  await echo.open();
  const rows = await rowsFor(sock, echo);
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const each of rows) await slice(each, round);
  }
  report(rows);
  await echo.close();
  await sock.close();
}

const children = [
  new Child("echo", ECHO),
  new Child("B", NODE, ["bench"]),
  new Child("C", NODE, ["bench"]),
];
const watchdog = setTimeout(() => {
  console.error(`Not done after ${BENCH_MS_MAX} ms`);
  void Promise.all(children.map((child) => child.kill()))
    .then(() => Deno.exit(1));
}, BENCH_MS_MAX);
try {
  await bench(children);
} finally {
  clearTimeout(watchdog);
  await Promise.all(children.map((child) => child.kill()));
}
