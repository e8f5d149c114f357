/**
 * A limit for everything that can grow, with its unit in its name.
 *
 * @module
 */
import { assert } from "./assert.ts";

/** A key's longest length. */
export const KEY_BYTES_MAX = 1024;
/** A value's longest length. */
export const VALUE_BYTES_MAX = 1024 * 1024;
/** The longest lease, and the longest life of an entry: ten years. */
export const LIFE_MS_MAX = 3_650 * 24 * 3_600_000;
/** A url's longest length, in UTF-8. */
export const URL_BYTES_MAX = 2048;
/** A subnet name's longest length, in UTF-8. */
export const SUBNET_BYTES_MAX = 256;
/** A secret's shortest length. */
export const SECRET_BYTES_MIN = 16;
/** A secret's longest length. */
export const SECRET_BYTES_MAX = 1024;
/** Secrets that one node takes: the new one, and those it replaces. */
export const SECRETS_MAX = 8;
/** A reason's longest length, in UTF-8: what a WebSocket close frame holds. */
export const REASON_BYTES_MAX = 123;

/** The longest encoded message: a page that ends with the largest value. */
export const MESSAGE_BYTES_MAX = VALUE_BYTES_MAX + 256 * 1024;
/**
 * A message longer than this is cut into pieces, so that others get between:
 * over half a megabit a second one takes a second, well below a suspicion.
 */
export const PIECE_BYTES_MAX = 64 * 1024;
/** The longest frame: pieces and small messages that left in one turn. */
export const FRAME_BYTES_MAX = 128 * 1024;
/** No more bytes than this wait in a transport before sending pauses. */
export const BUFFERED_BYTES_HIGH = 1024 * 1024;
/** A link with more than this in its lanes is crowded: broadcasts wait. */
export const LINK_CROWDED_BYTES = 4 * 1024 * 1024;
/** No more bytes than this wait in one link's lanes. */
export const LINK_QUEUE_BYTES_MAX = 64 * 1024 * 1024;

/** Members that the table holds, dead ones included. */
export const MEMBERS_MAX = 8192;
/**
 * Up to this many nodes every node knows every other one; in a larger ring this
 * many besides those that it must know.
 */
export const FULL_TABLE_NODES_MAX = 4096;
/** Neighbours on each side that a node knows in any ring. */
export const REACH_MAX = 16;
/** How often an operation may be handed on. */
export const ROUTE_HOPS_MAX = 32;
/** Operations of others that one node may have on their way. */
export const ROUTES_PENDING_MAX = 65_536;
/** Member records in one gossip or table message. */
export const RECORDS_PER_MESSAGE_MAX = 256;
/** Parts that two nodes compare their member tables by. */
export const TABLE_PARTS_MAX = 256;
/** Up to this many nodes every node has a link to every other. */
export const FULL_MESH_NODES_MAX = 64;
/** Links that one node keeps. */
export const LINKS_MAX = 256;
/** Messages that one peer may send in a second. */
export const MESSAGES_PER_SECOND_MAX = 500_000;
/** Bytes that one peer may send in a second. */
export const BYTES_PER_SECOND_MAX = 512 * 1024 * 1024;
/** Bytes that are kept of a peer that is not read and cannot be stopped. */
export const PAUSED_BYTES_MAX = 4 * 1024 * 1024;
/** Dials that may be under way at once. */
export const DIALS_PENDING_MAX = 32;
/** Links that may be waiting for their handshake at once. */
export const HANDSHAKES_PENDING_MAX = 256;
/** The longest frame of a peer that has not proved that it knows the secret. */
export const STRANGER_FRAME_BYTES_MAX = 4096;
/** Links from one node that may be open at once, crossed dials included. */
export const LINKS_PER_NODE_MAX = 4;
/** How often a retired link looks whether all that waited in it has left. */
export const FLUSH_CHECK_MS = 10;
/** Urls given to `connect` that are dialled again after total loss. */
export const SEEDS_MAX = 64;
/** Probes that are under way on behalf of other nodes. */
export const PROBES_PENDING_MAX = 256;
/** How often a message may be relayed. */
export const RELAY_HOPS_MAX = 4;

/** Entries of a member's successor list. */
export const SUCCESSORS_MAX = 16;

/** Requests that one node may have waiting for answers. */
export const REQUESTS_IN_FLIGHT_MAX = 65_536;
/** Requests of one peer that may wait here: its own, and those it gave up. */
export const REQUESTS_OF_PEER_MAX = 2 * REQUESTS_IN_FLIGHT_MAX;
/** Calls of the application that may wait at once. */
export const CALLS_WAITING_MAX = 65_536;
/** Operations that may wait for one key at its first holder. */
export const EXCLUSIVE_WAITING_MAX = 65_536;

