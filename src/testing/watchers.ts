/**
 * Applications that watch keys while the world breaks around them, and what
 * must be true of what they are told.
 *
 * @module
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { below, fraction, pick, SeededRandom } from "../base/random.ts";
import type { CopyView } from "../dict/dict.ts";
import { ZERO_ID } from "../id/id.ts";
import type { Since } from "../dict/watch.ts";
import { type Match, matches } from "../dict/watch_match.ts";
import { type Change, WatchQueue } from "../dict/watch_queue.ts";
import type { Version } from "../wire/messages.ts";
import type { Finding } from "./checkers.ts";
import { compareVersions, versionText } from "./history.ts";
import type { Host, SimulatedNode } from "./node.ts";
import { report, type Simulator } from "./simulator.ts";
import { newestCopies } from "./truth.ts";

/** How long a slow reader does nothing between two events, at most. */
const SLOW_MS = 2_000;
/** How often is looked whether a process without its watcher has come up. */
const LOOK_MS = 1_000;
/** How many looks back a watch may begin. */
const MARKS_MAX = 120;
/** What is watched: all, many, some, one. */
const MATCHES: readonly Match[] = [
  { exact: false, bytes: utf8("") },
  { exact: false, bytes: utf8("cold") },
  { exact: false, bytes: utf8("cold 1") },
  { exact: true, bytes: utf8("hot 0") },
];

/** How a key stands, as far as a watcher was told. */
interface Told {
  readonly version: Version;
  readonly live: boolean;
}

/** One watch of one process; it is gone with it. */
export class Watcher {
  readonly name: string;
  readonly node: SimulatedNode;
  readonly match: Match;
  readonly queue: WatchQueue = new WatchQueue();
  readonly told: Map<string, Told> = new Map();
  /** From when on changes must be told; after a gap: all. */
  since: Since;
  /** What there was when it was ready: what need not be told. */
  before: ReadonlyMap<string, CopyView> | undefined;
  /** Names it to its node. */
  readonly number: number;

  constructor(
    node: SimulatedNode,
    match: Match,
    since: Since,
    number: number,
  ) {
    this.node = node;
    this.number = number;
    this.match = match;
    this.since = since;
    const what = match.exact ? "key" : "prefix";
    this.name = `the watcher of ${what} "${fromUtf8(match.bytes)}" at ` +
      node.name;
  }

  /** Takes in what it is told. */
  hear(change: Change): Finding {
    if (change.type === "gap") {
      this.told.clear();
      this.since = "start";
      return undefined;
    }
    const key = fromUtf8(change.key);
    const { version } = change;
    const last = this.told.get(key);
    this.told.set(key, { version, live: change.type === "set" });
    if (!matches(this.match, change.key)) {
      return `${this.name} was told of "${key}"`;
    }
    if (last === undefined) return undefined;
    const order = compareVersions(version, last.version);
    // What runs out ends with the version that it came with.
    const isEnd = order === 0 && last.live && change.type === "delete";
    if (order > 0 || isEnd) return undefined;
    return `${this.name} was told of "${key}" ${versionText(version)} after ` +
      versionText(last.version);
  }
}

/** What a watcher was told, in the end, is how all its keys stand. */
export function watchComplete(
  watcher: Watcher,
  truth: ReadonlyMap<string, CopyView>,
): Finding {
  for (const [key, copy] of truth) {
    if (!matches(watcher.match, copy.key)) continue;
    const told = watcher.told.get(key);
    const isLive = copy.value !== undefined;
    const state = `${isLive ? "" : "deleted at "}${versionText(copy.version)}`;
    if (told === undefined) {
      if (isExempt(watcher, key, copy)) continue;
      return `${watcher.name} was not told of "${key}", ${state}`;
    }
    if (!told.live && !isLive) continue;
    const isSame = compareVersions(told.version, copy.version) === 0;
    if (isSame && told.live === isLive) continue;
    return `${watcher.name} was told of "${key}" ${
      versionText(told.version)
    }, but it is ${state}`;
  }
  for (const [key, { live, version }] of watcher.told) {
    if (!live || truth.has(key)) continue;
    return `${watcher.name} was told of "${key}" ${versionText(version)}, ` +
      `which nobody has`;
  }
  return undefined;
}

/** What was there before need not be told, nor what came and went unseen. */
function isExempt(watcher: Watcher, key: string, copy: CopyView): boolean {
  const { since, before } = watcher;
  const isLive = copy.value !== undefined;
  if (since === "start") return !isLive;
  const known = before?.get(key);
  const floor = since === "now" ? known?.version : since;
  if (floor !== undefined && compareVersions(copy.version, floor) <= 0) {
    return true;
  }
  // It was not there when the watch was ready, and is not there now.
  return before !== undefined && !isLive && known?.value === undefined &&
    (known === undefined || compareVersions(copy.version, known.version) > 0);
}

