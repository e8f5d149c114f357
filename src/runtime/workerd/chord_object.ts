/**
 * A Durable Object that is a member of a ring.
 *
 * A node lives in memory, and an object may lose its memory at any time: when
 * its code is deployed anew, when its machine goes, when it was idle. What it
 * restores is chosen to be the simplest thing that is right:
 *
 * - It comes back as a new node (a new id) at its old url. A node's state is
 *   what others believe of it, and that has moved on; for an id that comes back
 *   with an older state every peer would need a special case. Peers that dial
 *   the url again find the new id there, and know at once that the old node is
 *   dead.
 * - Its copies, tombstones included, are in its storage before anybody is told
 *   that it has them (see `copies.ts`). They are given to the new node before
 *   it joins; then the normal repair compares them with what the other holders
 *   have, the newer version wins either way, and what belongs to others by now
 *   is handed to these and dropped as anything else is. So a ring of which all
 *   objects restart together, as at a deployment, still has all its entries.
 * - A delete never comes back: tombstones are remembered for `tombstoneMs`, and
 *   an object that was away for longer forgets all its copies, since it may
 *   have missed a delete that nobody remembers any more. The others refuse a
 *   node that was away so long for the same reason.
 *
 * Not taken: to keep the whole state of the machine, so that the same node
 * could go on. It would be written with every message, and be wrong as soon as
 * the others have given the node up.
 *
 * What the platform does about memory decides the rest. It takes an object out
 * of memory that has had no event for some ten seconds, except while a timer or
 * a connection that the object dialled is open; it may do it all the same after
 * a minute or two without events. A member tells its peers every second that it
 * is there, so while it has peers it has timers, and it stays. Its alarm is an
 * event, every half minute: it keeps the object in use, brings it back if it
 * was not, and writes down that it was there. A member without peers and without
 * work closes its node, and the object costs nothing until somebody comes or
 * the next alarm rings.
 *
 * Connections of others are accepted in the way that outlives the object's time
 * in memory, though the links on them do not: the first byte that comes wakes
 * the object, which then ends them, so that the peers dial again at once.
 *
 * @module
 */
import { TIMINGS } from "../../base/options.ts";
import type { ChordOptions } from "../../dict/driver/options.ts";
import { ChordSocket } from "../../dict/chord_socket.ts";
import { CloseCode } from "../../mesh/close_codes.ts";
import type { CallOptions } from "../../mesh/driver/options.ts";
import { reportTo } from "../../mesh/mesh_socket.ts";
import { Copies, forgetCopies } from "./copies.ts";
import {
  type AcceptedWebSocket,
  isUpgrade,
  type ObjectState,
  upgraded,
  upgradeRequired,
  webSocketPair,
} from "./platform.ts";
import { KeptWebSocket } from "./sockets.ts";

/** Options of {@linkcode ChordObject}. */
export interface ChordObjectOptions<K, V> extends ChordOptions<K, V> {
  /**
   * The urls of members, by which this one finds the ring; its own may be among
   * them. A function is given the own url.
   *
   * @default {[]}
   */
  readonly seeds?: readonly string[] | ((url: string) => readonly string[]);
  /**
   * How often the object's alarm rings while it has a node, in milliseconds.
   * After two alarms without peers and without a request it has none.
   *
   * @default {30_000}
   */
  readonly alarmMs?: number;
}

/** What an object remembers of itself. */
interface Remembered {
  readonly url: string;
  /** The last moment that it certainly ran, in ms since 1970. */
  readonly aliveMs: number;
  /** Where its peers were then. */
  readonly peers: readonly string[];
}

/** A node, and what belongs to it. */
interface Life<K, V> {
  readonly sock: ChordSocket<K, V>;
  readonly copies: Copies;
  /** Resolves when the node is a member. */
  readonly joined: Promise<void>;
}

const REMEMBERED = "node";
/** The default of `alarmMs`; above it says why so often. */
const ALARM_MS = 30_000;
/** How often it rings while there is none. */
const ASLEEP_ALARM_MS = 3_600_000;
/** How often it rings at least in the time that deletes are remembered. */
const ALARMS_PER_TOMBSTONE = 4;
/** Peers that are remembered. */
const PEERS_MAX = 64;

