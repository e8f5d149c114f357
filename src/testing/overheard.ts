/**
 * Lookups while nodes come and go: whom each asked, and what it was told.
 *
 * A lookup is a read of a key that was written and never changed, so that there
 * is one right answer; it succeeds at the first try when it asked one node only.
 *
 * @module
 */
import type { Instant } from "../base/machine.ts";
import type { NodeOptions } from "../base/options.ts";
import type { Random } from "../base/random.ts";
import { equalBytes, utf8 } from "../base/bytes.ts";
import { Dict } from "../dict/dict.ts";
import type { DictOperation, Found, Written } from "../dict/operations.ts";
import type { Id } from "../id/id.ts";
import { NodeMachine } from "../mesh/node_machine.ts";
import type { Peers } from "../mesh/peers.ts";
import { type Key, keyOf } from "./history.ts";
import type { CreateMachine, SimulatedNode } from "./node.ts";
import { percentile, type Population } from "./population.ts";

/** Told when a node asks another one for a key. */
type OnAsk = (
  asker: Id,
  key: Id,
  request: number,
  isLinked: boolean,
) => void;

/** A node of which is heard whom it asks for entries. */
class OverheardMachine extends NodeMachine<DictOperation> {
  readonly dict: Dict;

  constructor(
    options: NodeOptions,
    random: Random,
    at: Instant,
    onAsk: OnAsk,
  ) {
    let dict: Dict | undefined;
    super(options, random, at, (context, peers) => {
      overhear(peers, onAsk);
      dict = new Dict(context, peers);
      return dict;
    });
    this.dict = dict!;
  }
}

function overhear(peers: Peers, onAsk: OnAsk): void {
  const begin = peers.request.bind(peers);
  peers.request = (timeoutMs, handlers) => {
    const request = begin(timeoutMs, handlers);
    if (request === undefined) return undefined;
    return {
      number: request.number,
      cancel: () => request.cancel(),
      send: (to, message) => {
        if (message.type === "get") {
          const { id, request } = message;
          onAsk(peers.self.id, id, request, peers.isLinked(to));
        }
        request.send(to, message);
      },
    };
  };
}

/** A lookup that is under way. */
interface Looking {
  /** The number under which it asks; missing as long as it has asked nobody. */
  request: number | undefined;
  asked: number;
  hops: number;
}

const TIMEOUT_MS = 10_000;

/** All lookups of one run. */
export class Lookups {
  readonly create: CreateMachine;
  /** By who looks and for what; nobody looks for one key twice at once. */
  readonly #looking = new Map<string, Looking>();
  readonly keys: Key[] = [];
  readonly #values = new Map<Key, Uint8Array>();
  #written = 0;
  /** Lookups that have ended. */
  ended = 0;
  /** Those that asked one node, or none because the entry was here. */
  firstTry = 0;
  /** Those that got no answer in time. */
  failed = 0;
  /** Those whose asker ended before they did. */
  lost = 0;
  /** Those that were told something else than what was written last. */
  wrong = 0;
  /** Messages from who looked to who answered, of those at the first try. */
  hops = 0;
  /** How long each took, in ms. */
  elapsedMs: number[] = [];
  /** How many nodes each of the others had to ask. */
  retries: number[] = [];

  constructor() {
    this.create = (options, random, at) =>
      new OverheardMachine(
        options,
        random,
        at,
        (asker, key, request, isLinked) => {
          const looking = this.#looking.get(`${asker} ${key}`);
          // A read that only repairs may follow another one, and is no part of it.
          if (looking === undefined) return;
          looking.request ??= request;
          if (looking.request !== request) return;
          looking.asked++;
          looking.hops += isLinked ? 1 : 2;
        },
      );
  }

  /** Counts from nothing; what is under way counts when it ends. */
  forget(): void {
    this.ended =
      this.firstTry =
      this.failed =
      this.lost =
      this.wrong =
        0;
    this.hops = 0;
    this.elapsedMs = [];
    this.retries = [];
  }

  /** The time that a share of the lookups did not need more than. */
  percentileMs(share: number): number {
    return percentile(this.elapsedMs, share);
  }

  get underWay(): number {
    return this.#looking.size;
  }

  /** Writes keys, of which each is owed from its acknowledgement on. */
  write(population: Population, count: number): void {
    for (let i = 0; i < count; i++) {
      const key = keyOf(`entry ${this.#written++}`);
      const value = utf8(`value of ${key.text}`);
      const node = population.pickActive()!;
      const { simulator, cluster } = population;
      const operation = { type: "set", key: key.bytes, value } as const;
      const timeoutMs = TIMEOUT_MS;
      simulator.call(node, { ...operation, timeoutMs }, (outcome) => {
        if (outcome.type !== "ok") return;
        const { version, holders } = outcome.value as Written;
        const safe = new Set(holders);
        const atMs = simulator.nowMs;
        const write = { key, version, isDelete: false, atMs, safe };
        cluster.ledger.acknowledge(write);
        this.keys.push(key);
        this.#values.set(key, value);
      });
    }
  }

  /** @param isThere whether the entry is held by anybody at all */
  look(
    population: Population,
    node: SimulatedNode,
    key: Key,
    isThere: () => boolean = () => true,
  ): void {
    const name = `${node.machine.id} ${key.id}`;
    if (this.#looking.has(name)) return;
    const looking: Looking = { request: undefined, asked: 0, hops: 0 };
    this.#looking.set(name, looking);
    const { simulator } = population;
    const startMs = simulator.nowMs;
    simulator.call(node, {
      type: "get",
      key: key.bytes,
      read: "first",
      timeoutMs: TIMEOUT_MS,
    }, (outcome) => {
      this.#looking.delete(name);
      if (outcome.type === "lost") {
        this.lost++;
        return;
      }
      this.ended++;
      this.elapsedMs.push(simulator.nowMs - startMs);
      if (outcome.type === "failed") {
        this.failed++;
        return;
      }
      const { value } = outcome.value as Found;
      this.#judge(key, value, isThere);
      if (looking.asked > 1) {
        this.retries.push(looking.asked);
        return;
      }
      this.firstTry++;
      this.hops += looking.hops;
    });
  }

  #judge(
    key: Key,
    value: Uint8Array | undefined,
    isThere: () => boolean,
  ): void {
    const wanted = this.#values.get(key)!;
    if (value === undefined ? isThere() : !equalBytes(value, wanted)) {
      this.wrong++;
    }
  }
}
