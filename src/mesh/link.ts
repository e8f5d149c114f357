/**
 * One connection and its handshake.
 *
 * Both sides send `hello` at once, so the handshake takes half a round trip,
 * and each side judges the other on its own: both end with the same typed
 * error, without either having to trust what the other says about it.
 *
 * @module
 */
import { type Bytes, equalBytes } from "../base/bytes.ts";
import {
  AuthError,
  type ChordError,
  ConnectionError,
  OverloadedError,
  ProtocolError,
  SelfConnectError,
  SubnetMismatchError,
  VersionError,
} from "../base/errors.ts";
import { REASON_BYTES_MAX } from "../base/limits.ts";
import { sha256 } from "../base/sha256.ts";
import type { Timer } from "../base/timers.ts";
import type { Id } from "../id/id.ts";
import {
  MAGIC,
  type MemberRecord,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_OLDEST,
} from "../wire/messages.ts";
import { Reader } from "../wire/reader.ts";
import { Writer } from "../wire/writer.ts";
import type { Allowance } from "./allowance.ts";
import { CloseCode } from "./close_codes.ts";
import type { DialNumber, LinkNumber } from "./events.ts";
import { Inbox, Outbox } from "./framer.ts";
import type { Greeting } from "./greeter.ts";

/** Other protocols may use the same subnet names. */
const PROTOCOL_NAME = "chord-dict";
/** The first byte of a `hello` in every version there will be. */
const HELLO_KIND = 1;
/** The same of a `challenge`. */
const CHALLENGE_KIND = 4;

/** One live connection, as far as the mesh has to remember it. */
export class Link {
  readonly number: LinkNumber;
  /** The dial that made it; `undefined` for one that came in. */
  readonly dial: DialNumber | undefined;
  readonly outbox: Outbox = new Outbox();
  readonly inbox: Inbox = new Inbox();
  /** `closing`: the driver was told to end it; nothing is taken any more. */
  state: "greeting" | "open" | "closing" = "greeting";
  /** How far its handshake is. */
  greeting: Greeting | undefined;
  /** The node at the other end; empty before the handshake is done. */
  peer: Id = "";
  /** The driver knows that there is something to pull. */
  isAnnounced = false;
  /** It carries only what was sent on it before: another link took over. */
  isRetired = false;
  /** When a message was last queued for it. */
  lastSentMs: number;
  /**
   * When a frame last came; moved to now when this node slept, and to when the
   * link is read again while it is not.
   */
  lastHeardMs: number;
  /** When its handshake was done. */
  openMs = 0;
  /** Heartbeats in a row that told of another member table. */
  tablesDiffer = 0;
  didHeartbeat = false;
  /** Whether the peer has told how far broadcasts were when the link began. */
  areMarksTold = false;
  /** Whether the last one told of the same member table. */
  isSameTable = false;
  /** When a heartbeat was last queued for it. */
  lastBeatMs = -Infinity;
  /** More waits in its lanes than should. */
  isCrowded = false;
  /** When its peer was last asked for its table. */
  tableAskedMs = -Infinity;
  /** What its peer has taken of what it may, once something came from it. */
  allowance: Allowance | undefined;
  /** Ends the handshake, or the time that a retired link has left. */
  deadline: Timer | undefined;

  constructor(
    number: LinkNumber,
    dial: DialNumber | undefined,
    nowMs: number,
  ) {
    this.number = number;
    this.dial = dial;
    this.lastSentMs = nowMs;
    this.lastHeardMs = nowMs;
  }
}

/**
 * What nodes compare instead of the subnet's name. Each part goes in with its
 * length: joined without, ("ab", "c") and ("a", "bc") would be one subnet.
 */
export function subnetHash(subnet: string, dialect: string): Bytes {
  const writer = new Writer();
  writer.text(PROTOCOL_NAME);
  writer.text(subnet);
  writer.text(dialect);
  return sha256(writer.take());
}

