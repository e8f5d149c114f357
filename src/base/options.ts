/**
 * What a node can be told, and the one place where the defaults are.
 *
 * @module
 */
import {
  BYTES_PER_SECOND_MAX,
  DIALS_PENDING_MAX,
  HANDSHAKES_PENDING_MAX,
  LIFE_MS_MAX,
  LINKS_PER_NODE_MAX,
  MESSAGES_PER_SECOND_MAX,
  REQUESTS_OF_PEER_MAX,
  SUBNET_BYTES_MAX,
  URL_BYTES_MAX,
} from "./limits.ts";
import { utf8 } from "./bytes.ts";
import type { Sabotage } from "./sabotage.ts";

/** Times that the protocol works with, in milliseconds. */
export interface Timings {
  /** How often a neighbour hears from a node that is otherwise silent. */
  readonly heartbeatMs: number;
  /** Silence of a linked neighbour after which it is probed. */
  readonly silenceMs: number;
  /** How long a probe, direct or indirect, may take. */
  readonly probeMs: number;
  /** A suspect is declared dead no sooner than this. */
  readonly suspicionMinMs: number;
  /** A suspect that nobody else suspects is declared dead after this. */
  readonly suspicionMaxMs: number;
  /** How long news of members are gathered before they are sent. */
  readonly gossipMs: number;
  /** A handshake, dial included, may take this long. */
  readonly handshakeMs: number;
  /** The first wait before a lost link is dialled again. */
  readonly redialMinMs: number;
  /** The longest wait between two dials of one node. */
  readonly redialMaxMs: number;
  /** How often one of the nodes that are believed dead is dialled. */
  readonly reviveMs: number;
  /** How long a dead node is remembered; longer than `tombstoneMs`. */
  readonly forgetMs: number;
  /** A read that is not answered for this long asks the next holder, too. */
  readonly hedgeMs: number;
  /** For a holder that has not answered for this long another stands in. */
  readonly standInMs: number;
  /** How often each pair of co-holders compares its digests. */
  readonly antiEntropyMs: number;
  /** How long a node must not have been a holder before it drops a copy. */
  readonly dropAfterMs: number;
  /** How old the confirmations may be on which a copy is dropped. */
  readonly confirmedMaxMs: number;
  /**
   * How long a deleted key is remembered. Who was dead for longer than this is
   * not let in again: it could bring back what was deleted meanwhile.
   */
  readonly tombstoneMs: number;
  /** How far ahead of the own clock a version may be. */
  readonly clockAheadMaxMs: number;
  /** How long the result of a read-modify-write is remembered. */
  readonly outcomeMs: number;
  /** How long the entries of a session outlive a writer that is out of sight. */
  readonly sessionGraceMs: number;
  /** A broadcast gap older than this is asked for. */
  readonly castGapMs: number;
  /** How long broadcasts are kept for repair. */
  readonly castKeepMs: number;
}

/** The defaults of {@linkcode Timings}. */
export const TIMINGS: Timings = {
  heartbeatMs: 1_000,
  silenceMs: 2_500,
  probeMs: 500,
  suspicionMinMs: 1_500,
  suspicionMaxMs: 6_000,
  gossipMs: 100,
  handshakeMs: 5_000,
  redialMinMs: 100,
  redialMaxMs: 10_000,
  reviveMs: 10_000,
  forgetMs: 7 * 24 * 3_600_000,
  hedgeMs: 50,
  standInMs: 1_000,
  antiEntropyMs: 10_000,
  dropAfterMs: 60_000,
  confirmedMaxMs: 5_000,
  tombstoneMs: 24 * 3_600_000,
  clockAheadMaxMs: 5 * 60_000,
  outcomeMs: 10 * 60_000,
  sessionGraceMs: 5_000,
  castGapMs: 200,
  castKeepMs: 60_000,
};

/** How much a peer may send and ask for, and how many things may be pending. */
export interface Limits {
  /** Messages of one peer in a second; beyond that it is read more slowly. */
  readonly messagesPerSecondMax: number;
  /** Bytes of one peer in a second; likewise. */
  readonly bytesPerSecondMax: number;
  /** Requests of one peer that wait for answers; beyond that its link ends. */
  readonly requestsInFlightMax: number;
  /** Links to one node; beyond that the oldest ends. */
  readonly linksPerNodeMax: number;
  /** Dials under way; beyond that `connect` fails and others wait. */
  readonly dialsPendingMax: number;
  /** Links that came in and are not through their handshake; more are refused. */
  readonly handshakesPendingMax: number;
}

/** The defaults of {@linkcode Limits}. */
export const LIMITS: Limits = {
  messagesPerSecondMax: MESSAGES_PER_SECOND_MAX,
  bytesPerSecondMax: BYTES_PER_SECOND_MAX,
  requestsInFlightMax: REQUESTS_OF_PEER_MAX,
  linksPerNodeMax: LINKS_PER_NODE_MAX,
  dialsPendingMax: DIALS_PENDING_MAX,
  handshakesPendingMax: HANDSHAKES_PENDING_MAX,
};

