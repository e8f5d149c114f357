/**
 * A socket to all nodes of one network.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import { ConnectionError } from "../base/errors.ts";
import { checkUrl, type NodeOptions } from "../base/options.ts";
import type { Id } from "../id/id.ts";
import { NodeDriver } from "../node.ts";
import {
  systemClock,
  systemMacs,
  systemRandom,
  systemWebSocket,
} from "../system.ts";
import type { Channel } from "../transport/channel.ts";
import { type Duplex, DuplexChannel } from "../transport/duplex.ts";
import {
  WebSocketChannel,
  type WebSocketLike,
} from "../transport/websocket.ts";
import {
  type CallOptions,
  checkSignal,
  checkTimeout,
  checkWebSocket,
  type MeshEvents,
  type MeshExtension,
  type MeshOptions,
  resolveOptions,
  type SendOptions,
  urlOf,
} from "./driver/options.ts";
import { checkSecrets } from "./driver/secrets.ts";
import type { Message, MessageHandler, Packet } from "./driver/message.ts";
import { Connections } from "./driver/connections.ts";
import { Postbox } from "./driver/postbox.ts";
import type {
  Member,
  MeshConnection,
  MeshStats,
  MeshStatus,
} from "./driver/views.ts";
import type { Notice } from "./events.ts";
import { type BuildNode, type NodeParts, viewOf } from "./driver/parts.ts";
import { NodeMachine } from "./node_machine.ts";

type Events = MeshEvents<MeshSocket, MeshConnection>;

const buildMesh: BuildNode = (options, random, at) => ({
  machine: new NodeMachine(options, random, at),
  onNotice: () => {},
  onClose: () => {},
});

/** The driver of a socket, for what extends it; no part of the public API. */
export let driverOf: <Operation>(socket: MeshSocket) => NodeDriver<Operation>;
/** Tells `onError` and the listeners of `"error"`; likewise. */
export let reportTo: (socket: MeshSocket, error: unknown) => void;

/**
 * One node of a peer-to-peer network: connected to one peer, it finds the rest.
 *
 * @example Two nodes in one process
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { memoryPair, MeshSocket } from "@chord/dict";
 *
 * await using alice = new MeshSocket({ subnet: "example" });
 * await using bob = new MeshSocket({ subnet: "example" });
 * const [left, right] = memoryPair();
 * await Promise.all([alice.attach(left), bob.attach(right)]);
 *
 * await alice.send(["hello", { to: "all" }]);
 * for await (const message of bob.messages()) {
 *   assertEquals(message.packets, ["hello", { to: "all" }]);
 *   break;
 * }
 * ```
 */
export class MeshSocket implements AsyncDisposable {
  readonly #options: NodeOptions;
  readonly #given: MeshOptions;
  readonly #clock: Clock;
  readonly #parts: NodeParts;
  readonly #machine: NodeMachine<never>;
  readonly #driver: NodeDriver<never>;
  readonly #emitter: Emitter<Events>;
  readonly #connections: Connections;
  readonly #post: Postbox;
  readonly #stops: (() => Promise<void>)[] = [];
  #url: string;

  static {
    driverOf = <Operation>(socket: MeshSocket) =>
      socket.#driver as unknown as NodeDriver<Operation>;
    reportTo = (socket, error) => socket.#report(error);
  }

