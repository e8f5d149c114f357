/**
 * A node that is let in, takes part as it should, and says besides whatever
 * comes to its mind: every kind of message, well-formed or not, about nodes,
 * keys and requests that there really are, as far as it has heard of them.
 *
 * @module
 */
import { type Bytes, utf8 } from "../../src/base/bytes.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import type { Instant } from "../../src/base/machine.ts";
import type { NodeOptions } from "../../src/base/options.ts";
import { below, pick, type Random } from "../../src/base/random.ts";
import { ChordMachine } from "../../src/dict/chord_machine.ts";
import type { DictOperation } from "../../src/dict/operations.ts";
import { type Id, keyId, randomId } from "../../src/id/id.ts";
import type {
  LinkNumber,
  NodeEffect,
  NodeEvent,
} from "../../src/mesh/events.ts";
import { Inbox } from "../../src/mesh/framer.ts";
import { decode } from "../../src/wire/codec.ts";
import type { Message } from "../../src/wire/messages.ts";
import { frameOf } from "../mesh/intruder.ts";
import { messageOf, messageTypes } from "../wire/generator.ts";
import { mutated } from "./mutations.ts";

/** So many keys there are, so that entries alone do not fill the memory. */
const KEYS = 200;
/** Nodes that there are not. */
const FAKES = 100;
/** Values of one name that are remembered. */
const SEEN_MAX = 64;
/** How often it speaks, in virtual milliseconds. */
const EVERY_MS = 20;
const MESSAGES_AT_ONCE = 5;
/** One frame in so many is broken, and ends its link. */
const BROKEN_EVERY = 200;
/** One message in so many belongs to a handshake, which is over. */
const GREETINGS_EVERY = 200;
/** How far from now the times of versions are. */
const TIMES_MS = [0, -1, 1, -60_000, 60_000, 600_000] as const;
const GREETINGS: ReadonlySet<string> = new Set<Message["type"]>([
  "hello",
  "bye",
  "retire",
  "challenge",
  "proof",
  "identity",
  "welcome",
]);

/** What it has heard of. */
class Gossip {
  readonly keys: readonly Bytes[];
  readonly #ids: Id[];
  readonly #known: Set<Id>;
  readonly #numbers = new Map<string, number[]>();
  #oldest = 0;

  constructor(random: Random) {
    this.keys = Array.from({ length: KEYS }, (_, i) => utf8(`key ${i}`));
    this.#ids = [
      ...Array.from({ length: FAKES }, () => randomId(random)),
      ...this.keys.map(keyId),
    ];
    this.#known = new Set(this.#ids);
  }

  /** Remembers what a message speaks of. */
  hear(value: unknown, name = ""): void {
    if (typeof value === "number") {
      const seen = this.#numbers.get(name) ?? [];
      seen.push(value);
      if (seen.length > SEEN_MAX) seen.shift();
      this.#numbers.set(name, seen);
    } else if (isId(value)) {
      if (this.#known.has(value)) return;
      this.#known.add(value);
      // What was heard of first makes room for what comes later.
      const at = KEYS + FAKES + this.#oldest++ % SEEN_MAX;
      this.#known.delete(this.#ids[at] ?? "");
      this.#ids[at] = value;
    } else if (typeof value === "object" && !(value instanceof Uint8Array)) {
      for (const name in value) this.hear(value[name as never], name);
    }
  }

  /** The same, but about what there is. */
  tell(value: unknown, name: string, random: Random, wallMs: number): unknown {
    if (isId(value)) return pick(random, this.#ids)!;
    if (name === "key" && value instanceof Uint8Array) {
      return pick(random, this.keys)!;
    }
    if (name === "ms" && below(random, 8) > 0) {
      return wallMs + pick(random, TIMES_MS)!;
    }
    if (typeof value === "number" && below(random, 4) > 0) {
      return pick(random, this.#numbers.get(name) ?? [value])!;
    }
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Uint8Array) return value;
    const parts = Object.entries(value).map(([name, part]) => [
      name,
      this.tell(part, name, random, wallMs),
    ]);
    if (!Array.isArray(value)) return Object.fromEntries(parts);
    return parts.map(([, part]) => part);
  }
}

function isId(value: unknown): value is Id {
  return typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
}

/** The node. */
export class HostilePeer extends ChordMachine {
  /** Messages that were said. */
  said = 0;
  /** Whether it goes on. */
  isTalking = false;
  readonly #random: Random;
  readonly #gossip: Gossip;
  readonly #inboxes = new Map<LinkNumber, Inbox>();
  readonly #outgoing = new Map<LinkNumber, Bytes[]>();
  #nextMs = 0;

  /** @param hostility chance of its own, beside the node's */
  constructor(
    options: NodeOptions,
    random: Random,
    at: Instant,
    hostility: Random,
  ) {
    super(options, random, at);
    this.#random = hostility;
    this.#gossip = new Gossip(hostility);
  }

  override get wakeAtMs(): number {
    const wakeAtMs = super.wakeAtMs;
    return this.isTalking ? Math.min(wakeAtMs, this.#nextMs) : wakeAtMs;
  }

  override pull(link: LinkNumber): Bytes | undefined {
    return super.pull(link) ?? this.#outgoing.get(link)?.shift();
  }

  override step(
    event: NodeEvent<DictOperation>,
    at: Instant,
  ): NodeEffect[] {
    if (event.type === "opened") this.#inboxes.set(event.link, new Inbox());
    if (event.type === "closed") this.#forget(event.link);
    if (event.type === "frame") this.#listen(event.link, event.frame);
    const effects = super.step(event, at);
    for (const effect of effects) {
      if (effect.type === "close") this.#forget(effect.link);
    }
    if (!this.isTalking || at.nowMs < this.#nextMs) return effects;
    this.#nextMs = at.nowMs + EVERY_MS;
    const link = pick(this.#random, [...this.#inboxes.keys()]);
    if (link === undefined) return effects;
    this.#outgoing.set(link, [this.#frame(at.wallMs)]);
    return [...effects, { type: "ready", link, isUrgent: false }];
  }

  #forget(link: LinkNumber): void {
    this.#inboxes.delete(link);
    this.#outgoing.delete(link);
  }

  #listen(link: LinkNumber, frame: Bytes): void {
    try {
      const messages = this.#inboxes.get(link)?.take(frame) ?? [];
      for (const bytes of messages) this.#gossip.hear(decode(bytes));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#inboxes.set(link, new Inbox());
    }
  }

  #frame(wallMs: number): Bytes {
    const messages: Message[] = [];
    for (let i = 0; i < MESSAGES_AT_ONCE; i++) {
      const type = pick(this.#random, messageTypes)!;
      if (GREETINGS.has(type) && below(this.#random, GREETINGS_EVERY) > 0) {
        continue;
      }
      const message = messageOf(type, this.#random);
      const told = this.#gossip.tell(message, "", this.#random, wallMs);
      messages.push(told as Message);
    }
    this.said += messages.length;
    if (messages.length === 0) messages.push({ type: "tableAsk" });
    const frame = frameOf(...messages);
    const isBroken = below(this.#random, BROKEN_EVERY) === 0;
    return isBroken ? mutated(this.#random, frame) : frame;
  }
}