/** What the machines of one node are built from; all checked, all given. */
export interface NodeOptions {
  /** Only nodes of equal subnets meet. */
  readonly subnet: string;
  /** Rules that all nodes must share, such as leasing; others never meet. */
  readonly dialect: string;
  /** Peers must prove that they know a secret, which only the driver has. */
  readonly isSecured: boolean;
  /** What peers may dial; empty for none. */
  readonly url: string;
  /** Copies of each entry; or {@linkcode EVERYWHERE}. */
  readonly replicas: number;
  /** Whether a key belongs to who wrote it, and only its first holder writes. */
  readonly leasing: boolean;
  /** How long it does, after each write; means nothing without `leasing`. */
  readonly leaseMs: number;
  /** Links that this node keeps at most. */
  readonly linksMax: number;
  /**
   * Entries of the list of members that follow this one on the ring; the upkeep
   * of the ring begins when there are more than twice that, and two, members.
   */
  readonly successors: number;
  /** Up to this many nodes every node knows every other one. */
  readonly fullTableMax: number;
  readonly limits: Limits;
  readonly timings: Timings;
  /** Only in simulations. */
  readonly sabotage?: Sabotage | undefined;
}

/** Enough that half of the members may fail at once (PROTOCOL). */
export const SUCCESSORS = 8;

/** How long a key belongs to who wrote it, if nothing else is said. */
export const LEASE_MS = 3_600_000;

/**
 * A number of copies: one on every node, and every node is a member without
 * being asked.
 */
export const EVERYWHERE: number = Infinity;

/**
 * What follows from who holds entries and whose they are.
 *
 * @param leaseMs how long a key is its writer's; `undefined`: there are no
 * leases
 */
export function rulesOf(
  replicas: number,
  leaseMs: number | undefined,
): Pick<NodeOptions, "replicas" | "leasing" | "leaseMs" | "dialect"> {
  const leasing = leaseMs !== undefined;
  const words = [
    ...(replicas === EVERYWHERE ? ["sync"] : []),
    ...(leasing ? ["leasing"] : []),
  ];
  const dialect = words.join(" ");
  return { replicas, leasing, leaseMs: leaseMs ?? LEASE_MS, dialect };
}

/** The least and the most copies that can be asked for. */
const REPLICAS_MIN = 1;
const REPLICAS_MAX = 16;

/**
 * @throws {TypeError} If `url` is not text or not a `ws:` or `wss:` url
 * @throws {RangeError} If it is too long
 */
export function checkUrl(url: unknown): string {
  if (typeof url !== "string") {
    throw new TypeError(
      `Cannot use a url of type ${typeof url}: give a string such as ` +
        `"ws://127.0.0.1:4444/"`,
    );
  }
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new TypeError(
      `Cannot use the url "${url}": it is none; give one such as ` +
        `"ws://127.0.0.1:4444/"`,
    );
  }
  if (parsed.protocol !== "ws:" && parsed.protocol !== "wss:") {
    throw new TypeError(
      `Cannot use the url "${url}": its scheme is "${parsed.protocol}", ` +
        `wanted is "ws:" or "wss:"`,
    );
  }
  const length = utf8(parsed.href).length;
  if (length > URL_BYTES_MAX) {
    throw new RangeError(
      `Cannot use a url of ${length} bytes: at most ${URL_BYTES_MAX} are allowed`,
    );
  }
  return parsed.href;
}

/**
 * @throws {TypeError} If `replicas` is not a number
 * @throws {RangeError} If it is not a whole number from 1 to 16
 */
export function checkReplicas(replicas: unknown): number {
  if (typeof replicas !== "number") {
    throw new TypeError(
      `Cannot use "replicas" of type ${typeof replicas}: give a number`,
    );
  }
  if (
    !Number.isInteger(replicas) || replicas < REPLICAS_MIN ||
    replicas > REPLICAS_MAX
  ) {
    throw new RangeError(
      `Cannot keep ${replicas} replicas: give a whole number from ` +
        `${REPLICAS_MIN} to ${REPLICAS_MAX}`,
    );
  }
  return replicas;
}

/**
 * @param name what the caller calls it
 * @throws {TypeError} If it is not a number
 * @throws {RangeError} If it is not a whole number from 1 to ten years
 */
export function checkLifeMs(ms: unknown, name: string): number {
  if (typeof ms !== "number") {
    throw new TypeError(
      `Cannot use "${name}" of type ${typeof ms}: give a number of milliseconds`,
    );
  }
  if (Number.isInteger(ms) && ms >= 1 && ms <= LIFE_MS_MAX) return ms;
  throw new RangeError(
    `Cannot use "${name}" of ${ms} ms: give a whole number from 1 to ` +
      `${LIFE_MS_MAX}`,
  );
}

/** @throws {TypeError} If it is neither `true` nor `false` */
export function checkFlag(value: unknown, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(
    `Cannot use "${name}" of type ${typeof value}: give true or false`,
  );
}

/**
 * @throws {TypeError} If `subnet` is not a string
 * @throws {RangeError} If it is too long
 */
export function checkSubnet(subnet: unknown): string {
  if (typeof subnet !== "string") {
    throw new TypeError(
      `Cannot use a subnet of type ${typeof subnet}: give a string`,
    );
  }
  const length = utf8(subnet).length;
  if (length > SUBNET_BYTES_MAX) {
    throw new RangeError(
      `Cannot use a subnet name of ${length} bytes: at most ` +
        `${SUBNET_BYTES_MAX} are allowed`,
    );
  }
  return subnet;
}
