/**
 * What the fields of messages that choose can say, each with its number.
 *
 * @module
 */

/**
 * The queues of one link. Control goes before operations, operations before
 * bulk; within a lane the order is kept.
 */
export const Lane = { control: 0, operations: 1, bulk: 2 } as const;
/** One of the three lanes. */
export type Lane = typeof Lane[keyof typeof Lane];

/** What a node says of its own part in the ring. */
export const Role = { leaf: 0, joining: 1, active: 2, leaving: 3 } as const;
/** One of the four roles. */
export type Role = typeof Role[keyof typeof Role];

/** What the others say of a node; of one incarnation the larger wins. */
export const Health = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;
/** One of the four healths. */
export type Health = typeof Health[keyof typeof Health];

/** What an indirect probe found. */
export const Probed = { alive: 0, refused: 1, silent: 2 } as const;

/** What a holder did with a write. */
export const PutStatus = {
  /** Stored, and this node is a holder of the key. */
  stored: 0,
  /** Stored to be handed on: this node does not think it is a holder. */
  kept: 1,
  /** Not stored: a newer version is here, and told. */
  stale: 2,
  /** Not stored: the version is too far ahead of this node's clock. */
  clock: 3,
} as const;

/** A read-modify-write, run by the key's first holder. */
export const ExecKind = {
  delete: 0,
  pop: 1,
  popItem: 2,
  setDefault: 3,
  set: 4,
  touch: 5,
} as const;

/** How a read-modify-write ended. */
export const ExecStatus = {
  /** Done; the value is what the operation gives. */
  done: 0,
  /** There was no such key (of `popItem`: none at this holder). */
  missing: 1,
  /** This node is not the key's first holder. */
  notHolder: 2,
  /** Begun, but too few holders confirmed in time. */
  unconfirmed: 3,
  /** Too many operations wait at this node; nothing was done. */
  overloaded: 4,
  /** The holders' clocks are too far apart; nothing was done. */
  clock: 5,
  /** The key belongs to somebody else; nothing was done. */
  leased: 6,
} as const;

/** What a broadcast carries. */
export const CastKind = { message: 0, events: 1 } as const;

/** What one part of a digest comparison gave. */
export const PartStatus = { same: 0, listed: 1, split: 2 } as const;

/** What a node says of a version that another one would like to drop. */
export const Held = {
  /** It is a holder of the key, and has this version or a newer one. */
  held: 0,
  /** It is a holder, and lacks it. */
  lacking: 1,
  /** It does not think that it is a holder. */
  other: 2,
} as const;

/** What a node's answer about a key is worth. */
export const Standing = {
  /** It is a holder, and may lack what others have. */
  behind: 0,
  /** It is a holder that has caught up: no version is a proven miss. */
  ready: 1,
  /** It does not think that it is a holder. */
  none: 2,
} as const;

/** Which side of a link proves first that it knows the secret. */
export const Turn = {
  /** Neither side dialled: the one with the larger nonce. */
  either: 0,
  /** The sender, which dialled. */
  first: 1,
  /** The other side, since the sender was dialled. */
  second: 2,
} as const;
/** One of the three turns. */
export type Turn = typeof Turn[keyof typeof Turn];

/** What a node says to somebody who would like to hear of changes. */
export const WatchStatus = {
  /** It tells of changes; what it holds is what the watcher knows. */
  same: 0,
  /** It tells of changes, and of how what it holds differs. */
  differs: 1,
  /** It is no holder of the range, or has not caught up. */
  notReady: 2,
  /** It tells too many already. */
  overloaded: 3,
} as const;

/** What is to be done where an operation is handed on to. */
export const Errand = {
  /** Read the key. */
  get: 0,
  /** Write the key with the version that is given. */
  set: 1,
  /** Have its first holder run a read-modify-write. */
  exec: 2,
  /** Give the entries that come after an id. */
  scan: 3,
  /** Tell who is there. */
  locate: 4,
  /** Have the key's holders keep this copy, or a newer one. */
  keep: 5,
} as const;
/** One of the six errands. */
export type Errand = typeof Errand[keyof typeof Errand];

/** How an operation that was handed on has ended. */
export const ErrandStatus = {
  done: 0,
  /** It failed, as is told. */
  failed: 1,
  /** Nobody was found who could do it; it was not begun. */
  lost: 2,
  /** A newer version is there, and told: write again with a larger one. */
  beaten: 3,
} as const;

/** Which copies a read asks. */
export const ReadChoice = { first: 0, nearest: 1, quorum: 2, all: 3 } as const;

/** Why an operation that was handed on has failed. */
export const Failure = {
  timeout: 0,
  unknownOutcome: 1,
  replicas: 2,
  clock: 3,
  overloaded: 4,
  leased: 5,
} as const;

/** How a packet of an application message was given. */
export const PacketKind = { bytes: 0, text: 1, json: 2 } as const;
