/**
 * Whole nodes with a hostile peer among them: nobody throws, nothing grows
 * without end.
 *
 * @module
 */
import { NO_BYTES, utf8 } from "../../src/base/bytes.ts";
import {
  ANNOUNCED_KEYS_MAX,
  NOTES_REMEMBERED_MAX,
  OUTCOMES_KEPT_MAX,
  OVERWRITTEN_KEPT_MAX,
} from "../../src/base/limits.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { WatchQueue } from "../../src/dict/watch_queue.ts";
import type { CreateMachine, SimulatedNode } from "../../src/testing/node.ts";
import { createChordMachine } from "../../src/testing/run.ts";
import { Ring } from "../../src/testing/scenarios.ts";
import { type Collection, watched } from "./collections.ts";
import { HostilePeer } from "./hostile_peer.ts";

/** What is tried. */
export interface Siege {
  readonly seed: number;
  /** Messages that the peer says at least. */
  readonly messages: number;
  /** Whether the peer joins, or is let in only. */
  readonly isMember: boolean;
  /** Copies; everywhere for the rules of a `SyncSocket`. */
  readonly replicas: number;
  /** Other nodes than the product's. */
  readonly create?: CreateMachine;
}

/** What came of it. */
export interface Outcome {
  readonly said: number;
  /** What grew most, and how large it was. */
  readonly largest: string;
}

/** What is allowed to grow up to a declared limit. */
const LIMITED: Readonly<Record<string, number>> = {
  "src/mesh/notes_seen.ts": NOTES_REMEMBERED_MAX,
  "src/dict/outcomes.ts": OUTCOMES_KEPT_MAX,
  "src/dict/announcer.ts": ANNOUNCED_KEYS_MAX,
  "src/dict/replica.ts": OVERWRITTEN_KEPT_MAX,
};

const MEMBERS = "ABC";
const HOSTILE = "H";
const LOOK_MS = 250;
/** Where there are leases, as in every other run. */
const LEASE_MS = 5_000;
/** How much more of anything there may be than in the first quarter. */
const GROWTH_MAX = 3;
const GROWTH_START = 1_000;
/** By then those who never were are found out, one in four seconds. */
const REST_MS = 800_000;
/**
 * What is enough for nodes that have nothing to do. They may see different
 * rings for ever: nobody can refute what a member says in its last incarnation.
 */
const REST = {
  links: 2 * MEMBERS.length,
  requestsInFlight: 64,
  timers: 128,
  sendsWaiting: 0,
  repliesWaiting: 0,
  callsWaiting: 8,
} as const;
/** Nodes and keys that there are, or are said to be. */
const KNOWN_MAX = 600;

/** The largest that each thing was. */
type Peaks = Map<string, number>;

/**
 * Runs nodes with a hostile peer.
 *
 * @throws {Violation} If a node throws
 * @throws {Error} If something grows without end
 */
export function besiege(siege: Siege): Outcome {
  const { seed, messages, isMember, replicas } = siege;
  const collections = new Map<string, Collection[]>();
  let peer: HostilePeer | undefined;
  let isHostile = false;
  const create: CreateMachine = (options, random, at) => {
    if (isHostile) {
      const hostility = new SeededRandom(seed, "hostile");
      peer = new HostilePeer(options, random, at, hostility);
      return peer;
    }
    const made = siege.create ?? createChordMachine;
    const [machine, its] = watched(() => made(options, random, at));
    collections.set(machine.id, its);
    return machine;
  };
  const ring = new Ring({
    seed,
    replicas,
    create,
    ...(seed % 2 === 0 ? {} : { leaseMs: LEASE_MS }),
  });
  ring.grow(MEMBERS.length);
  isHostile = true;
  if (isMember) ring.join(HOSTILE, "A");
  else ring.leech(HOSTILE, "A");
  ring.settle();
  isHostile = false;
  peer!.isTalking = true;
  ring.run(LOOK_MS);
  const victims = [...MEMBERS].map((name) => ring.node(name));
  for (const victim of victims) watch(ring, victim);
  const first: Peaks = new Map();
  const all: Peaks = new Map();
  const lookAt = (peaks: Peaks) => {
    for (const victim of victims) {
      look(victim, collections.get(victim.machine.id)!, peaks);
    }
  };
  for (let i = 0; peer!.said < messages; i++) {
    use(ring, victims[i % victims.length]!, i);
    ring.run(LOOK_MS);
    lookAt(all);
    if (peer!.said < messages / 4) lookAt(first);
  }
  judgeGrowth(first, all);
  ring.crash(HOSTILE);
  ring.run(REST_MS);
  const rest: Peaks = new Map();
  lookAt(rest);
  judgeRest(rest);
  return { said: peer!.said, largest: largestOf(all) };
}

/** Somebody watches every key, and takes no event from the queue. */
function watch({ simulator }: Ring, node: SimulatedNode): void {
  const match = { exact: false, bytes: NO_BYTES };
  const queue = new WatchQueue();
  const rest = { match, queue, timeoutMs: Infinity } as const;
  const since = "start";
  simulator.call(node, { type: "watch", watch: 1, since, ...rest }, () => {});
}

/** What an application does all the while; how it ends is not asked. */
function use(ring: Ring, node: SimulatedNode, i: number): void {
  const key = utf8(`key ${i % 7}`);
  const rest = { key, timeoutMs: 2_000 } as const;
  const ignore = () => {};
  const { simulator } = ring;
  simulator.call(node, { type: "set", value: key, ...rest }, ignore);
  simulator.call(node, { type: "get", read: "first", ...rest }, ignore);
  simulator.call(node, { type: "pop", ...rest }, ignore);
}

/** What must not grow, of a node's numbers. */
const COUNTED = [
  "links",
  "members",
  "requestsInFlight",
  "timers",
  "sendsWaiting",
  "repliesWaiting",
] as const;

function look(
  { machine }: SimulatedNode,
  collections: readonly Collection[],
  peaks: Peaks,
): void {
  const note = (what: string, size: number) => {
    if (size > (peaks.get(what) ?? -1)) peaks.set(what, size);
  };
  for (const what of COUNTED) note(what, machine.stats[what]);
  note("callsWaiting", machine.dict.stats.callsWaiting);
  for (const { place, size } of collections) note(place, size);
}

/** @throws {Error} If the whole run had far more than its first quarter */
function judgeGrowth(first: Peaks, all: Peaks): void {
  for (const [what, size] of all) {
    const before = first.get(what) ?? 0;
    const most = limitOf(what) ?? GROWTH_MAX * before + GROWTH_START;
    if (size <= most) continue;
    throw new Error(`${what} grew from ${before} to ${size}`);
  }
}

/** @throws {Error} If something was not given back when all was over */
function judgeRest(rest: Peaks): void {
  for (const [what, size] of rest) {
    const most = limitOf(what) ?? REST[what as keyof typeof REST] ?? KNOWN_MAX;
    if (size <= most) continue;
    throw new Error(`${what} is still ${size}, at most ${most} is needed`);
  }
}

function limitOf(what: string): number | undefined {
  return LIMITED[what.split(":")[0]!];
}

function largestOf(peaks: Peaks): string {
  const [what, size] = [...peaks].reduce((most, one) =>
    one[1] > most[1] ? one : most
  );
  return `${what} ${size}`;
}
