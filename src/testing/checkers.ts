/**
 * What must be true of the whole world. Each check is a function that gives
 * `undefined`, or says what is wrong and where.
 *
 * They look at every node at once, which no node can, and they compute what
 * should be by their own means, not by the code that they judge.
 *
 * @module
 */
import { equalBytes, fromUtf8 } from "../base/bytes.ts";
import type { Id } from "../id/id.ts";
import type { CopyView } from "../dict/dict.ts";
import { endOf } from "../dict/expiry.ts";
import type { News } from "../dict/version.ts";
import type { Version } from "../wire/messages.ts";
import {
  compareVersions,
  type History,
  type Key,
  valueText,
  versionText,
} from "./history.ts";
import type { Ledger } from "./ledger.ts";
import type { NodeStats } from "../mesh/node_machine.ts";
import type { LiveNode } from "./node.ts";
import {
  activeNodes,
  holdersOf,
  names,
  newestCopies,
  newestOf,
  placement,
  reachOf,
  ringSeenBy,
} from "./truth.ts";

/** What is wrong, or `undefined`. */
export type Finding = string | undefined;

/**
 * Every acknowledged write, or a newer one, is held by a node that runs. True at
 * every moment, as long as no crash takes away a whole safe set.
 */
export function noLostWrite(
  ledger: Ledger,
  live: readonly LiveNode[],
): Finding {
  for (const { key, version, atMs } of ledger.owed) {
    const isHeld = live.some((node) => {
      const copy = node.machine.dict.copyOf(key.id);
      return copy !== undefined && compareVersions(copy.version, version) >= 0;
    });
    if (!isHeld) {
      return `"${key.text}" ${versionText(version)}, acknowledged at ` +
        `${seconds(atMs)}, is held by none of [${names(live)}]`;
    }
  }
  return undefined;
}

/**
 * Whoever is named as having confirmed a write has it, or a newer one, at the
 * moment of the acknowledgement; and there are as many as were promised. A
 * stand-in may have handed it on and dropped it already, if R others have it.
 *
 * @param wanted how many the promise wants, and R
 */
export function acknowledgedOnAllHolders(
  key: Key,
  written: { readonly version: Version; readonly holders: readonly Id[] },
  wanted: { readonly least: number; readonly replicas: number },
  live: readonly LiveNode[],
): Finding {
  const { version, holders } = written;
  const what = `"${key.text}" ${versionText(version)}`;
  const distinct = new Set(holders);
  if (distinct.size < holders.length) return `${what} counts a holder twice`;
  if (holders.length < wanted.least) {
    return `${what} was acknowledged on ${holders.length} holders, ` +
      `wanted ${wanted.least}`;
  }
  const holding = new Set(
    holdersOf(key, version, live).map((node) => node.machine.id),
  );
  if (holding.size >= wanted.replicas) return undefined;
  for (const node of live) {
    const { id } = node.machine;
    if (distinct.has(id) && !holding.has(id)) {
      return `${what} was acknowledged as held by ${node.name}, which has ` +
        versionText(node.machine.dict.copyOf(key.id)?.version);
    }
  }
  return undefined;
}

/**
 * Once all is quiet, every key is held by exactly its first R active members (or
 * by all, when there are fewer), the same version and the same bytes.
 *
 * @param isStrict whether copies elsewhere, which are dropped only after a
 * while, are wrong too
 */
export function convergedReplicas(
  live: readonly LiveNode[],
  replicas: number,
  isStrict: boolean,
): Finding {
  const holdersFor = placement(live, replicas);
  const newest = newestCopies(live);
  for (const [id, copy] of newest) {
    const key = fromUtf8(copy.key);
    const holders = holdersFor(id);
    for (const node of holders) {
      const wrong = difference(node.machine.dict.copyOf(id), copy);
      if (wrong !== undefined) return `"${key}" at ${node.name}: ${wrong}`;
    }
    if (!isStrict) continue;
    for (const node of live) {
      if (holders.includes(node)) continue;
      if (node.machine.dict.copyOf(id) === undefined) continue;
      return `"${key}" is still at ${node.name}; holders are [${
        names(holders)
      }]`;
    }
  }
  return undefined;
}

/**
 * No node shows a value for a key that is not newer than the newest
 * acknowledged delete of that key.
 *
 * True once replicas have converged. Before, a member that was away may still
 * hold what the others have deleted.
 */