/**
 * Refuses a greeting of another version before its later fields are read, which
 * may be others then.
 *
 * @throws {ProtocolError} If `bytes` are a greeting, but not of this protocol
 */
export function versionProblem(bytes: Bytes): VersionError | undefined {
  if (bytes[0] !== HELLO_KIND && bytes[0] !== CHALLENGE_KIND) return undefined;
  const reader = new Reader(bytes, 1);
  if (reader.u32() !== MAGIC) {
    throw new ProtocolError(
      "Cannot greet a peer: its hello does not begin with the magic number",
    );
  }
  const version = reader.u8();
  const oldest = reader.u8();
  if (version >= PROTOCOL_VERSION_OLDEST && oldest <= PROTOCOL_VERSION) {
    return undefined;
  }
  return new VersionError(
    `Cannot link to a node that speaks versions ${oldest} to ${version}: ` +
      `this one speaks ${PROTOCOL_VERSION_OLDEST} to ${PROTOCOL_VERSION}; ` +
      `update the older of the two`,
  );
}

/** What keeps this node from a link with who says `told`, if anything. */
export function identityProblem(
  told: { readonly subnet: Bytes; readonly self: MemberRecord },
  self: Id,
  subnet: Bytes,
): ChordError | undefined {
  if (!equalBytes(told.subnet, subnet)) {
    return new SubnetMismatchError(
      "Cannot link to a node of another subnet; give both the same subnet",
    );
  }
  if (told.self.id !== self) return undefined;
  return new SelfConnectError(
    "Cannot link a node to itself: the url leads back here; give another " +
      "node's url",
  );
}

/** The code that tells the other side about `error`. */
export function codeOf(error: ChordError): CloseCode {
  switch (error.code) {
    case "subnet":
      return CloseCode.subnet;
    case "version":
      return CloseCode.version;
    case "self-connect":
      return CloseCode.self;
    case "auth":
      return CloseCode.auth;
    case "timeout":
      return CloseCode.handshake;
    case "overloaded":
      return CloseCode.overloaded;
    default:
      return CloseCode.protocol;
  }
}

/** The error of a link that the other side, or the network, has ended. */
export function errorOf(code: number, reason: string): ChordError {
  const tail = reason === "" ? `with code ${code}` : `${code}, "${reason}"`;
  switch (code) {
    case CloseCode.subnet:
      return new SubnetMismatchError(
        `Cannot link to a node of another subnet: it said ${tail}; give both ` +
          `the same subnet`,
      );
    case CloseCode.auth:
      return new AuthError(
        `Cannot link to a node with another secret: it said ${tail}; give ` +
          `both the same "secret", or none`,
      );
    case CloseCode.version:
      return new VersionError(
        `Cannot link to a node of another version: it said ${tail}; update ` +
          `the older of the two`,
      );
    case CloseCode.self:
      return new SelfConnectError(
        `Cannot link a node to itself: the url leads back here`,
      );
    case CloseCode.protocol:
      return new ProtocolError(
        `Cannot keep a link: the peer could not read what came (${tail})`,
      );
    case CloseCode.away:
      return new ConnectionError(
        `Cannot come back under the old id: a node said ${tail}; make a new ` +
          `socket in place of this one, its data are too old`,
      );
    case CloseCode.overloaded:
      return new OverloadedError(
        `Cannot link to a node that has no room: it said ${tail}; try again ` +
          `later or try another node`,
      );
    default:
      return new ConnectionError(
        `Cannot finish the handshake: the link was closed ${tail}; check the ` +
          `url and that a node listens there`,
      );
  }
}

/** `reason`, cut so that a close frame and a `bye` can hold it. */
export function shortReason(reason: string): string {
  // Three bytes are the most that one UTF-16 unit can take.
  if (reason.length * 3 <= REASON_BYTES_MAX) return reason;
  const ascii = reason.replace(/[^\x20-\x7e]/g, "?");
  return ascii.slice(0, REASON_BYTES_MAX);
}