/** Origins whose broadcasts are remembered. */
export const BROADCAST_ORIGINS_MAX = 8192;
/** Broadcasts of one origin that are kept for repair. */
export const BROADCASTS_KEPT_MAX = 1024;
/** Bytes of one origin's broadcasts that are kept for repair. */
export const BROADCAST_BYTES_KEPT_MAX = 4 * 1024 * 1024;
/** Bytes of all origins' broadcasts that are kept for repair. */
export const BROADCAST_BYTES_KEPT_TOTAL_MAX = 64 * 1024 * 1024;
/** Broadcasts that one question for missing ones may bring. */
export const BROADCASTS_PER_ASK_MAX = 256;
/** A broadcast's longest payload. */
export const BROADCAST_BYTES_MAX = VALUE_BYTES_MAX;
/** Origins whose progress one heartbeat tells. */
export const HEARTBEAT_MARKS_MAX = 16;
/** Origins whose progress the first heartbeat of a link tells. */
export const LINK_MARKS_MAX = 256;

/** Bytes that one answer to a question for missing broadcasts may have. */
export const BROADCAST_BYTES_PER_ASK = 1024 * 1024;
/** Bytes of messages that wait until links have room for them. */
export const SENDS_BYTES_WAITING_MAX = 64 * 1024 * 1024;
/** Bytes of replies that wait to be confirmed. */
export const NOTES_BYTES_WAITING_MAX = 64 * 1024 * 1024;
/** Replies that are remembered, so that a second copy is not taken for one. */
export const NOTES_REMEMBERED_MAX = 65_536;

/** Messages that wait for `recv()`; beyond it the oldest is dropped. */
export const RECEIVED_MESSAGES_MAX = 1024;
/** Bytes of messages that wait for `recv()`. */
export const RECEIVED_BYTES_MAX = 64 * 1024 * 1024;
/** Packets of one message. */
export const PACKETS_MAX = 1024;

/** Entries in one page of a scan, a transfer, or a digest's list. */
export const PAGE_ENTRIES_MAX = 1024;
/** Bytes of entries after which a page ends. */
export const PAGE_BYTES = 128 * 1024;
/** Parts that one digest question may ask about. */
export const DIGEST_PARTS_MAX = 64;
/** Entries of ended sessions that one node removes at once. */
export const SESSION_REMOVALS_MAX = 64;
/** Results of read-modify-writes that are remembered for retries. */
export const OUTCOMES_KEPT_MAX = 65_536;
/** Bytes of such results. */
export const OUTCOME_BYTES_KEPT_MAX = 16 * 1024 * 1024;
/** Replaced versions that are remembered, for writes that are on their way. */
export const OVERWRITTEN_KEPT_MAX = 65_536;
/** Keys of which a node remembers the last event it told. */
export const ANNOUNCED_KEYS_MAX = 65_536;

/** Watches that one node's application may have open. */
export const WATCHES_MAX = 256;
/** Keys that all watches of one node may cover together. */
export const WATCHED_KEYS_MAX = 262_144;
/** Events of one watch that may wait before no more are asked for. */
export const WATCH_EVENTS_HIGH = 1024;
/** Bytes of such events. */
export const WATCH_BYTES_HIGH = 1024 * 1024;
/** Changed keys that a holder remembers for one watcher. */
export const WATCH_CHANGED_MAX = 1024;
/** Keys in one page of the list that a watcher compares with its own. */
export const WATCH_PAGE_MAX = 512;
/** Watchers that one member serves; one for each arc of a watch. */
export const WATCHERS_MAX = 4096;
/** Watchers that one member serves for one node. */
export const WATCHERS_PER_NODE_MAX = 1024;

/** Bytes that an entry takes besides its key and its value, at most. */
const ENTRY_BYTES = 80;

assert(
  PAGE_BYTES + PAGE_ENTRIES_MAX * ENTRY_BYTES + KEY_BYTES_MAX +
      VALUE_BYTES_MAX <= MESSAGE_BYTES_MAX,
  "a page that ends with the largest entry must fit a message",
);
assert(
  PIECE_BYTES_MAX + 64 <= FRAME_BYTES_MAX,
  "the largest piece must fit a frame",
);
assert(
  2 * WATCH_PAGE_MAX <= WATCH_CHANGED_MAX,
  "what a page makes a watcher ask for must fit beside what has changed",
);
