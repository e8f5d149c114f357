/**
 * An admitted peer that sends garbage: random bytes, broken frames, and frames
 * that were good once, at another time or to another node.
 *
 * It proves that it knows the secret, and then says what makes no sense: what
 * is promised is that no more than its own links suffer. It does not lie: no
 * admitted member can be kept from lying about others or about entries, and
 * nothing is promised against it. So a frame that it breaks must not happen to
 * mean something else, and what it repeats was true.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Instant } from "../base/machine.ts";
import { below, fraction, pick, type Random } from "../base/random.ts";
import { ChordMachine } from "../dict/chord_machine.ts";
import type { DictOperation } from "../dict/operations.ts";
import type { LinkNumber, NodeEffect, NodeEvent } from "../mesh/events.ts";
import { Inbox } from "../mesh/framer.ts";
import { decode } from "../wire/codec.ts";
import type { Message } from "../wire/messages.ts";
import type { CreateMachine } from "./node.ts";

/** The share of its frames that something happens to. */
const GARBAGE_SHARE = 0.1;
/** Frames that it remembers, its own and those of others. */
const KEPT_MAX = 64;
const NOISE_BYTES_MAX = 300;

/** What may be said again, at any time and to anybody. */
const HARMLESS: ReadonlySet<Message["type"]> = new Set<Message["type"]>([
  "heartbeat",
  "gossip",
  "table",
  "tableAsk",
  "cast",
  "castAsk",
  "castGone",
  "ping",
  "pong",
  "probe",
  "probed",
  "announce",
  "announced",
]);

/** What runs on the host of a vandal. */
export function createVandal(chance: Random): CreateMachine {
  return (options, random, at) => new Vandal(options, random, at, chance);
}

class Vandal extends ChordMachine {
  readonly #random: Random;
  readonly #kept: Bytes[] = [];

  constructor(
    options: ConstructorParameters<typeof ChordMachine>[0],
    random: Random,
    at: Instant,
    chance: Random,
  ) {
    super(options, random, at);
    this.#random = chance;
  }

  override step(
    event: NodeEvent<DictOperation>,
    at: Instant,
  ): NodeEffect[] {
    if (event.type === "frame") this.#keep(event.frame);
    return super.step(event, at);
  }

  override pull(link: LinkNumber): Bytes | undefined {
    const frame = super.pull(link);
    if (frame === undefined) return undefined;
    this.#keep(frame);
    if (fraction(this.#random) >= GARBAGE_SHARE) return frame;
    switch (below(this.#random, 3)) {
      case 0:
        return this.#noise();
      case 1:
        // What is a part of something may mean something else if it is broken.
        return isWhole(frame) ? this.#broken(frame) : frame;
      default:
        return pick(this.#random, this.#kept) ?? frame;
    }
  }

  #keep(frame: Bytes): void {
    const messages = messagesOf(frame);
    if (messages === undefined || messages.length === 0) return;
    if (!messages.every(({ type }) => HARMLESS.has(type))) return;
    if (this.#kept.length < KEPT_MAX) this.#kept.push(frame.slice());
    else this.#kept[below(this.#random, KEPT_MAX)] = frame.slice();
  }

  #noise(): Bytes {
    const noise = new Uint8Array(1 + below(this.#random, NOISE_BYTES_MAX));
    for (let i = 0; i < noise.length; i++) noise[i] = below(this.#random, 256);
    return messagesOf(noise) === undefined ? noise : new Uint8Array([0]);
  }

  /** A frame with a byte changed or its end missing. */
  #broken(frame: Bytes): Bytes {
    const broken = frame.slice(
      0,
      fraction(this.#random) < 0.5
        ? frame.length
        : below(this.#random, frame.length),
    );
    const at = below(this.#random, Math.max(1, broken.length));
    if (broken.length > 0) broken[at]! ^= 1 << below(this.#random, 8);
    return messagesOf(broken) === undefined ? broken : this.#noise();
  }
}

function isWhole(frame: Bytes): boolean {
  const messages = messagesOf(frame);
  return messages !== undefined && messages.length > 0;
}

/** What a frame says to somebody who has heard nothing before, if anything. */
function messagesOf(frame: Bytes): Message[] | undefined {
  try {
    return new Inbox().take(frame).map((bytes) => decode(bytes));
  } catch {
    return undefined;
  }
}
