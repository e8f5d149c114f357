/**
 * Tells every node that a key came or went.
 *
 * The key's first holder tells, once it has stored the change; several changes
 * of one turn share a broadcast. Each node passes on to its application only
 * what is newer than what it last passed on for that key, so the order per key
 * is the order of the versions. When a first holder dies the next one tells
 * the recent changes again, and those who know them drop them: cheaper than
 * keeping, for every entry, whether it was told.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { ANNOUNCED_KEYS_MAX, PAGE_ENTRIES_MAX } from "../base/limits.ts";
import { type Id, keyId } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import type { Peers } from "../mesh/peers.ts";
import { decodeField, encodeField } from "../wire/codec.ts";
import { CastKind, type DictEvents, dictEvents } from "../wire/messages.ts";
import type { Entry } from "./entry.ts";
import { isNews, type News } from "./version.ts";

/** Changes are gathered this long before they are told. */
const GATHER_MS = 1;
/** Bytes of keys after which a broadcast is full. */
const GATHER_BYTES = 64 * 1024;

type DictEvent = DictEvents[number];

/** The events of one node, out and in. */
export class Announcer {
  readonly #context: Context;
  readonly #peers: Peers;
  /** What the application was last told of a key, least recent first. */
  readonly #told = new Map<Id, News>();
  #gathered: DictEvent[] = [];
  #gatheredBytes = 0;

  constructor(context: Context, peers: Peers) {
    this.#context = context;
    this.#peers = peers;
  }

  /** Tells everybody, this node's application included, how `entry` stands. */
  announce({ id, key, value, version }: Entry): void {
    const event = { key, added: value !== undefined, version };
    if (!this.#tell(id, event)) return;
    if (this.#gathered.length === 0) {
      const { timers, nowMs } = this.#context;
      timers.at(nowMs + GATHER_MS, () => this.#flush());
    }
    this.#gathered.push(event);
    this.#gatheredBytes += key.length;
    const isFull = this.#gathered.length >= PAGE_ENTRIES_MAX ||
      this.#gatheredBytes >= GATHER_BYTES;
    if (isFull) this.#flush();
  }

  /** Events of another node; throws `ProtocolError` if they are malformed. */
  receive(payload: Bytes): void {
    for (const event of decodeField(dictEvents, payload)) {
      this.#tell(keyId(event.key), { ...event, key: event.key.slice() });
    }
  }

  #flush(): void {
    if (this.#gathered.length === 0) return;
    const events = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#peers.cast(CastKind.events, encodeField(dictEvents, events));
  }

  /** Whether it was news. */
  #tell(id: Id, { key, added, version }: DictEvent): boolean {
    const told = this.#told.get(id);
    if (!isNews({ version, added }, told)) return false;
    // Deleted and inserted again, so that the map is in order of use.
    this.#told.delete(id);
    this.#told.set(id, { version, added });
    if (this.#told.size > ANNOUNCED_KEYS_MAX) {
      this.#told.delete(this.#told.keys().next().value!);
    }
    if (told?.added === added) return false;
    this.#context.notice({ type: "entry", key, added, version });
    return true;
  }
}
