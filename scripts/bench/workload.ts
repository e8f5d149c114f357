/**
 * The operations that a benchmark measures.
 *
 * @module
 */
import type { ChordSocket } from "../../mod.ts";
import { keyId } from "../../src/id/id.ts";
import { isInArc } from "../../src/id/ring.ts";
import type { EchoClient } from "./echo_client.ts";
import type { Row } from "./rows.ts";

/** What the operations are done with. */
export interface Parts {
  /** A node of the ring of three copies. */
  readonly sock: ChordSocket;
  /** The same of one copy. */
  readonly single: ChordSocket;
  readonly client: EchoClient;
  /** A smaller number measures that much less. */
  readonly scale: number;
}

/** How many operations are in flight where it is not one. */
const WIDTH = 64;
/** How many of large values: as many bytes as queues take without waiting. */
const LARGE_WIDTH = 8;
const ONE_BY_ONE = 400;
const AT_ONCE = 6400;
const POPS_AT_ONCE = 640;
/** A get that asks nobody is too short for the clock. */
const LOCAL_GETS = 64;
const SCANNED = 2000;
/** One frame of the ring's smallest operation is about this long. */
const ECHO_BYTES = 96;

/** Values besides the small ones, and what of them makes a slice. */
const LARGE = [
  { name: "4 kB", length: 4096, width: WIDTH, one: 100, many: 1600 },
  { name: "256 kB", length: 262_144, width: LARGE_WIDTH, one: 40, many: 80 },
] as const;

/** Values around every size at which something changes on the way. */
const SIZES: readonly number[] = [
  1,
  900,
  1100,
  4000,
  20_000,
  60_000,
  65_000,
  66_000,
  100_000,
  400_000,
  1_000_000,
];

const bytes = (length: number) => new Uint8Array(length).fill(7);
const of = (keys: readonly string[], at: number) => keys[at % keys.length]!;

/** Keys whose first holder `isWanted`. */
function keysAt(
  sock: ChordSocket,
  isWanted: (id: string, index: number) => boolean,
  count: number,
  kind: string,
): string[] {
  const arcs = sock.ring.filter(({ id }, i) => isWanted(id, i));
  const keys: string[] = [];
  for (let i = 0; keys.length < count; i++) {
    const key = `${kind} ${i}`;
    const hash = keyId(new TextEncoder().encode(key));
    if (arcs.some(({ after, through }) => isInArc(hash, after, through))) {
      keys.push(key);
    }
  }
  return keys;
}

const remoteKeys = (sock: ChordSocket, count: number, kind: string) =>
  keysAt(sock, (id) => id !== sock.id, count, kind);

async function fill(
  sock: ChordSocket,
  keys: readonly string[],
  value: Uint8Array,
): Promise<void> {
  await sock.update(new Map(keys.map((key) => [key, value])));
}

/** An operation one at a time and 64 at once, and how the two are called. */
function bothWays(
  [name, plural]: readonly [string, string],
  scale: number,
  run: (at: number) => unknown,
): Row[] {
  const row = { run, weight: 1 };
  const one = Math.ceil(ONE_BY_ONE * scale);
  const many = Math.ceil(AT_ONCE * scale);
  const isEcho = name === "echo";
  return [
    { ...row, name, limit: isEcho ? undefined : "echo", count: one, width: 1 },
    {
      ...row,
      name: plural,
      limit: isEcho ? undefined : "echoes",
      count: many,
      width: WIDTH,
    },
  ];
}

/** Operations with values of 64 bytes. */
export async function smallRows(parts: Parts): Promise<Row[]> {
  const { sock, single, client, scale } = parts;
  const small = bytes(64);
  const remote = remoteKeys(sock, 64, "remote");
  const missing = remoteKeys(sock, 64, "missing");
  const alone = remoteKeys(single, 64, "alone");
  await fill(sock, remote, small);
  await fill(single, alone, small);
  const echoed = bytes(ECHO_BYTES);
  return [
    ...bothWays(["echo", "echoes"], scale, () => client.echo(echoed)),
    ...bothWays(
      ["get, remote", "gets, remote"],
      scale,
      (at) => sock.get(of(remote, at)),
    ),
    ...bothWays(
      ["get, missing", "gets, missing"],
      scale,
      (at) => sock.get(of(missing, at), null),
    ),
    ...bothWays(
      ["set, 3 copies", "sets, 3 copies"],
      scale,
      (at) => sock.set(of(remote, at), small),
    ),
    ...bothWays(
      ["set, 1 copy", "sets, 1 copy"],
      scale,
      (at) => single.set(of(alone, at), small),
    ),
    await localRow(parts),
    ...popRows(parts),
    eventsRow(parts),
    await scanRow(parts),
  ];
}

async function localRow({ sock, scale }: Parts): Promise<Row> {
  const local = keysAt(sock, (id) => id === sock.id, 64, "local");
  await fill(sock, local, bytes(64));
  const run = async (at: number) => {
    for (let i = 0; i < LOCAL_GETS; i++) await sock.get(of(local, at + i));
  };
  const count = Math.ceil(ONE_BY_ONE * scale);
  const counts = { count, width: 1, weight: LOCAL_GETS };
  return { name: "get, local", limit: "echo", run, ...counts };
}

