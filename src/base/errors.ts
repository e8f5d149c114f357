/**
 * Every way in which an operation can fail.
 *
 * Three kinds, never mixed: misuse by the caller (`TypeError`, `RangeError`,
 * thrown before anything is sent), operational failure (`ChordError`), and a
 * mistake of this library (`BugError`).
 *
 * @module
 */

/** Stable name of each failure; safe to switch on. */
export type ErrorCode =
  | "aborted"
  | "auth"
  | "closed"
  | "clock"
  | "connection"
  | "directory"
  | "key-not-found"
  | "leased"
  | "listen"
  | "no-peer"
  | "overloaded"
  | "protocol"
  | "replicas"
  | "self-connect"
  | "subnet"
  | "timeout"
  | "unknown-outcome"
  | "update"
  | "version";

/**
 * Whether a failed operation may have taken effect: `"no"` means that it
 * certainly did not and a retry is safe, `"maybe"` that it may have or may yet.
 */
export type Applied = "no" | "maybe";

/** Base of every operational error. */
export abstract class ChordError extends Error {
  abstract readonly code: ErrorCode;
  /** Whether the operation may have taken effect. */
  readonly applied: Applied;

  constructor(message: string, applied: Applied, options?: ErrorOptions) {
    super(message, options);
    this.applied = applied;
  }
}

/** Bytes of a peer that are not the protocol; the link is closed with it. */
export class ProtocolError extends ChordError {
  override readonly name = "ProtocolError";
  readonly code = "protocol";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** The socket was closed before or while the operation ran. */
export class ClosedError extends ChordError {
  override readonly name = "ClosedError";
  readonly code = "closed";
}

/** No answer within the time that the caller allowed. */
export class TimeoutError extends ChordError {
  override readonly name = "TimeoutError";
  readonly code = "timeout";
}

/** Begun, and then whoever ran it failed: read before retrying. */
export class UnknownOutcomeError extends ChordError {
  override readonly name = "UnknownOutcomeError";
  readonly code = "unknown-outcome";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "maybe", options);
  }
}

/** Nobody to ask: no peer is connected, or none has joined the ring. */
export class NoPeerError extends ChordError {
  override readonly name = "NoPeerError";
  readonly code = "no-peer";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** Fewer holders than needed have the write. */
export class InsufficientReplicasError extends ChordError {
  override readonly name = "InsufficientReplicasError";
  readonly code = "replicas";
  /** Copies that are known to exist. */
  readonly copies: number;
  /** Copies that were wanted. */
  readonly wanted: number;

  constructor(
    action: string,
    tally: { copies: number; wanted: number; asked: number; timeoutMs: number },
  ) {
    super(
      `Cannot ${action}: ${tally.copies} of the ${tally.wanted} copies needed ` +
        `were confirmed within ${tally.timeoutMs} ms (asked ${tally.asked} ` +
        `nodes); read before retrying, raise "timeoutMs", or check that the ` +
        `nodes are up`,
      tally.asked === 0 ? "no" : "maybe",
    );
    this.copies = tally.copies;
    this.wanted = tally.wanted;
  }
}

/** The key is not there, and no fallback was given. */
export class KeyNotFoundError extends ChordError {
  override readonly name = "KeyNotFoundError";
  readonly code = "key-not-found";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** The key belongs to another node for a while. */
export class LeaseError extends ChordError {
  override readonly name = "LeaseError";
  readonly code = "leased";
  /** The id of the node that the key belongs to. */
  readonly owner: string;
  /** When it no longer does unless its owner writes it again: ms since 1970. */
  readonly until: number;

  constructor(message: string, lease: { owner: string; untilMs: number }) {
    super(message, "no");
    this.owner = lease.owner;
    this.until = lease.untilMs;
  }
}

/** This node's wall clock is too far from that of the holders. */
export class ClockError extends ChordError {
  override readonly name = "ClockError";
  readonly code = "clock";
}

/** More work than the limits allow is already waiting. */
export class OverloadedError extends ChordError {
  override readonly name = "OverloadedError";
  readonly code = "overloaded";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** A plain iteration without `{ directory: true }`. */
export class DirectoryError extends ChordError {
  override readonly name = "DirectoryError";
  readonly code = "directory";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** The connection could not be made, or broke during the handshake. */
export class ConnectionError extends ChordError {
  override readonly name = "ConnectionError";
  readonly code = "connection";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** The other side belongs to another subnet. */
export class SubnetMismatchError extends ChordError {
  override readonly name = "SubnetMismatchError";
  readonly code = "subnet";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** The other side does not know the secret. */
export class AuthError extends ChordError {
  override readonly name = "AuthError";
  readonly code = "auth";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** The other side speaks no version of the protocol that this one speaks. */
export class VersionError extends ChordError {
  override readonly name = "VersionError";
  readonly code = "version";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** The url leads back to this very node. */
export class SelfConnectError extends ChordError {
  override readonly name = "SelfConnectError";
  readonly code = "self-connect";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** The caller's `AbortSignal` said that nobody waits any more. */
export class AbortError extends ChordError {
  override readonly name = "AbortError";
  readonly code = "aborted";

  /** @param reason what the signal gives as its reason; becomes the cause */
  constructor(action: string, applied: Applied, reason: unknown) {
    super(`Cannot ${action}: its signal was aborted`, applied, {
      cause: reason,
    });
  }
}

/** The address cannot be listened on: it is in use, or not this machine's. */
export class ListenError extends ChordError {
  override readonly name = "ListenError";
  readonly code = "listen";

  constructor(message: string, options?: ErrorOptions) {
    super(message, "no", options);
  }
}

/** Some entries of an `update` were not stored. */
export class UpdateError<K = unknown> extends ChordError {
  override readonly name = "UpdateError";
  readonly code = "update";
  /** Why, for each key that may not be stored. */
  readonly failed: ReadonlyMap<K, Error>;
  /** How many entries were stored for certain. */
  readonly stored: number;

  constructor(failed: ReadonlyMap<K, Error>, stored: number) {
    const [key, first] = [...failed][0]!;
    super(
      `Cannot update ${failed.size} of ${failed.size + stored} keys, ` +
        `the first of them ${String(key)} (${first.message}); see "failed", ` +
        `and set these again`,
      "maybe",
      { cause: first },
    );
    this.failed = failed;
    this.stored = stored;
  }
}
