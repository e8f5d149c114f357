/**
 * Other nodes as an application sees them.
 *
 * @module
 */
import type { NodeStats } from "../node_machine.ts";

/** What a node says of its own part in the ring. */
export type MemberRole = "leaf" | "joining" | "active" | "leaving";
/** What the others say of a node. */
export type MemberHealth = "alive" | "suspect" | "dead" | "left";

/** A node that is known, this one included. */
export interface Member {
  /** 32 hexadecimal characters; names one running socket. */
  readonly id: string;
  /** What can be dialled; empty for a node that cannot be. */
  readonly url: string;
  readonly role: MemberRole;
  readonly health: MemberHealth;
  /** Where it is on the ring, in 32 hexadecimal characters, once it joined. */
  readonly position: string | undefined;
}

/** A live connection to one other node. */
export class MeshConnection {
  /** The id of the node at the other end. */
  readonly id: string;
  readonly #find: (id: string) => Member | undefined;

  /** @ignore */
  constructor(id: string, find: (id: string) => Member | undefined) {
    this.id = id;
    this.#find = find;
  }

  /** What is known of the node; `undefined` once it is forgotten. */
  get member(): Member | undefined {
    return this.#find(this.id);
  }

  /** What can be dialled to reach the node; empty if it cannot be. */
  get url(): string {
    return this.member?.url ?? "";
  }
}

/** How a socket is doing, for people to look at. */
export interface MeshStatus {
  readonly state: "alone" | "connected" | "closed";
  readonly subnet: string;
  /** Whether peers had to prove that they know a secret. */
  readonly secured: boolean;
  /** Nodes that this one has a connection to. */
  readonly peers: number;
  /** Nodes that are known and not dead, this one included. */
  readonly members: number;
}

/** Numbers that show how a socket is doing. */
export interface MeshStats extends NodeStats {
  /** Messages that wait for `recv`. */
  readonly messagesWaiting: number;
  /** Messages that nobody took in time and that were given up. */
  readonly messagesDropped: number;
  /** Calls that wait for their results. */
  readonly callsWaiting: number;
}
