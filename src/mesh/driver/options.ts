/**
 * What a socket is made with, and what each call takes.
 *
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { ChordError } from "../../base/errors.ts";
import { FULL_TABLE_NODES_MAX, LINKS_MAX } from "../../base/limits.ts";
import {
  checkFlag,
  checkLifeMs,
  checkReplicas,
  checkSubnet,
  checkUrl,
  LEASE_MS,
  type Limits,
  type NodeOptions,
  rulesOf,
  SUCCESSORS,
  TIMINGS,
  type Timings,
} from "../../base/options.ts";
import type { Random } from "../../base/random.ts";
import type { WebSocketConstructor } from "../../system.ts";
import type { WebSocketLike } from "../../transport/websocket.ts";
import { resolveLimits } from "./limit_options.ts";
import type { SecretOptions } from "./secrets.ts";

/** How long a call waits when it does not say, in milliseconds. */
export const TIMEOUT_MS = 5_000;

/** Options of {@linkcode MeshSocket}. */
export interface MeshOptions extends SecretOptions {
  /**
   * Only nodes of equal subnets meet; up to 256 bytes of UTF-8.
   *
   * @default {""}
   */
  readonly subnet?: string;
  /**
   * The `ws:` or `wss:` url that peers may dial. `listen` sets it; give one
   * when the way in from outside is another, as behind a proxy. It must lead to
   * this node alone: nodes that share one cannot connect to each other, and meet
   * through those that both have dialled.
   */
  readonly url?: string;
  /**
   * How many connections this node keeps. Up to 64 nodes each is connected to
   * every other one; a smaller number than that makes messages take two hops.
   *
   * @default {256}
   */
  readonly maxConnections?: number;
  /** How much each peer may send and ask for; see {@linkcode Limits}. */
  readonly limits?: Partial<Limits>;
  /** Is told each error that no call could be rejected with. */
  readonly onError?: (error: unknown) => void;
  /** Times that the protocol works with; all nodes should have the same. */
  readonly timings?: Partial<Timings>;
  /** Another clock than the platform's, for tests. */
  readonly clock?: Clock;
  /** Other chance than `crypto`'s, for tests. */
  readonly random?: Random;
  /** What dials, where the platform has no `WebSocket` or another is wanted. */
  readonly webSocket?: WebSocketConstructor;
}

/** What every call that goes over the network takes last. */
export interface CallOptions {
  /**
   * How long to wait, in milliseconds. The call then rejects, mostly with a
   * `TimeoutError`, and says in `applied` whether it may have taken effect.
   *
   * @default {5_000}
   */
  readonly timeoutMs?: number | undefined;
  /** Stops waiting early; a write may still take effect. */
  readonly signal?: AbortSignal | undefined;
}

/** Names other bounds than every ring has; no part of the public API. */
export const BOUNDS: unique symbol = Symbol("bounds");

/** What this library's own tests give: a ring beyond its bounds is large. */
export interface BoundOptions {
  readonly [BOUNDS]?: Pick<NodeOptions, "fullTableMax" | "successors">;
}

/** What the nodes of a dict are made with besides. */
export interface ExtensionOptions {
  readonly replicas?: number;
  readonly leasing?: boolean;
  readonly leaseMs?: number;
}

/**
 * @throws {TypeError} If an option is of the wrong type
 * @throws {RangeError} If one is out of its range
 */
export function resolveOptions(
  options: MeshOptions & ExtensionOptions & BoundOptions,
): NodeOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot make a socket with options of type ${typeof options}: give an ` +
        `object`,
    );
  }
  const leasing = checkFlag(options.leasing ?? false, "leasing");
  if (options.leaseMs !== undefined && !leasing) {
    throw new TypeError(
      `Cannot use "leaseMs" without leases: give "leasing: true", too`,
    );
  }
  return {
    subnet: checkSubnet(options.subnet ?? ""),
    isSecured: (options.secret ?? options.secrets) !== undefined,
    url: options.url === undefined ? "" : checkUrl(options.url),
    ...rulesOf(
      checkReplicas(options.replicas ?? 3),
      leasing ? checkLifeMs(options.leaseMs ?? LEASE_MS, "leaseMs") : undefined,
    ),
    limits: resolveLimits(options.limits),
    linksMax: checkCount(options.maxConnections ?? LINKS_MAX),
    successors: SUCCESSORS,
    fullTableMax: FULL_TABLE_NODES_MAX,
    ...options[BOUNDS],
    timings: { ...TIMINGS, ...options.timings },
  };
}

function checkCount(count: unknown): number {
  if (typeof count === "number" && Number.isInteger(count) && count > 0) {
    return count;
  }
  throw new RangeError(
    `Cannot keep ${count} connections: give a whole number from 1 up`,
  );
}

/**
 * @throws {TypeError} If `timeoutMs` is not a number
 * @throws {RangeError} If it is negative, or not a number of anything
 */
export function checkTimeout(timeoutMs: unknown = TIMEOUT_MS): number {
  if (typeof timeoutMs !== "number") {
    throw new TypeError(
      `Cannot wait for a "timeoutMs" of type ${typeof timeoutMs}: give a ` +
        `number of milliseconds`,
    );
  }
  if (timeoutMs >= 0) return timeoutMs;
  throw new RangeError(
    `Cannot wait for ${timeoutMs} ms: give a "timeoutMs" of 0 or more`,
  );
}

/** @throws {TypeError} If `webSocket` has not the shape of one */
export function checkWebSocket(webSocket: WebSocketLike): WebSocketLike {
  if (
    typeof webSocket?.send === "function" &&
    typeof webSocket.addEventListener === "function"
  ) return webSocket;
  throw new TypeError(
    `Cannot accept a WebSocket of type ${typeof webSocket}: give an object ` +
      `with send, close and addEventListener`,
  );
}

/** @throws {TypeError} If `signal` is no `AbortSignal` */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new TypeError(
    `Cannot use a "signal" of type ${typeof signal}: give an AbortSignal`,
  );
}

/**
 * What works on top of the mesh. Only this library makes one: what it says to
 * the mesh is no part of the public API.
 */
export interface MeshExtension {
  readonly build: unknown;
}

/** The events of {@linkcode MeshSocket} and what their listeners are given. */
export interface MeshEvents<Socket, Connection> {
  /** The first peer is there; again after all were lost. */
  connect: [socket: Socket];
  /** A message waits that no handler took. */
  message: [socket: Socket];
  /** A connection to another node can be used. */
  peer: [connection: Connection];
  /** The last connection to another node is gone. */
  disconnect: [connection: Connection, code: number, reason: string];
  /**
   * Up to `count` broadcasts of the node `origin` never come: they were lost on
   * their way and nobody keeps them any more. Those of the dict count as well.
   */
  lagged: [origin: string, count: number];
  /** Something went wrong that no call could be rejected with. */
  error: [error: ChordError | Error];
}

/** Where a message goes. */
export interface SendOptions {
  /**
   * `"all"`: every node of the subnet, exactly once. `"neighbours"`: the nodes
   * that this one has a connection to.
   *
   * @default {"all"}
   */
  readonly to?: "all" | "neighbours";
}

/** The url of a host and a port. */
export function urlOf(host: string, port: number): string {
  // The colons of an IPv6 address would be taken for that of the port.
  const name = String(host).includes(":") && !host.startsWith("[")
    ? `[${host}]`
    : host;
  return `ws://${name}:${port}/`;
}
