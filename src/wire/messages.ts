/**
 * Every message of the protocol, declared once: its number, its lane, its
 * fields. The types, the encoder and the decoder all follow from here;
 * `PROTOCOL.md` beside this file says what the messages mean.
 *
 * @module
 */
import {
  BROADCAST_BYTES_MAX,
  DIGEST_PARTS_MAX,
  KEY_BYTES_MAX,
  LINK_MARKS_MAX,
  MESSAGE_BYTES_MAX,
  PACKETS_MAX,
  PAGE_ENTRIES_MAX,
  REASON_BYTES_MAX,
  RECORDS_PER_MESSAGE_MAX,
  SECRETS_MAX,
  SUCCESSORS_MAX,
  TABLE_PARTS_MAX,
  URL_BYTES_MAX,
  VALUE_BYTES_MAX,
  WATCH_PAGE_MAX,
} from "../base/limits.ts";
import {
  CastKind,
  ExecKind,
  ExecStatus,
  Health,
  Held,
  Lane,
  PacketKind,
  PartStatus,
  Probed,
  PutStatus,
  Role,
  Turn,
  WatchStatus,
} from "./choices.ts";
import {
  bytes,
  choice,
  type Field,
  type Fields,
  fixed,
  flag,
  id,
  list,
  optional,
  record,
  type RecordOf,
  text,
  u16,
  u32,
  u48,
  u8,
  type ValueOf,
} from "./field.ts";
import { toHex } from "../base/bytes.ts";

export * from "./choices.ts";

/** The version of the protocol that this code speaks. */
export const PROTOCOL_VERSION = 2;
/** The oldest version that this code still understands. */
export const PROTOCOL_VERSION_OLDEST = 2;
/** The length of what makes each handshake another one. */
export const NONCE_BYTES = 32;
/** The length of an HMAC-SHA-256. */
const MAC_BYTES = 32;
/** "CHRD": the first four bytes that a node ever sends. */
export const MAGIC = 0x4348_5244;

/** Eight bytes as hexadecimal text: the tie-break of a version. */
const node64: Field<string> = {
  shape: { kind: "hex", length: 8 },
  write: (writer, value) => {
    for (let i = 0; i < 16; i += 8) {
      writer.u32(parseInt(value.slice(i, i + 8), 16));
    }
  },
  read: (reader) => toHex(reader.raw(8)),
};

const key = bytes(KEY_BYTES_MAX, "a key", 1);
const value = bytes(VALUE_BYTES_MAX, "a value");

/** Field of {@linkcode Version}. */
const version = record({ ms: u48, count: u16, node: node64 });
/** The version of an entry: hybrid logical clock and the writer's tie-break. */
export type Version = ValueOf<typeof version>;

/** Field of {@linkcode OperationId}. */
const operation = record({ origin: id, number: u48 });
/** Names a read-modify-write for ever, so that a retry is not a repetition. */
export type OperationId = ValueOf<typeof operation>;

/** Field of {@linkcode MemberRecord}. */
export const member = record({
  id,
  /** Raised by the node itself, never by others. */
  incarnation: u32,
  role: choice(Role.leaving) as Field<Role>,
  health: choice(Health.left) as Field<Health>,
  /** Means something from `joining` on. */
  position: id,
  /** What peers may dial; empty for none. */
  url: text(URL_BYTES_MAX, "a url"),
});
/** What the nodes tell each other about one node. */
export type MemberRecord = ValueOf<typeof member>;

/** Field of {@linkcode Terms}. */
const terms = record({
  /** The node that wrote it. */
  owner: id,
  /** The key is the owner's for this long after the version; 0: nobody's. */
  leaseMs: u48,
  /** It is gone this long after the version; 0: never. */
  ttlMs: u48,
  /** Whether it is gone when its owner is. */
  session: flag,
});
/** Whose an entry is, and how long it lives. */
export type Terms = ValueOf<typeof terms>;

/** Field of {@linkcode EntryRecord}. */
const entry = record({
  key,
  value: optional(value),
  version,
  terms: optional(terms),
});
/** A key with its value, or without one as a tombstone. */
export type EntryRecord = ValueOf<typeof entry>;

/** One packet of an application message. */
const packet = record({
  kind: choice(PacketKind.json),
  bytes: bytes(BROADCAST_BYTES_MAX, "a packet"),
});
/** A packet as it travels. */
export type PacketRecord = ValueOf<typeof packet>;

