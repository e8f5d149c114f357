/**
 * Whole nodes with a hostile peer among them: nobody throws, nothing grows
 * without end.
 *
 * @module
 */
import { utf8 } from "../../src/base/bytes.ts";
import {
  ANNOUNCED_KEYS_MAX,
  NOTES_REMEMBERED_MAX,
  OUTCOMES_KEPT_MAX,
  OVERWRITTEN_KEPT_MAX,
} from "../../src/base/limits.ts";
import { SeededRandom } from "../../src/base/random.ts";
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
/** How much more the second half may have of anything, and to begin with. */
const GROWTH_MAX = 1.5;
const GROWTH_START = 100;

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
  const ring = new Ring({ seed, replicas, create });
  ring.grow(MEMBERS.length);
  isHostile = true;
  if (isMember) ring.join(HOSTILE, "A");
  else ring.leech(HOSTILE, "A");
  ring.settle();
  isHostile = false;
  peer!.isTalking = true;
  ring.run(LOOK_MS);
  const victims = [...MEMBERS].map((name) => ring.node(name));
  const halves: [Peaks, Peaks] = [new Map(), new Map()];
  for (let i = 0; peer!.said < messages; i++) {
    const half = halves[peer!.said < messages / 2 ? 0 : 1];
    use(ring, victims[i % victims.length]!, i);
    ring.run(LOOK_MS);
    for (const victim of victims) {
      look(victim, collections.get(victim.machine.id)!, half);
    }
  }
  return { said: peer!.said, largest: judge(halves) };
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

function judge([before, after]: readonly [Peaks, Peaks]): string {
  let largest: [string, number] = ["nothing", 0];
  for (const [what, size] of after) {
    const limit = LIMITED[what.split(":")[0]!];
    const first = before.get(what) ?? 0;
    if (size > (limit ?? GROWTH_MAX * first + GROWTH_START)) {
      throw new Error(`${what} grew from ${first} to ${size}`);
    }
    if (size > largest[1]) largest = [what, size];
  }
  return largest.join(" ");
}