export function noResurrectedDelete(
  ledger: Ledger,
  live: readonly LiveNode[],
): Finding {
  for (const { key, version } of ledger.deletes) {
    for (const node of live) {
      const copy = node.machine.dict.copyOf(key.id);
      if (copy?.value === undefined) continue;
      if (compareVersions(copy.version, version) > 0) continue;
      return `"${key.text}" was deleted at ${versionText(version)}; ` +
        `${node.name} still has ${versionText(copy.version)}`;
    }
  }
  return undefined;
}

/** All nodes see one and the same ring: exactly the active members that run. */
export function oneRing(live: readonly LiveNode[]): Finding {
  const ring = activeNodes(live);
  const wanted = ring.map((node) => node.machine.id);
  for (const node of live) {
    if (node.machine.window !== undefined) {
      const finding = windowIsRight(node, wanted, node.machine.window);
      if (finding !== undefined) return finding;
      continue;
    }
    const seen = ringSeenBy(node).map((member) => member.id);
    if (
      seen.length === wanted.length && seen.every((id, i) => id === wanted[i])
    ) {
      continue;
    }
    const known = new Map(live.map((other) => [other.machine.id, other.name]));
    const text = seen.map((id) => known.get(id) ?? `gone ${id.slice(0, 4)}`);
    return `${node.name} sees [${text.join(" ")}], running are [${
      names(ring)
    }]`;
  }
  return undefined;
}

/**
 * Of a ring that is too large for all to know all, each member sees those who
 * are next to it on both sides, and no others; whoever is none, only members.
 */
function windowIsRight(
  { name, machine }: LiveNode,
  ring: readonly Id[],
  near: readonly { readonly id: Id }[],
): Finding {
  const count = ring.length;
  const seen = new Set(near.map(({ id }) => id));
  const self = ring.indexOf(machine.id);
  const reach = reachOf(machine);
  const width = 2 * reach + 1;
  const wanted = self < 0
    ? ring.filter((id) => seen.has(id))
    : width >= count
    ? ring
    : Array.from(
      { length: width },
      (_, i) => ring[(self - reach + i + count) % count]!,
    );
  const isRight = wanted.length === seen.size &&
    wanted.every((id) => seen.has(id));
  return isRight
    ? undefined
    : `${name} sees ${seen.size} members near it, of which ` +
      `${wanted.filter((id) => seen.has(id)).length} are of the ` +
      `${wanted.length} that are`;
}

/** What the numbers of one node must never exceed. */
export interface Bounds {
  readonly queuedBytes: number;
  readonly broadcastBytes: number;
  readonly castsOpen: number;
  readonly sendsWaiting: number;
  readonly repliesWaiting: number;
  readonly requestsInFlight: number;
  readonly timers: number;
  readonly links: number;
  readonly members: number;
  readonly callsWaiting: number;
}

/** Nothing that can grow has grown beyond its bound at any node. */
export function boundedQueues(
  live: readonly LiveNode[],
  bounds: Bounds,
): Finding {
  for (const { name, machine } of live) {
    const { stats } = machine;
    const values = { ...stats, callsWaiting: machine.dict.stats.callsWaiting };
    for (const what of Object.keys(bounds) as (keyof Bounds)[]) {
      if (values[what] <= bounds[what]) continue;
      return `${name} has ${what} ${values[what]}, at most ${bounds[what]}`;
    }
  }
  return undefined;
}

/** Deadlines that a node needs besides those of what it has. */
const DEADLINES = 32;
const DEADLINES_PER_MEMBER = 2;
const DEADLINES_PER_LINK = 2;
const DEADLINES_PER_REPLY = 2;
/** A call waits for some holders, and asks others when these are late. */
const DEADLINES_PER_CALL = 4;

/** No node has many more deadlines than what it has and waits for explains. */
export function deadlinesEnd(live: readonly LiveNode[]): Finding {
  for (const { name, machine } of live) {
    const { stats, dict } = machine;
    // What is done for others, or handed on, waits as its own calls do.
    const calls = stats.requestsInFlight + dict.stats.callsWaiting +
      (dict.routes?.waiting ?? 0);
    const most = DEADLINES + DEADLINES_PER_MEMBER * stats.members +
      DEADLINES_PER_LINK * stats.links +
      DEADLINES_PER_REPLY * stats.repliesWaiting + DEADLINES_PER_CALL * calls;
    if (stats.timers <= most) continue;
    return `${name} has ${stats.timers} deadlines for ${calls} calls and ` +
      `requests, ${stats.links} links and ${stats.members} members`;
  }
  return undefined;
}