/** An application's message, inside a broadcast or a note. */
export const letter = record({
  id,
  time: u48,
  inReplyTo: optional(id),
  packets: list(packet, PACKETS_MAX, "packets"),
});
/** What the application sent, as it travels. */
export type Letter = ValueOf<typeof letter>;

/** A dict event: the key is there, or is not any more, since this version. */
export const dictEvents = list(
  record({ key, added: flag, version }),
  PAGE_ENTRIES_MAX,
  "events",
);
/** Events as they travel in one broadcast. */
export type DictEvents = ValueOf<typeof dictEvents>;

/** A message's declaration. */
export interface Declaration<Type extends string, F extends Fields> {
  readonly kind: number;
  readonly type: Type;
  readonly lane: Lane;
  readonly body: Field<RecordOf<F>>;
}

function declare<Type extends string, F extends Fields>(
  kind: number,
  type: Type,
  lane: Lane,
  fields: F,
): Declaration<Type, F> {
  return { kind, type, lane, body: record(fields) };
}

const { control, operations, bulk } = Lane;
const request = u32;
const items = list(record({ id, version }), PAGE_ENTRIES_MAX, "items");
const entries = list(entry, PAGE_ENTRIES_MAX, "entries");

/** All messages. A number is never used again for something else. */
export const declarations = [
  // One link.
  declare(1, "hello", control, {
    // These three keep their place in every version to come.
    magic: u32,
    version: u8,
    oldest: u8,
    subnet: fixed(32),
    self: member,
  }),
  declare(2, "bye", control, {
    code: u16,
    reason: text(REASON_BYTES_MAX, "a reason"),
  }),
  declare(3, "retire", operations, {}),
  // The handshake of nodes with a secret, in place of `hello`.
  declare(4, "challenge", control, {
    // These three keep their place in every version to come.
    magic: u32,
    version: u8,
    oldest: u8,
    turn: choice(Turn.second) as Field<Turn>,
    nonce: fixed(NONCE_BYTES),
  }),
  declare(5, "proof", control, {
    /** One for each secret of the sender: the other side may have another. */
    macs: list(fixed(MAC_BYTES), SECRETS_MAX, "proofs"),
  }),
  declare(6, "identity", control, {
    subnet: fixed(32),
    self: member,
    mac: fixed(MAC_BYTES),
  }),
  declare(7, "welcome", control, {}),

  // Who is there.
  declare(8, "heartbeat", control, {
    table: u32,
    marks: list(
      record({ origin: id, through: u48 }),
      LINK_MARKS_MAX,
      "marks",
    ),
  }),
  declare(9, "ping", control, { request }),
  declare(10, "pong", control, { request }),
  declare(11, "probe", control, { request, target: id }),
  declare(12, "probed", control, { request, outcome: choice(Probed.silent) }),
  declare(13, "gossip", operations, {
    // Hand on to the nodes from `from` up to, not including, `to`; equal: none.
    from: id,
    to: id,
    records: list(member, RECORDS_PER_MESSAGE_MAX, "member records"),
  }),
  declare(14, "tableAsk", operations, {}),
  declare(15, "table", operations, {
    records: list(member, RECORDS_PER_MESSAGE_MAX, "member records"),
  }),

  // To somebody without a link, and to everybody.
  declare(16, "relay", operations, {
    from: id,
    to: id,
    hops: u8,
    message: bytes(MESSAGE_BYTES_MAX, "a relayed message", 1),
  }),
  declare(17, "cast", operations, {
    origin: id,
    sequence: u48,
    from: id,
    to: id,
    kind: choice(CastKind.events),
    payload: bytes(BROADCAST_BYTES_MAX, "a broadcast"),
  }),
  declare(18, "castAsk", operations, { origin: id, first: u48, last: u48 }),
  declare(19, "castGone", operations, { origin: id, first: u48, last: u48 }),
  declare(20, "note", operations, { letter, confirm: flag }),
  declare(21, "announce", operations, { request, record: member }),
  declare(22, "announced", operations, {
    request,
    /** Who else is joining, as far as the sender knows. */
    joining: list(member, RECORDS_PER_MESSAGE_MAX, "member records"),
  }),

  declare(23, "noted", control, { id }),

  // The ring's upkeep.
  declare(24, "ringAsk", control, { request }),
  declare(25, "ringState", control, {
    request,
    /** Whether the sender is in the ring. */
    member: flag,
    predecessor: optional(member),
    successors: list(member, SUCCESSORS_MAX, "successors"),
  }),
  declare(26, "ringNotify", control, { record: member }),
  declare(27, "ringSeen", control, { state: u32 }),
  declare(28, "ringStale", control, {}),

  declare(29, "tableParts", operations, {
    /** Digests of equal parts of the range of ids. */
    parts: list(u32, TABLE_PARTS_MAX, "parts of a table"),
  }),

  // The dict: one key.
  declare(32, "put", operations, {
    request,
    /** The sender's ring, so that a holder with another one knows. */
    view: u32,
    entry,
    operation: optional(operation),
  }),
  declare(33, "putAnswer", control, {
    request,
    status: choice(PutStatus.clock),
    version: optional(version),
  }),
  declare(34, "get", operations, { request, id }),
  declare(35, "getAnswer", operations, {
    request,
    /** Whether this node is a holder that has caught up with the others. */
    ready: flag,
    version: optional(version),
    value: optional(value),
    terms: optional(terms),
  }),
  declare(36, "exec", operations, {
    request,
    operation,
    kind: choice(ExecKind.touch),
    key: optional(key),
    value: optional(value),
    terms: optional(terms),
  }),
  declare(37, "execAnswer", operations, {
    request,
    status: choice(ExecStatus.leased),
    key: optional(key),
    value: optional(value),
    /** Whose the key is, and until when by the wall clock. */
    lease: optional(record({ owner: id, untilMs: u48 })),
  }),

  // The dict: ranges of keys, (after, through] by hash.
  declare(40, "count", operations, { request, view: u32 }),
  declare(41, "countAnswer", operations, {
    request,
    ready: flag,
    count: u48,
  }),
  declare(42, "scan", operations, {
    request,
    after: id,
    through: id,
    limit: u16,
    values: flag,
  }),
  declare(43, "scanAnswer", operations, {
    request,
    ready: flag,
    through: id,
    entries,
  }),

  // Copies that repair themselves.
  declare(48, "digest", bulk, {
    request,
    after: id,
    parts: list(
      record({ through: id, count: u32, digest: id }),
      DIGEST_PARTS_MAX,
      "digest parts",
    ),
  }),
  declare(49, "digestAnswer", bulk, {
    request,
    ready: flag,
    parts: list(
      record({ status: choice(PartStatus.split), count: u32, items }),
      DIGEST_PARTS_MAX,
      "digest parts",
    ),
  }),
  declare(50, "pull", bulk, {
    request,
    ids: list(id, PAGE_ENTRIES_MAX, "ids"),
  }),
  declare(51, "pullRange", bulk, { request, after: id, through: id }),
  declare(52, "pulled", bulk, { request, through: id, entries }),
  declare(53, "push", bulk, { request, entries }),
  declare(54, "pushed", control, { request }),
  declare(55, "confirm", bulk, { request, items }),
  declare(56, "confirmed", control, {
    request,
    /** One for each item. */
    held: list(choice(Held.other), PAGE_ENTRIES_MAX, "confirmations"),
  }),

  // Watching keys; a feed is one watcher's wish for one arc.
  declare(57, "watch", operations, {
    feed: u32,
    round: u32,
    /** Whether `match` is the key itself, or what keys begin with. */
    exact: flag,
    match: bytes(KEY_BYTES_MAX, "a prefix"),
    after: id,
    through: id,
    /** Entries with a value that the watcher knows there; else: list all. */
    known: optional(record({ count: u32, digest: id })),
    /** The last batch that came of this feed; 0: none. */
    batch: u32,
  }),
  declare(58, "watching", operations, {
    feed: u32,
    round: u32,
    status: choice(WatchStatus.overloaded),
  }),
  declare(59, "watchItems", operations, {
    feed: u32,
    batch: u32,
    /** All that matches in this range is listed. */
    after: id,
    through: id,
    last: flag,
    items: list(
      record({ id, version, live: flag }),
      WATCH_PAGE_MAX,
      "watched items",
    ),
  }),
  declare(60, "watchEvents", operations, { feed: u32, batch: u32, entries }),
  declare(61, "watchAck", operations, {
    feed: u32,
    batch: u32,
    /** What the watcher lacks of what was listed. */
    want: list(id, WATCH_PAGE_MAX, "ids"),
  }),
  declare(62, "unwatch", operations, { feed: u32 }),
] as const;

type DecodedOf<D> = D extends Declaration<infer Type, infer F>
  ? { readonly type: Type } & RecordOf<F>
  : never;

/** A decoded message; `type` says which. */
export type Message = DecodedOf<typeof declarations[number]>;
/** The message of one type. */
export type MessageOf<Type extends Message["type"]> = Extract<
  Message,
  { readonly type: Type }
>;
