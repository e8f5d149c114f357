/**
 * One node of a Durable Object, from its start to its end, and what of it
 * outlives it; `chord_object.ts` says why.
 *
 * @module
 */
import { TIMINGS } from "../../base/options.ts";
import { ChordSocket, dictOf } from "../../dict/chord_socket.ts";
import {
  type ChordOptions,
  MOVE_TIMEOUT_MS,
} from "../../dict/driver/options.ts";
import type { DictOperation } from "../../dict/operations.ts";
import { driverOf, reportTo } from "../../mesh/mesh_socket.ts";
import { Copies, forgetCopies } from "./copies.ts";
import type { ObjectStorage } from "./platform.ts";

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
export interface Remembered {
  readonly url: string;
  /** The last moment that it certainly ran, in ms since 1970. */
  readonly aliveMs: number;
  /** Where the other members were then. */
  readonly peers: readonly string[];
  /** Its place in the ring. */
  readonly position: string | undefined;
}

/** What a life begins with. */
export interface Origin<K, V> {
  readonly storage: ObjectStorage;
  readonly options: ChordObjectOptions<K, V>;
  readonly url: string;
  readonly remembered: Remembered | undefined;
  /** Is told the node before it connects to anybody. */
  readonly onNode: (sock: ChordSocket<K, V>) => void;
}

const REMEMBERED = "node";
/** Members that are remembered. */
const PEERS_MAX = 64;
/** How long members that restart as well are waited for. */
const OTHERS_MS_MAX = 5_000;
/** How often they are looked for. */
const LOOK_MS = 20;

/** What the object remembered when it was last in memory. */
export async function recall(
  storage: ObjectStorage,
): Promise<Remembered | undefined> {
  return await storage.get(REMEMBERED) as Remembered | undefined;
}

/** A node that keeps its copies in its object's storage. */
export class Life<K, V> {
  readonly sock: ChordSocket<K, V>;
  /** Resolves when the node has what the object kept. */
  readonly restored: Promise<void>;
  /** Resolves when the node is a member. */
  readonly joined: Promise<void>;
  readonly #storage: ObjectStorage;
  readonly #options: ChordObjectOptions<K, V>;
  readonly #copies: Copies;
  #remembered: Remembered | undefined;
  /** Whether what changed about the others is still to be written down. */
  #isNoteDue = false;

  constructor({ storage, options, url, remembered, onNode }: Origin<K, V>) {
    this.#storage = storage;
    this.#options = options;
    this.#remembered = remembered;
    const sock = this.sock = new ChordSocket<K, V>({ ...options, url });
    this.#copies = new Copies(
      storage,
      sock as ChordSocket<unknown, unknown>,
      (error) => reportTo(sock, error),
    );
    onNode(sock);
    this.restored = this.#restore();
    this.joined = this.restored.then(() => this.#join());
  }

  get isOver(): boolean {
    return this.sock.status.state === "closed";
  }

  get isAlone(): boolean {
    return this.sock.status.peers === 0;
  }

  get remembered(): Remembered | undefined {
    return this.#remembered;
  }

  /** Looks whether all is well; for now and then. */
  async look(): Promise<void> {
    await this.joined;
    await this.#meet(this.isAlone ? this.#remembered?.peers ?? [] : []);
    await this.remember();
  }

  /** Closes the node; what it kept stays as it is. */
  async end(): Promise<void> {
    this.#copies.release();
    dictOf(this.sock).onMembers = () => {};
    await this.sock.close();
  }

  /** Writes down that the node is there, and who else. */
  async remember(): Promise<void> {
    const { sock } = this;
    const { members } = sock;
    // The dead may come back, but there is more hope for the living.
    const ofHealth = (wanted: string) =>
      members.filter(({ url, role, health }) =>
        health === wanted && role === "active" && url !== "" && url !== sock.url
      ).map(({ url }) => url);
    const peers = new Set([...ofHealth("alive"), ...ofHealth("dead")]);
    this.#remembered = {
      url: sock.url,
      aliveMs: Date.now(),
      peers: [...peers].slice(0, PEERS_MAX),
      position: members.find(({ id }) => id === sock.id)?.position,
    };
    await this.#storage.put(REMEMBERED, this.#remembered);
  }

  async #restore(): Promise<void> {
    if (this.#remembered === undefined) return;
    const awayMs = Date.now() - this.#remembered.aliveMs;
    const { tombstoneMs } = { ...TIMINGS, ...this.#options.timings };
    if (awayMs <= tombstoneMs) return await this.#copies.restore();
    await forgetCopies(this.#storage);
    reportTo(
      this.sock,
      new Error(
        `Cannot restore what this object held: it was away for ${awayMs} ms, ` +
          `and deletes are remembered for ${tombstoneMs}; what other members ` +
          `hold is pulled from them`,
      ),
    );
  }

  async #join(): Promise<void> {
    const { peers = [], position } = this.#remembered ?? {};
    await this.#meet(peers);
    await driverOf<DictOperation>(this.sock).ask<void>(
      {
        type: "join",
        timeoutMs: MOVE_TIMEOUT_MS,
        ...(position === undefined ? {} : { position }),
      },
      { action: "join", writes: true, signal: undefined },
    );
    await this.sock.join(); // It has; what else joining does is done here.
    await this.#awaitOthers(new Set(peers));
    // Not before: a ring that comes back piece by piece is not what it was.
    dictOf(this.sock).onMembers = () => this.#noteOthers();
    await this.remember();
  }

  /** Whom it would have to wait for if all restarted now; once for a turn. */
  #noteOthers(): void {
    if (this.#isNoteDue) return;
    this.#isNoteDue = true;
    queueMicrotask(() => {
      this.#isNoteDue = false;
      if (this.isOver) return;
      this.remember().catch((error) => reportTo(this.sock, error));
    });
  }

  /** When all restart at once, only together they have what they had. */
  async #awaitOthers(peers: ReadonlySet<string>): Promise<void> {
    const isAnyLate = () =>
      this.sock.members.some(({ url, role, health }) =>
        health === "alive" && peers.has(url) &&
        (role === "leaf" || role === "joining")
      );
    const endMs = Date.now() + OTHERS_MS_MAX;
    while (isAnyLate() && Date.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Connects to the seeds and these others, where there is no connection. */
  async #meet(others: readonly string[]): Promise<void> {
    const { sock } = this;
    const { seeds = [] } = this.#options;
    const known = new Set(
      sock.members.filter(({ health }) => health === "alive")
        .map(({ url }) => url),
    );
    const urls = new Set([
      ...(typeof seeds === "function" ? seeds(sock.url) : seeds),
      ...others,
    ].map((url) => new URL(url).href));
    const missing = [...urls].filter((url) => !known.has(url));
    // Who cannot be reached now is tried again the next time.
    await Promise.allSettled(missing.map((url) => sock.connect(url)));
  }
}