/**
 * A Durable Object that is a full member of a ring: it can be dialled, stores
 * its share of the dict, and restores itself.
 *
 * Its first request tells it its url, unless the options do: forward to it,
 * unchanged, what comes to that url. Every request to it that is no upgrade is
 * for the class that extends it.
 *
 * @typeParam K what keys come back as
 * @typeParam V what values come back as
 *
 * @example A ring of three objects
 * ```ts
 * import { text } from "@chord/dict";
 * import { ChordObject } from "@chord/dict/workerd";
 *
 * type Parameters = ConstructorParameters<typeof ChordObject<string, string>>;
 *
 * export class Member extends ChordObject<string, string> {
 *   constructor(state: Parameters[0], env: unknown) {
 *     super(state, env, {
 *       subnet: "edge",
 *       keys: text,
 *       values: text,
 *       seeds: (url) => ["0", "1", "2"].map((n) => new URL(n, url).href),
 *     });
 *   }
 *
 *   override async fetch(request: Request): Promise<Response> {
 *     if (request.headers.has("upgrade")) return super.fetch(request);
 *     const dict = await this.node(request.url);
 *     return new Response(await dict.get("greeting", "nothing"));
 *   }
 * }
 * ```
 */
export class ChordObject<K = Uint8Array, V = Uint8Array> {
  readonly #state: ObjectState;
  readonly #options: ChordObjectOptions<K, V>;
  readonly #kept = new Map<unknown, KeptWebSocket>();
  #remembered: Remembered | undefined;
  #life: Life<K, V> | undefined;
  /** Whether anybody used the object since the last alarm. */
  #isUsed = true;

  /**
   * @param state what the platform gives a Durable Object
   * @param _env likewise; only for the class that extends this one
   * @param options see {@linkcode ChordObjectOptions}
   */
  constructor(
    state: ObjectState,
    _env?: unknown,
    options: ChordObjectOptions<K, V> = {},
  ) {
    this.#state = state;
    this.#options = options;
    for (const end of state.getWebSockets()) endStale(end);
    state.blockConcurrencyWhile(async () => {
      this.#remembered = await state.storage.get(REMEMBERED) as
        | Remembered
        | undefined;
    });
  }

  /**
   * The object's node, once it is a member of the ring.
   *
   * @param url where the object can be reached, if it was not told before
   * @throws {TypeError} If the object does not know its url
   * @throws {ChordError} If it cannot join
   */
  async node(url?: string): Promise<ChordSocket<K, V>> {
    this.#isUsed = true;
    const life = this.#live(url);
    await life.joined;
    return life.sock;
  }

  /**
   * Takes a peer's WebSocket; 426 to a request that is no upgrade. It may come
   * before the object is a member: it becomes one then.
   */
  // deno-lint-ignore require-await -- what this throws must be a rejection
  async fetch(request: Request): Promise<Response> {
    if (!isUpgrade(request)) return upgradeRequired();
    const { sock } = this.#live(request.url);
    this.#isUsed = true;
    const [client, server] = webSocketPair();
    const kept = new KeptWebSocket(server);
    this.#state.acceptWebSocket(server as never);
    this.#kept.set(server, kept);
    sock.accept(kept).catch((error) => {
      if (sock.status.state !== "closed") reportTo(sock, error);
    });
    return upgraded(client);
  }

  /** Hands over what this member holds, and forgets everything. */
  async leave(options: CallOptions = {}): Promise<void> {
    const sock = await this.node();
    await sock.leave(options);
    const life = this.#life;
    this.#life = undefined;
    life?.copies.release();
    await sock.close();
    this.#remembered = undefined;
    await this.#state.storage.deleteAlarm();
    await this.#state.storage.deleteAll();
  }

  /**
   * Called with each node of the object before it connects to anybody: the
   * place to add listeners. An object has one node after the other.
   */
  protected onNode(_sock: ChordSocket<K, V>): void {}