/**
 * What a node that nobody uses may send in a second: twice the budget of 12
 * frames and 700 bytes, which is an average over nodes and over a long time.
 */
const IDLE_FRAMES_PER_SECOND = 24;
const IDLE_BYTES_PER_SECOND = 1_400;

/**
 * No node has sent more than what it takes to be known as alive.
 *
 * @param before the nodes' numbers `forMs` ago
 */
export function idleIsCheap(
  live: readonly LiveNode[],
  before: readonly NodeStats[],
  forMs: number,
): Finding {
  for (const [i, { name, machine }] of live.entries()) {
    const { framesSent, bytesSent } = machine.stats;
    const seconds = forMs / 1000;
    const frames = (framesSent - before[i]!.framesSent) / seconds;
    const bytes = (bytesSent - before[i]!.bytesSent) / seconds;
    if (
      frames <= IDLE_FRAMES_PER_SECOND && bytes <= IDLE_BYTES_PER_SECOND
    ) continue;
    return `${name} sends ${frames.toFixed(1)} frames and ` +
      `${bytes.toFixed(0)} bytes in a second, though nothing happens`;
  }
  return undefined;
}

/** Every member that runs is active and says that it has settled. */
export function allSettled(
  live: readonly LiveNode[],
  members: readonly LiveNode[],
): Finding {
  const active = new Set(activeNodes(live));
  for (const node of members) {
    if (!active.has(node)) return `${node.name} is no active member`;
    if (!node.machine.dict.isSettled) return `${node.name} has not settled`;
  }
  return undefined;
}

/** No read gives a value that nobody ever asked to write to that key. */
export function readsAreProven(
  history: History,
  key: string,
  found: string | undefined,
): Finding {
  if (found === undefined || history.wasWritten(key, found)) return undefined;
  return `"${key}" gave "${found}", which was never written to it`;
}

/** What all members read in the end is what the newest version says. */
export function finalReadIsNewest(
  live: readonly LiveNode[],
  key: Key,
  reader: string,
  found: string | undefined,
): Finding {
  const newest = newestOf(key.id, live);
  // It may run out between the read and the look at what was to be read.
  if (newest !== undefined && endOf(newest) < Infinity) return undefined;
  const value = newest?.value;
  const wanted = value === undefined ? undefined : valueText(value);
  if (found === wanted) return undefined;
  return `${reader} reads ${found ?? "nothing"} from "${key.text}", ` +
    `the newest is ${wanted ?? "nothing"}`;
}

/**
 * Per node and key, what `entry` notices tell is newer each time; or it is the
 * end of what was told before, whose time is over.
 */
export class EventsInVersionOrder {
  readonly #last = new Map<string, News>();

  check(node: string, key: string, news: News): Finding {
    const place = `${node} ${key}`;
    const last = this.#last.get(place);
    this.#last.set(place, news);
    if (last === undefined) return undefined;
    const order = compareVersions(news.version, last.version);
    if (order > 0 || (order === 0 && last.added && !news.added)) {
      return undefined;
    }
    return `${node} was told of "${key}" ${versionText(news.version)} after ` +
      versionText(last.version);
  }

  /** Each node was told of the version of each value that it has. */
  checkLast(live: readonly LiveNode[]): Finding {
    for (const { name, machine } of live) {
      for (const { key, value, version } of machine.dict.copies()) {
        if (value === undefined) continue;
        const text = fromUtf8(key);
        const last = this.#last.get(`${name} ${text}`)?.version;
        if (last && compareVersions(last, version) === 0) continue;
        return `${name} has "${text}" ${versionText(version)}, but was told ` +
          versionText(last);
      }
    }
    return undefined;
  }
}

function difference(
  copy: CopyView | undefined,
  wanted: CopyView,
): string | undefined {
  if (copy === undefined) {
    return `no copy, wanted ${versionText(wanted.version)}`;
  }
  if (compareVersions(copy.version, wanted.version) !== 0) {
    return `${versionText(copy.version)}, wanted ` +
      versionText(wanted.version);
  }
  const isEqual = copy.value === undefined || wanted.value === undefined
    ? copy.value === wanted.value
    : equalBytes(copy.value, wanted.value);
  return isEqual ? undefined : "the same version, but other bytes";
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}
