/**
 * Every message of the protocol, declared once: its number, its lane, its
 * fields. The types, the encoder and the decoder all follow from here;
 * `PROTOCOL.md` beside this file says what the messages mean.
 *
 * @module
 */
import {
  KEY_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PAGE_ENTRIES_MAX,
  REACH_MAX,
  REASON_BYTES_MAX,
  RECORDS_PER_MESSAGE_MAX,
  SECRETS_MAX,
  SUCCESSORS_MAX,
  TABLE_PARTS_MAX,
  WATCH_PAGE_MAX,
} from "../base/limits.ts";
import {
  Errand,
  ErrandStatus,
  ExecKind,
  ExecStatus,
  Failure,
  Held,
  Lane,
  Probed,
  PutStatus,
  ReadChoice,
  Standing,
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
} from "./field.ts";
import {
  cast,
  digest,
  digestAnswer,
  gossip,
  heartbeat,
  items,
  readCast,
  readDigest,
  readDigestAnswer,
  readGossip,
  readHeartbeat,
} from "./frequent.ts";
import type { Reader } from "./reader.ts";
import {
  entry,
  key,
  letter,
  member,
  operation,
  terms,
  value,
  version,
} from "./records.ts";

export * from "./choices.ts";
export {
  type DictEvents,
  dictEvents,
  type EntryRecord,
  type Letter,
  letter,
  member,
  type MemberRecord,
  type OperationId,
  type PacketRecord,
  type Terms,
  type Version,
} from "./records.ts";

/** The version of the protocol that this code speaks. */
export const PROTOCOL_VERSION = 2;
/** The oldest version that this code still understands. */
export const PROTOCOL_VERSION_OLDEST = 2;
/** The length of what makes each handshake another one. */
export const NONCE_BYTES = 32;
/** The length of an HMAC-SHA-256. */
const MAC_BYTES = 32;
/** The longest explanation of a failure, in UTF-8. */
const FAILURE_BYTES_MAX = 1024;
/** "CHRD": the first four bytes that a node ever sends. */
export const MAGIC = 0x4348_5244;

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
  read?: (reader: Reader) => RecordOf<F>,
): Declaration<Type, F> {
  return { kind, type, lane, body: record(fields, read) };
}

const { control, operations, bulk } = Lane;
const request = u32;
const entries = list(entry, PAGE_ENTRIES_MAX, "entries");
const putStatus = choice(PutStatus.clock);
const standing = choice(Standing.none);
const relayed = bytes(MESSAGE_BYTES_MAX, "a relayed message", 1);
const maybeOperation = optional(operation);
const maybeVersion = optional(version);
const maybeValue = optional(value);
const maybeTerms = optional(terms);

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
  declare(8, "heartbeat", control, heartbeat, readHeartbeat),
  declare(9, "ping", control, { request }),
  declare(10, "pong", control, { request }),
  declare(11, "probe", control, { request, target: id }),
  declare(12, "probed", control, { request, outcome: choice(Probed.silent) }),
  declare(13, "gossip", operations, gossip, readGossip),
  declare(14, "tableAsk", operations, {}),
  declare(15, "table", operations, {
    records: list(member, RECORDS_PER_MESSAGE_MAX, "member records"),
  }),

  // To somebody without a link, and to everybody.
  declare(16, "relay", operations, {
    from: id,
    to: id,
    hops: u8,
    message: relayed,
  }, (reader) => ({
    from: reader.id(),
    to: reader.id(),
    hops: reader.u8(),
    message: relayed.read(reader),
  })),
  declare(17, "cast", operations, cast, readCast),
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
    operation: maybeOperation,
  }, (reader) => ({
    request: reader.u32(),
    view: reader.u32(),
    entry: entry.read(reader),
    operation: maybeOperation.read(reader),
  })),
  declare(33, "putAnswer", control, {
    request,
    status: putStatus,
    version: maybeVersion,
  }, (reader) => ({
    request: reader.u32(),
    status: putStatus.read(reader),
    version: maybeVersion.read(reader),
  })),
  declare(34, "get", operations, { request, id }, (reader) => ({
    request: reader.u32(),
    id: reader.id(),
  })),
  declare(35, "getAnswer", operations, {
    request,
    standing,
    version: maybeVersion,
    value: maybeValue,
    terms: maybeTerms,
  }, (reader) => ({
    request: reader.u32(),
    standing: standing.read(reader),
    version: maybeVersion.read(reader),
    value: maybeValue.read(reader),
    terms: maybeTerms.read(reader),
  })),
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
  declare(48, "digest", bulk, digest, readDigest),
  declare(49, "digestAnswer", bulk, digestAnswer, readDigestAnswer),
  declare(50, "pull", bulk, {
    request,
    ids: list(id, PAGE_ENTRIES_MAX, "ids"),
  }),
  declare(51, "pullRange", bulk, { request, after: id, through: id }),
  declare(52, "pulled", bulk, { request, through: id, entries }),
  declare(53, "push", bulk, { request, entries }),
  declare(54, "pushed", control, { request }),
  declare(55, "confirm", bulk, { request, items }, (reader) => ({
    request: reader.u32(),
    items: items.read(reader),
  })),
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
    /** The last batch that came of this feed from whom it asks; 0: none. */
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

  // Operations on their way to who knows the holders.
  declare(64, "route", operations, {
    request,
    /** The node whose application waits. */
    origin: id,
    hops: u8,
    /** How long it will wait. */
    leftMs: u32,
    errand: choice(Errand.keep) as Field<Errand>,
    /** The key's hash, the id after which to scan, or any place. */
    target: id,
    /** Of `get`. */
    read: choice(ReadChoice.all),
    /** Of `scan`: whether the values are wanted. */
    values: flag,
    /** Of `exec`. */
    kind: choice(ExecKind.touch),
    operation: optional(operation),
    key: optional(key),
    value: optional(value),
    /** Of `set` and `keep`. */
    version: optional(version),
    terms: optional(terms),
  }),
  declare(65, "routing", control, { request }),
  declare(66, "routed", operations, {
    request,
    status: choice(ErrandStatus.beaten),
    /** How often it was handed on. */
    hops: u8,
    /** The first holder of the target, and with `locate` who is near it. */
    members: list(member, RECORDS_PER_MESSAGE_MAX, "member records"),
    /** Of `get`, `exec`: the value; of `exec`: whether it did something. */
    value: optional(value),
    didChange: flag,
    /** Of `set`: what confirms it; of `beaten`: the newer version. */
    holders: list(id, REACH_MAX, "holders"),
    version: optional(version),
    /** Of `scan`. */
    next: optional(id),
    entries,
    failure: optional(record({
      why: choice(Failure.leased),
      /** Whether it may have taken effect. */
      maybe: flag,
      text: text(FAILURE_BYTES_MAX, "a failure"),
      lease: optional(record({ owner: id, untilMs: u48 })),
    })),
  }),
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