  /** Called by the platform. */
  async alarm(): Promise<void> {
    const life = this.#life;
    const isIdle = life !== undefined && !this.#isUsed &&
      life.sock.status.peers === 0;
    this.#isUsed = false;
    if (isIdle) return await this.#sleep(life);
    // Set first: whatever happens next, there is another chance.
    await this.#setAlarm(this.#options.alarmMs ?? ALARM_MS);
    if (this.#url() === undefined) return;
    const { sock, joined } = this.#live();
    try {
      await joined;
      await this.#meet(sock);
      await this.#remember(sock);
    } catch (error) {
      reportTo(sock, error);
    }
  }

  /** Called by the platform. */
  webSocketMessage(end: AcceptedWebSocket, data: unknown): void {
    const kept = this.#kept.get(end);
    if (kept !== undefined) return kept.tell({ type: "message", data });
    endStale(end);
    if (this.#url() !== undefined) this.#live();
  }

  /** Called by the platform. */
  webSocketClose(end: AcceptedWebSocket, code: number, reason: string): void {
    endStale(end, code, reason);
    this.#kept.get(end)?.tell({ type: "close", code, reason });
    this.#kept.delete(end);
  }

  /** Called by the platform. */
  webSocketError(end: AcceptedWebSocket, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#kept.get(end)?.tell({ type: "error", message });
    this.#kept.delete(end);
  }

  #url(requestUrl?: string): string | undefined {
    const told = requestUrl === undefined ? undefined : addressOf(requestUrl);
    return this.#options.url ?? this.#remembered?.url ?? told;
  }

  /** The life that runs, or a new one. */
  #live(requestUrl?: string): Life<K, V> {
    if (this.#life !== undefined && this.#life.sock.status.state !== "closed") {
      return this.#life;
    }
    this.#life?.copies.release();
    const url = this.#url(requestUrl);
    if (url === undefined) {
      throw new TypeError(
        `Cannot start the node of an object that does not know its url: give ` +
          `it as the option "url", or send the object a request to it`,
      );
    }
    const sock = new ChordSocket<K, V>({ ...this.#options, url });
    const copies = new Copies(
      this.#state.storage,
      sock as ChordSocket<unknown, unknown>,
      (error) => reportTo(sock, error),
    );
    this.onNode(sock);
    const joined = this.#start(sock, copies);
    joined.catch((error) => this.#onFailedStart(sock, error));
    return this.#life = { sock, copies, joined };
  }

  async #start(sock: ChordSocket<K, V>, copies: Copies): Promise<void> {
    await this.#setAlarm(this.#options.alarmMs ?? ALARM_MS);
    await this.#forgetIfStale(sock);
    await copies.restore();
    await this.#meet(sock);
    await sock.join();
    await this.#remember(sock);
  }

  /** The next who asks gets a new try. */
  async #onFailedStart(sock: ChordSocket<K, V>, error: unknown): Promise<void> {
    if (this.#life?.sock === sock) {
      this.#life.copies.release();
      this.#life = undefined;
    }
    reportTo(sock, error);
    await sock.close();
  }

  /** Closes the node, so that nothing keeps the object in memory. */
  async #sleep({ sock, copies }: Life<K, V>): Promise<void> {
    await this.#remember(sock);
    this.#life = undefined;
    copies.release();
    await sock.close();
    await this.#setAlarm(ASLEEP_ALARM_MS);
  }

  async #forgetIfStale(sock: ChordSocket<K, V>): Promise<void> {
    if (this.#remembered === undefined) return;
    const awayMs = Date.now() - this.#remembered.aliveMs;
    const { tombstoneMs } = { ...TIMINGS, ...this.#options.timings };
    if (awayMs <= tombstoneMs) return;
    await forgetCopies(this.#state.storage);
    reportTo(
      sock,
      new Error(
        `Cannot restore what this object held: it was away for ${awayMs} ms, ` +
          `and deletes are remembered for ${tombstoneMs}; what other members ` +
          `hold is pulled from them`,
      ),
    );
  }

  /** Connects to all that should be there and are not. */
  async #meet(sock: ChordSocket<K, V>): Promise<void> {
    const { seeds = [] } = this.#options;
    const known = new Set(
      sock.members.filter(({ health }) => health === "alive")
        .map(({ url }) => url),
    );
    const urls = new Set([
      ...(typeof seeds === "function" ? seeds(sock.url) : seeds),
      ...(this.#remembered?.peers ?? []),
    ].map((url) => new URL(url).href));
    const missing = [...urls].filter((url) => !known.has(url));
    // Who cannot be reached now is tried again at the next alarm.
    await Promise.allSettled(missing.map((url) => sock.connect(url)));
  }

  async #remember(sock: ChordSocket<K, V>): Promise<void> {
    const peers = sock.members
      .filter(({ health, url }) =>
        health === "alive" && url !== "" && url !== sock.url
      )
      .map(({ url }) => url).slice(0, PEERS_MAX);
    this.#remembered = { url: sock.url, aliveMs: Date.now(), peers };
    await this.#state.storage.put(REMEMBERED, this.#remembered);
  }

  async #setAlarm(afterMs: number): Promise<void> {
    const { tombstoneMs } = { ...TIMINGS, ...this.#options.timings };
    const delayMs = Math.min(afterMs, tombstoneMs / ALARMS_PER_TOMBSTONE);
    await this.#state.storage.setAlarm(Date.now() + delayMs);
  }
}

/** Ends a connection of which there is no link, or no other end, any more. */
function endStale(
  end: AcceptedWebSocket,
  code: number = CloseCode.normal,
  reason = "the object has begun anew",
): void {
  try {
    end.close(code, reason);
  } catch {
    // It has ended already, or with a code that only the platform may use.
  }
}

/** Where a request to the object was sent, as peers dial it. */
function addressOf(requestUrl: string): string {
  const url = new URL(requestUrl);
  url.search = url.hash = "";
  return url.href.replace(/^http/, "ws");
}