/** Pops keys that are there again before each slice. */
function popRows({ sock, scale }: Parts): Row[] {
  const row = (
    name: string,
    limit: string,
    slice: number,
    width: number,
  ): Row => {
    const count = Math.ceil(slice * scale);
    const keys = Array.from({ length: count }, (_, i) => `${name} ${i}`);
    const prepare = () => fill(sock, keys, bytes(64));
    const run = (at: number) => sock.pop(of(keys, at));
    return { name, limit, prepare, run, count, width, weight: 1 };
  };
  return [
    row("pop", "echo", ONE_BY_ONE, 1),
    row("pops", "echoes", POPS_AT_ONCE, WIDTH),
  ];
}

/** Sets keys that are not there, and waits until this node was told of each. */
function eventsRow({ sock, scale }: Parts): Row {
  const mark = "~".charCodeAt(0);
  const count = Math.ceil(20 * scale);
  const waves = Array.from(
    { length: count },
    (_, wave) => Array.from({ length: WIDTH }, (_, i) => `~${wave} ${i}`),
  );
  const value = bytes(64);
  let left = 0;
  let onHeard = () => {};
  const hear = (_: ChordSocket, key: Uint8Array | string) => {
    if (key[0] === mark && --left === 0) onHeard();
  };
  sock.on("add", hear);
  sock.on("delete", hear);
  const hearAll = async (events: number, done: () => Promise<unknown>) => {
    left = events;
    const told = new Promise<void>((resolve) => onHeard = resolve);
    await Promise.all([done(), told]);
  };
  let isThere = false;
  return {
    name: "events",
    limit: "echoes",
    prepare: async () => {
      if (isThere) {
        const keys = waves.flat();
        const del = () => Promise.all(keys.map((key) => sock.del(key)));
        await hearAll(keys.length, del);
      }
      isThere = true;
    },
    run: (at) => hearAll(WIDTH, () => fill(sock, waves[at % count]!, value)),
    count,
    width: 1,
    weight: WIDTH,
  };
}

/** All keys of the ring of one copy, which nothing else changes. */
async function scanRow({ single }: Parts): Promise<Row> {
  const keys = Array.from({ length: SCANNED }, (_, i) => `scanned ${i}`);
  await fill(single, keys, bytes(64));
  const weight = await single.size();
  const run = async () => {
    let left = weight;
    for await (const _ of single.keys()) left--;
    if (left !== 0) throw new Error(`A scan missed ${left} keys`);
  };
  const counts = { count: 1, width: 1, weight };
  return { name: "keys(), an entry", limit: "echoes", run, ...counts };
}

/**
 * Operations with larger values, and an echo of each size. An echo carries its
 * bytes there and back; a `set` carries them to two others, a `get` once.
 */
export async function largeRows(
  { sock, client, scale }: Parts,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, length, width, one, many } of LARGE) {
    const value = bytes(length);
    const keys = remoteKeys(sock, 8, name);
    for (const key of keys) await sock.set(key, value);
    const [echo, echoes] = [`echo, ${name}`, `echoes, ${name}`];
    const add = (
      names: readonly [string, string],
      run: (at: number) => unknown,
    ) => {
      const row = { run, weight: 1 };
      const isEcho = names[0] === echo;
      const [oneLimit, manyLimit] = isEcho ? [] : [echo, echoes];
      const counts = [one, many].map((count) => Math.ceil(count * scale));
      rows.push(
        {
          ...row,
          name: names[0],
          limit: oneLimit,
          count: counts[0]!,
          width: 1,
        },
        { ...row, name: names[1], limit: manyLimit, count: counts[1]!, width },
      );
    };
    add([echo, echoes], () => client.echo(value));
    add(
      [`get, ${name}`, `gets, ${name}`],
      (at) => sock.get(of(keys, at)),
    );
    add(
      [`set, ${name}`, `sets, ${name}`],
      (at) => sock.set(of(keys, at), value),
    );
  }
  return rows;
}

/**
 * Values of every size, held by a node that this one dialled and by one that
 * dialled it: none may wait for a late acknowledgement.
 */
export async function stallRows({ sock, scale }: Parts): Promise<Row[]> {
  const values = SIZES.map(bytes);
  const others = sock.ring.filter(({ id }) => id !== sock.id);
  const keys = others.flatMap(({ id: holder }) =>
    keysAt(sock, (id) => id === holder, SIZES.length, `to ${holder}`)
  );
  const value = (at: number) => values[at % values.length]!;
  for (const [at, key] of keys.entries()) await sock.set(key, value(at));
  const count = keys.length * Math.ceil(2 * scale);
  const row = { limit: undefined, width: 1, weight: 1, count };
  return [
    {
      ...row,
      name: "get, every size",
      run: (at) => sock.get(of(keys, at)),
    },
    {
      ...row,
      name: "set, every size",
      run: (at) => sock.set(of(keys, at), value(at)),
    },
  ];
}
