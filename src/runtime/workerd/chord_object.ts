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
 *   anybody is connected to it; then the normal repair compares them with what
 *   the other holders have, the newer version wins either way, and what belongs
 *   to others by now is handed to these and dropped as anything else is.
 * - It joins at its old place in the ring, so that its copies are its share
 *   still, and hardly anything moves. When all objects restart together, as at
 *   a deployment, each waits a little for those that it knew: then the ring is
 *   what it was, with all its entries.
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
import type { ChordSocket } from "../../dict/chord_socket.ts";
import { CloseCode } from "../../mesh/close_codes.ts";
import type { CallOptions } from "../../mesh/driver/options.ts";
import { reportTo } from "../../mesh/mesh_socket.ts";
import { CODE_ABNORMAL } from "../../transport/channel.ts";
import {
  type ChordObjectOptions,
  Life,
  recall,
  type Remembered,
} from "./life.ts";
import {
  type AcceptedWebSocket,
  isUpgrade,
  type ObjectState,
  upgraded,
  upgradeRequired,
  webSocketPair,
} from "./platform.ts";
import { KeptWebSocket } from "./sockets.ts";

/** The default of `alarmMs`; above it says why so often. */
const ALARM_MS = 30_000;
/** How often it rings while there is none. */
const ASLEEP_ALARM_MS = 3_600_000;
/** How often it rings at least in the time that deletes are remembered. */
const ALARMS_PER_TOMBSTONE = 4;

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
  /** What the last life left behind. */
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
      this.#remembered = await recall(state.storage);
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
    const life = await this.#live(url);
    await life.joined;
    return life.sock;
  }

  /**
   * Takes a peer's WebSocket; 426 to a request that is no upgrade. It may come
   * before the object is a member: it becomes one then.
   */
  async fetch(request: Request): Promise<Response> {
    if (!isUpgrade(request)) return upgradeRequired();
    this.#isUsed = true;
    const { sock, restored } = await this.#live(request.url);
    // Whoever is connected can count on what was kept here.
    await restored;
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
    this.#life = this.#remembered = undefined;
    await life?.end();
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
    const isUnused = !this.#isUsed;
    this.#isUsed = false;
    if (isUnused && this.#life?.isAlone) return await this.#sleep(this.#life);
    // Set first: whatever happens next, there is another chance.
    await this.#setAlarm(this.#options.alarmMs ?? ALARM_MS);
    if (this.#url() === undefined) return;
    const life = await this.#live();
    await life.look().catch((error) => {
      if (!life.isOver) reportTo(life.sock, error);
    });
  }

  /** Called by the platform. */
  async webSocketMessage(end: AcceptedWebSocket, data: unknown): Promise<void> {
    const kept = this.#kept.get(end);
    if (kept !== undefined) return kept.tell({ type: "message", data });
    endStale(end);
    if (this.#url() !== undefined) await this.#live();
  }

  /** Called by the platform. */
  webSocketClose(end: AcceptedWebSocket, code: number, reason: string): void {
    endStale(end, code, reason);
    this.#end(end, code, reason);
  }

  /** Called by the platform. */
  webSocketError(end: AcceptedWebSocket, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#end(end, CODE_ABNORMAL, reason);
  }

  #end(end: AcceptedWebSocket, code: number, reason: string): void {
    this.#kept.get(end)?.tell({ type: "close", code, reason });
    this.#kept.delete(end);
  }

  #url(requestUrl?: string): string | undefined {
    const told = requestUrl === undefined ? undefined : addressOf(requestUrl);
    return this.#options.url ?? this.#remembered?.url ?? told;
  }

  /** The life that goes on, or a new one. */
  async #live(requestUrl?: string): Promise<Life<K, V>> {
    if (this.#life !== undefined && !this.#life.isOver) return this.#life;
    const url = this.#url(requestUrl);
    if (url === undefined) {
      throw new TypeError(
        `Cannot start the node of an object that does not know its url: give ` +
          `it as the option "url", or send the object a request to it`,
      );
    }
    this.#leaveBehind(this.#life);
    const life = this.#life = new Life<K, V>({
      storage: this.#state.storage,
      options: this.#options,
      url,
      remembered: this.#remembered,
      onNode: (sock) => this.onNode(sock),
    });
    life.joined.catch((error) => this.#onFailedStart(life, error));
    await this.#setAlarm(this.#options.alarmMs ?? ALARM_MS);
    return life;
  }

  #leaveBehind(life: Life<K, V> | undefined): void {
    this.#life = undefined;
    this.#remembered = life?.remembered ?? this.#remembered;
  }

  /** The next who asks gets a new try. */
  async #onFailedStart(life: Life<K, V>, error: unknown): Promise<void> {
    if (this.#life === life) this.#leaveBehind(life);
    if (!life.isOver) reportTo(life.sock, error);
    await life.end();
  }

  /** Closes the node, so that nothing keeps the object in memory. */
  async #sleep(life: Life<K, V>): Promise<void> {
    this.#leaveBehind(life); // Who comes meanwhile gets another one.
    await life.remember();
    await life.end();
    if (this.#life === undefined) await this.#setAlarm(ASLEEP_ALARM_MS);
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
