/**
 * One seed, from boot to verdict.
 *
 * First everything breaks and only safety is judged; then everything is mended
 * and progress is demanded within a bounded time; then all is read once more.
 *
 * @module
 */
import { ChordMachine } from "../dict/chord_machine.ts";
import { FAN_OUT } from "../mesh/tree.ts";
import { fromUtf8 } from "../base/bytes.ts";
import { SeededRandom } from "../base/random.ts";
import { TIMINGS } from "../base/options.ts";
import {
  BROADCAST_BYTES_KEPT_TOTAL_MAX,
  SESSION_REMOVALS_MAX,
} from "../base/limits.ts";
import {
  boundedQueues,
  type Bounds,
  deadlinesEnd,
  EventsInVersionOrder,
  finalReadIsNewest,
  idleIsCheap,
  noLostWrite,
  noResurrectedDelete,
} from "./checkers.ts";
import { linearizable, poppedOnce, readsAreFresh } from "./calm.ts";
import { Cluster, hostName } from "./cluster.ts";
import { Faults } from "./faults.ts";
import { expiredIsGone, expiredIsNotRead, oneOwner } from "./lives.ts";
import { Beliefs } from "./member_checkers.ts";
import { demandOwners, hopsAreFew, hopsComeNearer } from "./lookups.ts";
import { demand, undropped, unfinished, unsettled, untold } from "./rest.ts";
import type { CreateMachine, Host, SimulatedNode } from "./node.ts";
import { ringOf, RingWatch } from "./ring_watch.ts";
import { report, Violation } from "./simulator.ts";
import type { SwarmOptions } from "./swarm.ts";
import { Talk, TALK_BURST } from "./talk.ts";
import { createVandal } from "./vandal.ts";
import { Watchers } from "./watchers.ts";
import { callsEnd, Workload } from "./workload.ts";

/** How a run ended. */
export interface RunResult {
  readonly seed: number;
  /** What went wrong first, if anything. */
  readonly violation: Violation | undefined;
  /** Equal for equal runs. */
  readonly traceHash: string;
  readonly events: number;
  readonly virtualMs: number;
  /** What happened, in words. */
  readonly summary: string;
}

/** How to run, besides what the seed decides. */
export interface RunSettings {
  readonly create?: CreateMachine;
  readonly print?: (line: string) => void;
}

/** All nodes must be members, and settled, this soon after the start. */
const BOOT_MAX_MS = 60_000;
/** Everything must be well again this soon after the last fault. */
const LIVENESS_MAX_MS = 60_000;
/** The ring must keep its invariants from this long after the last fault on. */
const RING_MAX_MS = 30_000;
const RING_MS = 500;
/** Nothing that was sent stays on its way for longer than this. */
const IN_FLIGHT_MS = 5_000;
/** After this long without a fault nobody keeps a copy that is not its own. */
const DROP_MAX_MS = 120_000;
const POLL_MS = 500;
/** How long is looked what nodes send that nobody uses. */
const IDLE_MS = 15_000;
/** What clocks that agree may differ by, in a version that counts up. */
const SLACK_MS = 100;
const BOUNDS_MS = 1_000;
/** How often it is looked for entries whose time is over. */
const ENDS_MS = 7_777;
/** A node looks at its wall clock this often at least. */
const CLOCK_LOOK_MS = 61_000;
/** A clock that runs faster than this is late with the end of entries. */
const QUICK_DRIFT = 0.01;
/** Reads that one node has under way at once in the end. */
const FINAL_READS_AT_ONCE = 32;

/** The product's own machine. */
export const createChordMachine: CreateMachine = (options, random, at) =>
  new ChordMachine(options, random, at);

/** Runs one seed; the same options give the same result, to the last bit. */
export function runSeed(
  options: SwarmOptions,
  settings: RunSettings = {},
): RunResult {
  const run = new Run(options, settings);
  let violation: Violation | undefined;
  try {
    run.phases();
  } catch (error) {
    violation = error instanceof Violation
      ? error
      : new Violation("simulatorItself", `${error}`, { cause: error });
  }
  return run.result(violation);
}