  /**
   * @param options see {@linkcode MeshOptions}
   * @param extension what works on top of the mesh
   * @throws {TypeError} If an option is of the wrong type
   * @throws {RangeError} If one is out of its range
   */
  constructor(options: MeshOptions = {}, extension?: MeshExtension) {
    const build = (extension?.build ?? buildMesh) as BuildNode;
    this.#options = resolveOptions(options);
    this.#given = options;
    this.#url = this.#options.url;
    this.#emitter = new Emitter((error, name) => {
      // A listener of "error" that throws must not be told its own error.
      if (name === "error") this.#given.onError?.(error);
      else this.#report(error);
    });
    this.#clock = options.clock ?? systemClock;
    this.#parts = build(this.#options, options.random ?? systemRandom, {
      nowMs: this.#clock.nowMs(),
      wallMs: this.#clock.wallMs(),
    });
    this.#machine = this.#parts.machine;
    this.#connections = new Connections((id) => this.#machine.member(id));
    this.#driver = new NodeDriver(this.#machine, {
      clock: this.#clock,
      dial: (url) => this.#dial(url),
      macs: systemMacs(checkSecrets(options)),
      onNotice: (notice) => this.#onNotice(notice),
      onBug: (error) => {
        this.#report(error);
        this.#finish();
      },
      openMs: this.#options.timings.handshakeMs,
    });
    this.#post = new Postbox({
      clock: this.#clock,
      random: options.random ?? systemRandom,
      driver: this.#driver,
      connection: (id) => this.#connections.all.get(id),
      onMessage: () => this.#emitter.emit("message", this),
      report: (error) => this.#report(error),
    });
  }

  /** Names this socket: 32 hexadecimal characters, random. */
  get id(): string {
    return this.#machine.id;
  }

  /** What peers may dial; empty while nobody can. */
  get url(): string {
    return this.#url;
  }

  /** The nodes that this one has a connection to, by id. */
  get routingTable(): ReadonlyMap<string, MeshConnection> {
    return this.#connections.all;
  }

  /** All nodes that are known, this one and the dead included. */
  get members(): readonly Member[] {
    return this.#machine.members.map(viewOf);
  }

  get status(): MeshStatus {
    const peers = this.#connections.all.size;
    return {
      state: !this.#driver.isOpen
        ? "closed"
        : peers === 0
        ? "alone"
        : "connected",
      subnet: this.#options.subnet,
      secured: this.#options.isSecured,
      peers,
      members:
        this.members.filter(({ health }) =>
          health === "alive" || health === "suspect"
        ).length,
    };
  }

  stats(): MeshStats {
    return {
      ...this.#machine.stats,
      messagesWaiting: this.#post.received.length,
      messagesDropped: this.#post.received.dropped,
      callsWaiting: this.#driver.callsWaiting,
    };
  }

  /**
   * Connects to a node, which introduces this one to all others.
   *
   * @param url a `ws:` or `wss:` url; dialled again once who answers is gone
   * @returns the connection, once both sides have agreed to it
   * @throws {TypeError} If `url` is no `ws:` or `wss:` url
   * @throws {SubnetMismatchError} If the node belongs to another subnet
   * @throws {AuthError} If it has another secret
   * @throws {VersionError} If it speaks no common version of the protocol
   * @throws {SelfConnectError} If the url leads back to this node
   * @throws {ConnectionError} If nobody can be reached there
   * @throws {TimeoutError} If it takes longer than `timeoutMs`
   */
  connect(url: string, options?: CallOptions): Promise<MeshConnection>;
  /** Connects to `ws://host:port/`. */
  connect(
    host: string,
    port: number,
    options?: CallOptions,
  ): Promise<MeshConnection>;
  async connect(
    urlOrHost: string,
    second?: number | CallOptions,
    third?: CallOptions,
  ): Promise<MeshConnection> {
    const isHost = typeof second === "number";
    const url = checkUrl(isHost ? urlOf(urlOrHost, second) : urlOrHost);
    const options = (isHost ? third : second as CallOptions) ?? {};
    const timeoutMs = checkTimeout(options.timeoutMs);
    const id = await this.#driver.call<Id>(
      { type: "connect", url, timeoutMs },
      {
        action: `connect to ${url}`,
        writes: false,
        signal: checkSignal(options.signal),
      },
    );
    return this.#connections.to(id);
  }

  /**
   * Takes a WebSocket that somebody else opened, as an HTTP server does.
   *
   * @param webSocket anything shaped like a WebSocket, open or opening; it
   * belongs to the node from now on
   * @returns the connection, once both sides have agreed to it. A rejection
   * need not be handled: the node lives on without this connection
   * @throws {TypeError} If `webSocket` has not the shape of one
   */
  accept(
    webSocket: WebSocketLike,
    options: CallOptions = {},
  ): Promise<MeshConnection> {
    const channel = new WebSocketChannel(checkWebSocket(webSocket), {
      dialled: false,
      clock: this.#clock,
    });
    return this.#take(channel, options);
  }

  /**
   * Takes any pair of streams of byte messages as a connection.
   *
   * @param duplex its streams are locked from now on
   * @returns the connection, once both sides have agreed to it. A rejection
   * need not be handled: the node lives on without this connection
   * @throws {TypeError} If the streams are none, or are locked
   */
  attach(duplex: Duplex, options: CallOptions = {}): Promise<MeshConnection> {
    return this.#take(new DuplexChannel(duplex, this.#clock), options);
  }

  /**
   * Tells peers from now on where this node can be dialled, unless the options
   * gave a url. For the runtimes' `listen`, and for servers of one's own.
   *
   * @param stop ends the listening; called when the socket closes
   * @throws {TypeError} If `url` is no `ws:` or `wss:` url
   */
  async listening(
    url: string,
    stop: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const checked = checkUrl(url);
    this.#stops.push(stop);
    if (this.#options.url !== "") return;
    await this.#driver.call(
      { type: "listen", url: checked },
      { action: "listen", writes: true, signal: undefined },
    );
    this.#url = checked;
  }

  /**
   * Sends one message to every node, or to the neighbours alone.
   *
   * @param packets strings, byte arrays and JSON values; up to 1,024 packets
   * and 1 MiB together
   * @returns once the message is on its way; while peers take slowly what they
   * are sent, that is later, so await each before the next
   * @throws {TypeError} If `packets` is no array of packets
   * @throws {RangeError} If they are too many or too long
   * @throws {OverloadedError} If more than 64 MiB wait to be sent already
   */
  async send(
    packets: readonly Packet[],
    { to = "all" }: SendOptions = {},
  ): Promise<void> {
    if (to !== "all" && to !== "neighbours") {
      throw new TypeError(
        `Cannot send to "${to}": give "all" or "neighbours"`,
      );
    }
    await this.#post.send(packets, to);
  }

  /** The oldest message that waits, or `undefined`. */
  recv(): Message | undefined;
  /** Up to `count` messages that wait, the oldest first. */
  recv(count: number): Message[];
  recv(count?: number): Message | undefined | Message[] {
    const { received } = this.#post;
    return count === undefined ? received.take() : received.takeUpTo(count);
  }

  /**
   * The messages that wait and all that will come, until the socket closes.
   * Each message goes to one taker: two iterations, or one and `recv`, share.
   */
  messages(): AsyncIterableIterator<Message> {
    return this.#post.received.all();
  }

  /** Adds a handler that sees each message before it is queued. */
  registerHandler(handler: MessageHandler): this {
    this.#post.handlers.push(handler);
    return this;
  }

  /** Calls `listener` each time that `name` happens. */
  on<Name extends keyof Events>(
    name: Name,
    listener: (...args: Events[Name]) => void,
  ): this {
    this.#emitter.on(name, listener);
    return this;
  }

  /** Calls `listener` the next time that `name` happens. */
  once<Name extends keyof Events>(
    name: Name,
    listener: (...args: Events[Name]) => void,
  ): this {
    this.#emitter.on(name, listener, true);
    return this;
  }

  /** Calls `listener` no more. */
  off<Name extends keyof Events>(
    name: Name,
    listener: (...args: Events[Name]) => void,
  ): this {
    this.#emitter.off(name, listener);
    return this;
  }

  /**
   * Says good-bye and ends all connections, calls and timers. What only this
   * node held is gone: call `leave` before, where the dict is used.
   */
  async close(): Promise<void> {
    await this.#driver.close();
    this.#finish();
    await Promise.all(this.#stops.splice(0).map((stop) => stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #dial(url: string): Channel {
    const dial = this.#given.webSocket ?? systemWebSocket();
    if (dial === undefined) {
      throw new ConnectionError(
        `Cannot dial ${url}: this platform has no WebSocket; import the ` +
          `runtime's entry point, or give one as the option "webSocket"`,
      );
    }
    return new WebSocketChannel(new dial(url), {
      dialled: true,
      clock: this.#clock,
    });
  }

  #take(channel: Channel, options: CallOptions): Promise<MeshConnection> {
    const taken = this.#driver.accept(
      channel,
      checkTimeout(options.timeoutMs),
      {
        action: "accept a connection",
        writes: false,
        signal: checkSignal(options.signal),
      },
    ).then((id) => this.#connections.to(id));
    taken.catch(() => {}); // A stranger's garbage must not end the process.
    return taken;
  }

  #onNotice(notice: Notice): void {
    switch (notice.type) {
      case "peer":
        this.#emitter.emit("peer", this.#connections.to(notice.peer));
        if (notice.first) this.#emitter.emit("connect", this);
        break;
      case "disconnect": {
        const connection = this.#connections.to(notice.peer);
        this.#connections.drop(notice.peer);
        this.#emitter.emit(
          "disconnect",
          connection,
          notice.code,
          notice.reason,
        );
        break;
      }
      case "error":
        this.#report(notice.error);
        break;
      case "lagged":
        this.#emitter.emit(
          "lagged",
          notice.origin,
          notice.last - notice.first + 1,
        );
        break;
      case "letter":
        this.#post.onLetter(notice.letter, notice.sender);
        break;
    }
    this.#parts.onNotice(notice);
  }

  #report(error: unknown): void {
    try {
      this.#given.onError?.(error);
    } catch { /* There is nobody left to tell. */ }
    this.#emitter.emit(
      "error",
      error instanceof Error ? error : new Error(String(error)),
    );
  }

  #finish(): void {
    this.#post.received.end();
    this.#connections.clear();
    this.#parts.onClose();
  }
}
