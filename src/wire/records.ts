/**
 * What several messages have in common: keys, versions, members, entries.
 *
 * @module
 */
import {
  BROADCAST_BYTES_MAX,
  KEY_BYTES_MAX,
  PACKETS_MAX,
  PAGE_ENTRIES_MAX,
  URL_BYTES_MAX,
  VALUE_BYTES_MAX,
} from "../base/limits.ts";
import { Health, PacketKind, Role } from "./choices.ts";
import {
  bytes,
  choice,
  type Field,
  flag,
  id,
  list,
  optional,
  record,
  text,
  u16,
  u32,
  u48,
  type ValueOf,
} from "./field.ts";

/** Eight bytes as hexadecimal text: the tie-break of a version. */
const node64: Field<string> = {
  shape: { kind: "hex", length: 8 },
  write: (writer, value) => {
    for (let i = 0; i < 16; i += 8) {
      writer.u32(parseInt(value.slice(i, i + 8), 16));
    }
  },
  read: (reader) => reader.hex(8),
};

export const key = bytes(KEY_BYTES_MAX, "a key", 1);
export const value = bytes(VALUE_BYTES_MAX, "a value");

/** Field of {@linkcode Version}. */
export const version = record(
  { ms: u48, count: u16, node: node64 },
  (reader) => ({
    ms: reader.u48(),
    count: reader.u16(),
    node: reader.hex(8),
  }),
);
/** The version of an entry: hybrid logical clock and the writer's tie-break. */
export type Version = ValueOf<typeof version>;

/** Field of {@linkcode OperationId}. */
export const operation = record(
  { origin: id, number: u48 },
  (reader) => ({ origin: reader.id(), number: reader.u48() }),
);
/** Names a read-modify-write for ever, so that a retry is not a repetition. */
export type OperationId = ValueOf<typeof operation>;

const role = choice(Role.leaving) as Field<Role>;
const health = choice(Health.left) as Field<Health>;
const url = text(URL_BYTES_MAX, "a url");

/** Field of {@linkcode MemberRecord}. */
export const member = record({
  id,
  /** Raised by the node itself, never by others. */
  incarnation: u32,
  role,
  health,
  /** Means something from `joining` on. */
  position: id,
  /** What peers may dial; empty for none. */
  url,
}, (reader) => ({
  id: reader.id(),
  incarnation: reader.u32(),
  role: role.read(reader),
  health: health.read(reader),
  position: reader.id(),
  url: url.read(reader),
}));
/** What the nodes tell each other about one node. */
export type MemberRecord = ValueOf<typeof member>;

/** Field of {@linkcode Terms}. */
export const terms = record({
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

const maybeValue = optional(value);
const maybeTerms = optional(terms);

/** Field of {@linkcode EntryRecord}. */
export const entry = record({
  key,
  value: maybeValue,
  version,
  terms: maybeTerms,
}, (reader) => ({
  key: key.read(reader),
  value: maybeValue.read(reader),
  version: version.read(reader),
  terms: maybeTerms.read(reader),
}));
/** A key with its value, or without one as a tombstone. */
export type EntryRecord = ValueOf<typeof entry>;

const packetKind = choice(PacketKind.json);
const packetBytes = bytes(BROADCAST_BYTES_MAX, "a packet");

/** One packet of an application message. */
export const packet = record(
  { kind: packetKind, bytes: packetBytes },
  (reader) => ({
    kind: packetKind.read(reader),
    bytes: packetBytes.read(reader),
  }),
);
/** A packet as it travels. */
export type PacketRecord = ValueOf<typeof packet>;

const maybeId = optional(id);
const packets = list(packet, PACKETS_MAX, "packets");

/** An application's message, inside a broadcast or a note. */
export const letter = record({
  id,
  time: u48,
  inReplyTo: maybeId,
  packets,
}, (reader) => ({
  id: reader.id(),
  time: reader.u48(),
  inReplyTo: maybeId.read(reader),
  packets: packets.read(reader),
}));
/** What the application sent, as it travels. */
export type Letter = ValueOf<typeof letter>;

const dictEvent = record({ key, added: flag, version }, (reader) => ({
  key: key.read(reader),
  added: flag.read(reader),
  version: version.read(reader),
}));

/** Dict events: a key is there, or is not any more, since this version. */
export const dictEvents = list(dictEvent, PAGE_ENTRIES_MAX, "events");
/** Events as they travel in one broadcast. */
export type DictEvents = ValueOf<typeof dictEvents>;