class Run {
  readonly #options: SwarmOptions;
  readonly #cluster: Cluster;
  readonly #workload: Workload;
  readonly #talk: Talk;
  readonly #faults: Faults;
  readonly #watchers: Watchers;
  readonly #bounds: Bounds;
  readonly #order = new EventsInVersionOrder();
  readonly #beliefs = new Beliefs();
  #vandal: Host | undefined;

  constructor(options: SwarmOptions, settings: RunSettings) {
    const { seed, network, replicas } = options;
    this.#options = options;
    this.#cluster = new Cluster({
      seed,
      network,
      replicas,
      successors: options.successors,
      create: settings.create ?? createChordMachine,
      secret: options.isSecured ? "known to every node" : "",
      limits: options.limits,
      linksMax: options.linksMax,
      buggify: options.buggify,
      fullTableMax: options.fullTableMax,
      timings: { dropAfterMs: options.dropAfterMs },
      clockOffsetMaxMs: options.clockOffsetMaxMs,
      clockDriftMax: options.clockDriftMax,
      leaseMs: options.lives.leasing ? options.lives.leaseMs : undefined,
      ...(settings.print === undefined ? {} : { print: settings.print }),
    });
    const { simulator, ledger } = this.#cluster;
    this.#workload = new Workload(simulator, ledger, options);
    this.#faults = new Faults(this.#cluster, options);
    this.#watchers = new Watchers(simulator, seed);
    this.#bounds = boundsFor(options);
    this.#talk = new Talk(simulator, options);
    simulator.onNotice = (node, notice) => {
      if (notice.type === "watched") this.#watchers.onNotice(node);
      this.#talk.onNotice(node, notice);
      const told = notice.type === "stored" ? notice.entry : notice;
      if (!("version" in told)) return;
      const key = fromUtf8(told.key);
      const added = "added" in told ? told.added : told.value !== undefined;
      const news = { version: told.version, added };
      const finding = this.#order.check(node.name, key, news);
      report("eventsInVersionOrder", finding);
    };
  }

  phases(): void {
    const hosts = this.#boot();
    this.#cluster.keepAuditing();
    this.#watchBounds();
    this.#watchEnds();
    const { queue } = this.#cluster.simulator;
    const { minutes, calmMinutes } = this.#options;
    const endMs = queue.nowMs + minutes * 60_000;
    this.#workload.calmUntilMs = queue.nowMs + calmMinutes * 60_000;
    this.#workload.start(hosts);
    this.#watchers.start(hosts, this.#options.watchers);
    this.#talk.start(hosts, this.#workload.calmUntilMs);
    queue.run(this.#workload.calmUntilMs);
    this.#judgeCalm();
    this.#faults.start();
    this.#startHazards();
    queue.run(endMs);
    this.#workload.stop();
    this.#talk.stop();
    this.#stopHazards();
    this.#faults.stop();
    queue.after(RING_MAX_MS, () => this.#watchRing(new RingWatch()));
    this.#watchers.stop();
    // What was asked for before the end may still be on its way.
    queue.run(queue.nowMs + IN_FLIGHT_MS);
    // What a clock far ahead has left behind is refused until then.
    const aheadMs = this.#faults.aheadMs - TIMINGS.clockAheadMaxMs;
    if (aheadMs > 0) queue.run(queue.nowMs + aheadMs);
    const maxMs = LIVENESS_MAX_MS - IN_FLIGHT_MS;
    demand(this.#cluster, "liveness", maxMs, unfinished);
    demand(
      this.#cluster,
      "watches",
      LIVENESS_MAX_MS,
      () => ["watchComplete", this.#watchers.incomplete()],
    );
    demand(
      this.#cluster,
      "talk",
      LIVENESS_MAX_MS,
      () => ["castsComplete", this.#talk.unheard()],
    );
    this.#readAll();
    const { simulator } = this.#cluster;
    demandOwners(simulator, new SeededRandom(this.#options.seed, "lookups"));
    demand(this.#cluster, "dropped", DROP_MAX_MS, undropped);
    // Whose time is over is told of, too.
    const livesMs = this.#options.lives.ttlMaxMs;
    demand(this.#cluster, "idle", LIVENESS_MAX_MS + livesMs, untold);
    const { nodes } = this.#cluster.simulator;
    const before = nodes.map(({ machine }) => machine.stats);
    queue.run(queue.nowMs + IDLE_MS);
    // Messages that go through others, or to fingers, have no such budget, nor
    // have comparisons of all with all.
    const isFull = !this.#cluster.simulator.isSync &&
      nodes.length <= this.#options.linksMax &&
      nodes.every(({ machine }) => machine.window === undefined);
    const finding = idleIsCheap(nodes, before, IDLE_MS);
    report("idleIsCheap", isFull ? finding : undefined);
    this.#verdict();
  }

  result(violation: Violation | undefined): RunResult {
    const { trace, nowMs } = this.#cluster.simulator;
    return {
      seed: this.#options.seed,
      violation,
      traceHash: trace.hash,
      events: trace.events,
      virtualMs: nowMs,
      summary: `${this.#workload.history.summary()}; ` +
        `${this.#watchers.summary}; ${this.#faults.summary}`,
    };
  }

  /** Starts all hosts, the first one a little earlier: it founds the ring. */
  #boot(): Host[] {
    const { simulator } = this.#cluster;
    const { members, leaves } = this.#options;
    const hosts: Host[] = [];
    for (let i = 0; i < members; i++) {
      hosts.push(this.#cluster.addHost(hostName(i), true));
    }
    for (let i = 0; i < leaves; i++) {
      hosts.push(this.#cluster.addHost(`Leaf${i + 1}`, false));
    }
    this.#cluster.found(hosts[0]!);
    for (const host of hosts.slice(1)) {
      // Two that knew only each other would be a ring of their own for ever.
      const contacts = hosts.slice(0, Math.min(host.index, members));
      simulator.queue.after(
        100 * host.index,
        () => this.#cluster.boot(host, contacts),
      );
    }
    // Time passes before the first question: nobody runs yet.
    simulator.queue.run(100 * hosts.length);
    demand(this.#cluster, "boot", BOOT_MAX_MS, unsettled);
    return hosts;
  }

  #startHazards(): void {
    const { seed, idleDropMs, raw, hasVandal } = this.#options;
    const { buggify, network } = this.#cluster.simulator;
    buggify.isOn = true;
    network.idleDropMs = idleDropMs;
    network.raw.options = raw;
    if (!hasVandal) return;
    const create = createVandal(new SeededRandom(seed, "vandal"));
    this.#vandal = this.#cluster.addHost("Vandal", false, create);
    this.#cluster.boot(this.#vandal);
  }

  #stopHazards(): void {
    this.#cluster.simulator.buggify.isOn = false;
    const vandal = this.#vandal?.node;
    if (vandal !== undefined) this.#cluster.crash(vandal, false);
  }

  #judgeCalm(): void {
    const { operations } = this.#workload.history;
    const { clockOffsetMaxMs, clockDriftMax, lives } = this.#options;
    const { nowMs } = this.#cluster.simulator;
    const slackMs = 2 * (clockOffsetMaxMs + clockDriftMax * nowMs) + SLACK_MS;
    report("readsAreFresh", readsAreFresh(operations, slackMs));
    report("poppedOnce", poppedOnce(operations));
    // Who has everything reads it at home, where a write may not be yet.
    if (!this.#cluster.simulator.isSync) {
      report("linearizable", linearizable(operations, slackMs));
    }
    report("expiredIsGone", expiredIsNotRead(operations, slackMs));
    if (lives.leasing) report("oneOwner", oneOwner(operations, lives.leaseMs));
  }

  #verdict(): void {
    const { ledger, simulator } = this.#cluster;
    report("noLostWrite", noLostWrite(ledger, simulator.nodes));
    report(
      "noResurrectedDelete",
      noResurrectedDelete(ledger, simulator.nodes),
    );
    if (simulator.isSync) {
      report("toldOfAll", this.#order.checkLast(simulator.nodes));
    }
  }

  /** Reads every key of the workload at every node. */
  #readAll(): void {
    const { simulator } = this.#cluster;
    const live = simulator.nodes;
    let waiting = 0;
    const readFrom = (node: SimulatedNode, at: number) => {
      const key = this.#workload.keys[at];
      if (key === undefined) return;
      waiting++;
      this.#workload.read(node, key, (outcome, found) => {
        waiting--;
        if (outcome.type !== "ok") {
          const why = outcome.type === "failed" ? outcome.error : "crash";
          throw new Violation("callsEnd", `the final read failed: ${why}`);
        }
        report(
          "finalReadIsNewest",
          finalReadIsNewest(live, key, node.name, found),
        );
        simulator.queue.after(
          0,
          () => readFrom(node, at + FINAL_READS_AT_ONCE),
        );
      });
    };
    for (const node of live) {
      for (let at = 0; at < FINAL_READS_AT_ONCE; at++) readFrom(node, at);
    }
    const untilMs = simulator.nowMs + LIVENESS_MAX_MS;
    // The next read is planned before the count of the last one is looked at.
    const isDone = () => waiting === 0;
    do {
      simulator.queue.run(simulator.nowMs + POLL_MS);
    } while (!isDone() && simulator.nowMs < untilMs);
    if (!isDone()) throw new Violation("callsEnd", "the final reads hang");
  }

  /** From now on I1 to I7 hold at every moment. */
  #watchRing(watch: RingWatch): void {
    const { simulator } = this.#cluster;
    const ring = ringOf(simulator.nodes, simulator.successors);
    const unrest = ring && watch.look(ring);
    if (unrest !== undefined) report(...unrest);
    simulator.queue.after(RING_MS, () => this.#watchRing(watch));
  }

  #watchEnds(): void {
    const { simulator } = this.#cluster;
    // A clock that was set is looked at again once in a minute only.
    const { nowMs } = simulator;
    const awake = simulator.nodes.filter(({ isPaused, clock }) =>
      !isPaused && clock.setMs < nowMs - CLOCK_LOOK_MS &&
      Math.abs(clock.drift) < QUICK_DRIFT
    );
    const wallMsOf = (node: SimulatedNode) => simulator.wallMs(node);
    report("expiredIsGone", expiredIsGone(awake, wallMsOf));
    simulator.queue.after(ENDS_MS, () => this.#watchEnds());
  }

  #watchBounds(): void {
    const { simulator } = this.#cluster;
    report("hopsAreFew", hopsAreFew(simulator.nodes));
    report("hopsComeNearer", hopsComeNearer(simulator.nodes));
    report("boundedQueues", boundedQueues(simulator.nodes, this.#bounds));
    report("callsEnd", callsEnd(simulator));
    const awake = simulator.nodes.filter((node) => !node.isPaused);
    report("deadlinesEnd", deadlinesEnd(awake));
    const wrong = this.#beliefs.check(simulator.nodes);
    if (wrong !== undefined) report(...wrong);
    simulator.queue.after(BOUNDS_MS, () => this.#watchBounds());
  }
}

/**
 * What a healthy node needs at most: so much per node that it knows and per
 * call that waits, with room for everybody failing at once.
 */
function boundsFor(options: SwarmOptions): Bounds {
  const nodes = options.members + options.leaves;
  const generations = 64;
  const calls = options.clients + FINAL_READS_AT_ONCE + SESSION_REMOVALS_MAX;
  const burstBytes = TALK_BURST * options.valueBytesMax * FAN_OUT;
  return {
    // A slow way takes seconds for a burst, and another one may come.
    queuedBytes: 1024 * 1024 + 3 * burstBytes,
    broadcastBytes: BROADCAST_BYTES_KEPT_TOTAL_MAX,
    castsOpen: generations * nodes,
    sendsWaiting: 2 * TALK_BURST,
    repliesWaiting: nodes,
    requestsInFlight: 32 + 8 * nodes + 4 * calls,
    timers: 32 + 8 * nodes + 4 * calls,
    links: 4 * nodes,
    members: generations * nodes,
    callsWaiting: calls + 4,
  };
}
