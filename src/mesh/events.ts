/**
 * What a node's machine takes and gives: the seam between the protocol and
 * whatever carries it.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { ChordError } from "../base/errors.ts";
import type { Id } from "../id/id.ts";
import type {
  EntryRecord,
  Health,
  Letter,
  Role,
  Version,
} from "../wire/messages.ts";

/** Names one open transport; given by the driver, never used twice. */
export type LinkNumber = number;
/** Names one dial; given by the machine, never used twice. */
export type DialNumber = number;
/** Names one call of the application; given by the driver, never used twice. */
export type CallNumber = number;

/**
 * What happened to a node. `Operation` is what the application can ask of the
 * extension that works on top of the mesh.
 */
export type NodeEvent<Operation = never> =
  /** `wakeAtMs` has come. */
  | { readonly type: "wake" }
  /** A transport is open: one that was dialled, or one that came in. */
  | {
    readonly type: "opened";
    readonly link: LinkNumber;
    readonly dial: DialNumber | undefined;
    /** Neither side dialled, as far as this one knows. */
    readonly isAttached?: boolean;
  }
  /** What effect `mac` asked for: for each text, the MAC by each secret. */
  | {
    readonly type: "macs";
    readonly link: LinkNumber;
    readonly macs: readonly (readonly Bytes[])[];
  }
  /** A peer sent one frame. */
  | {
    readonly type: "frame";
    readonly link: LinkNumber;
    readonly frame: Bytes;
  }
  /** A transport has ended, whoever ended it. */
  | {
    readonly type: "closed";
    readonly link: LinkNumber;
    readonly code: number;
    readonly reason: string;
  }
  | {
    readonly type: "dialFailed";
    readonly dial: DialNumber;
    readonly reason: string;
  }
  | {
    readonly type: "call";
    readonly call: CallNumber;
    readonly operation: MeshOperation;
  }
  /** A call that is for the extension. */
  | {
    readonly type: "ask";
    readonly call: CallNumber;
    readonly operation: Operation;
  }
  /** The application no longer waits for a call. */
  | { readonly type: "cancel"; readonly call: CallNumber };

/** What an application can ask of any node. */
export type MeshOperation =
  /** Gives the `Id` of the node found at `url`, once the handshake is done. */
  | {
    readonly type: "connect";
    readonly url: string;
    readonly timeoutMs: number;
  }
  /** Gives the `Id` of the node at the other end of a transport. */
  | {
    readonly type: "accept";
    readonly link: LinkNumber;
    readonly timeoutMs: number;
  }
  /** Tells peers from now on where this node can be dialled. */
  | { readonly type: "listen"; readonly url: string }
  /** Gives nothing; the letter is on its way to every node. */
  | { readonly type: "cast"; readonly letter: Letter }
  /** Gives nothing; the letter is on its way to every linked node. */
  | { readonly type: "tell"; readonly letter: Letter }
  /** Gives nothing; one node has the letter, and has said so. */
  | {
    readonly type: "note";
    readonly to: Id;
    readonly letter: Letter;
    readonly timeoutMs: number;
  }
  /** Says good-bye to everybody and ends every link. */
  | { readonly type: "close" };

/** What a driver must do. */
export type NodeEffect =
  /** This link has frames to send: `pull` them as far as there is room. */
  | {
    readonly type: "ready";
    readonly link: LinkNumber;
    /** Whoever waits for it has said one thing only: it is best sent now. */
    readonly isUrgent: boolean;
  }
  | {
    readonly type: "dial";
    readonly dial: DialNumber;
    readonly url: string;
  }
  /** Send what was pulled, then end the transport. */
  | {
    readonly type: "close";
    readonly link: LinkNumber;
    readonly code: number;
    readonly reason: string;
  }
  /** Read nothing more of this link, until it is said to go on. */
  | { readonly type: "pause"; readonly link: LinkNumber }
  | { readonly type: "resume"; readonly link: LinkNumber }
  /**
   * Compute the HMAC-SHA-256 of each text by each secret, the first secret
   * first: no machine ever sees one. A link asks for one such at a time.
   */
  | {
    readonly type: "mac";
    readonly link: LinkNumber;
    readonly texts: readonly Bytes[];
  }
  | {
    readonly type: "result";
    readonly call: CallNumber;
    readonly value: unknown;
  }
  | {
    readonly type: "failure";
    readonly call: CallNumber;
    readonly error: ChordError;
  }
  | { readonly type: "notice"; readonly notice: Notice };

/** What the application is told without having asked. */
export type Notice =
  /** A link to `peer` is usable; `first`: the only one to anybody. */
  | { readonly type: "peer"; readonly peer: Id; readonly first: boolean }
  /** The last link to `peer` is gone. */
  | {
    readonly type: "disconnect";
    readonly peer: Id;
    readonly code: number;
    readonly reason: string;
  }
  /** A link ended in a way that somebody should look at. */
  | { readonly type: "error"; readonly error: ChordError }
  | {
    readonly type: "letter";
    readonly sender: Id;
    readonly letter: Letter;
  }
  /** Broadcasts of `origin` that can no longer be had. */
  | {
    readonly type: "lagged";
    readonly origin: Id;
    readonly first: number;
    readonly last: number;
  }
  | {
    readonly type: "entry";
    readonly key: Bytes;
    readonly added: boolean;
    readonly version: Version;
  }
  /**
   * A newer version is stored here, where every node holds everything; without
   * a value: the key was there and is not any more.
   */
  | { readonly type: "stored"; readonly entry: EntryRecord }
  /** Something waits in the queue of a watch, or it has ended. */
  | { readonly type: "watched"; readonly watch: number };

/** A node as the application sees it. */
export interface MemberView {
  readonly id: Id;
  readonly url: string;
  readonly role: Role;
  readonly health: Health;
  readonly position: Id;
}