/** The watchers of a run. */
export class Watchers {
  readonly #simulator: Simulator;
  readonly #random: SeededRandom;
  readonly #hosts = new Map<Host, Watcher | undefined>();
  /** Those that read now and then instead of at once. */
  readonly #slow = new Set<Watcher>();
  /** Versions of some moments, for watches that begin there. */
  readonly #marks: Since[] = [];
  #isRunning = true;
  #number = 0;
  #events = 0;
  #gaps = 0;

  constructor(simulator: Simulator, seed: number) {
    this.#simulator = simulator;
    this.#random = new SeededRandom(seed, "watchers");
  }

  /** How much they were told. */
  get summary(): string {
    return `${this.#number} watches, ${this.#events} events, ${this.#gaps} gaps`;
  }

  /** Has whatever runs on `count` of the hosts watch from now on. */
  start(hosts: readonly Host[], count: number): void {
    for (let i = 0; i < count; i++) {
      this.#hosts.set(hosts[below(this.#random, hosts.length)]!, undefined);
    }
    this.#look();
  }

  /** Readers are quick from now on. */
  stop(): void {
    this.#isRunning = false;
    for (const watcher of this.#slow) this.#read(watcher);
  }

  onNotice(node: SimulatedNode): void {
    for (const watcher of this.#hosts.values()) {
      if (watcher?.node !== node) continue;
      if (this.#isRunning && this.#slow.has(watcher)) continue;
      // A machine must not be stepped while its effects are carried out.
      this.#simulator.queue.after(0, () => this.#read(watcher));
    }
  }

  /** What somebody was not told, once all is quiet. */
  incomplete(): Finding {
    const { nodes } = this.#simulator;
    const truth = this.#truth();
    for (const watcher of this.#hosts.values()) {
      if (watcher === undefined || !nodes.includes(watcher.node)) continue;
      const finding = watchComplete(watcher, truth);
      if (finding !== undefined) return finding;
    }
    return undefined;
  }

  #truth(): Map<string, CopyView> {
    const copies = newestCopies(this.#simulator.nodes).values();
    return new Map([...copies].map((copy) => [fromUtf8(copy.key), copy]));
  }

  #look(): void {
    this.#marks.push(this.#mark);
    if (this.#marks.length > MARKS_MAX) this.#marks.shift();
    for (const [host, watcher] of this.#hosts) {
      if (host.node === undefined || watcher?.node === host.node) continue;
      this.#hosts.set(host, this.#watch(host.node));
    }
    if (this.#isRunning) {
      this.#simulator.queue.after(LOOK_MS, () => this.#look());
    }
  }

  #watch(node: SimulatedNode): Watcher {
    const match = pick(this.#random, MATCHES)!;
    const since = pick(this.#random, ["now", "start", "before"] as const)!;
    const isSlow = fraction(this.#random) < 0.3;
    const watcher = new Watcher(
      node,
      match,
      since === "before" ? pick(this.#random, this.#marks)! : since,
      ++this.#number,
    );
    const { number: watch, queue } = watcher;
    this.#simulator.call(
      node,
      {
        type: "watch",
        watch,
        match,
        since: watcher.since,
        queue,
        timeoutMs: Infinity,
      },
      (outcome) => {
        if (outcome.type !== "ok") return;
        watcher.before = this.#truth();
      },
    );
    if (isSlow) {
      this.#slow.add(watcher);
      this.#readSlowly(watcher);
    }
    return watcher;
  }

  /** The version of now, by the clock of one of the nodes. */
  get #mark(): Since {
    const [node] = this.#simulator.nodes;
    if (node === undefined) return "start";
    const ms = Math.floor(this.#simulator.wallMs(node));
    return { ms, count: 0, node: ZERO_ID.slice(0, 16) };
  }

  #read(watcher: Watcher): void {
    while (this.#readOne(watcher));
  }

  #readSlowly(watcher: Watcher): void {
    if (!this.#isRunning || !watcher.node.isAlive) return;
    this.#readOne(watcher);
    const pauseMs = fraction(this.#random) * SLOW_MS;
    this.#simulator.queue.after(pauseMs, () => this.#readSlowly(watcher));
  }

  #readOne(watcher: Watcher): boolean {
    const { queue, node } = watcher;
    const change = queue.take();
    if (change === undefined || !node.isAlive) return false;
    this.#events++;
    if (change.type === "gap") this.#gaps++;
    report("watchInVersionOrder", watcher.hear(change));
    if (queue.isAwaited && !queue.isFull) {
      queue.isAwaited = false;
      this.#simulator.call(
        node,
        { type: "taken", watch: watcher.number, timeoutMs: Infinity },
        () => {},
      );
    }
    return true;
  }
}
