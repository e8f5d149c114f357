/**
 * What must be true of a decoder and of a framer, whatever they are given:
 * nothing but a `ProtocolError`, no more than twice the input in memory, work
 * that is linear, nothing read past the end.
 *
 * @module
 */
import { type Bytes, equalBytes, toHex } from "../../src/base/bytes.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import { MESSAGE_BYTES_MAX } from "../../src/base/limits.ts";
import { Inbox } from "../../src/mesh/framer.ts";
import { decode, encode } from "../../src/wire/codec.ts";
import type { Message } from "../../src/wire/messages.ts";
import type { Meter } from "./meter.ts";

/** What is tried; a defective one shows that a check is one. */
export interface Subject {
  readonly decode: (bytes: Bytes) => Message;
  readonly inbox: () => { take(frame: Bytes): Bytes[] };
}

/** What the product does. */
export const product: Subject = { decode, inbox: () => new Inbox() };

/** Bytes in memory for each byte of input, and what a few fields cost. */
const GROWTH_MAX = 2;
const GROWTH_START_BYTES = 64;
/** Calls of the reader for each byte of input. */
const STEPS_PER_BYTE_MAX = 4;
const STEPS_START = 16;
/** What an error says must not grow with what was sent. */
const REASON_CHARACTERS_MAX = 300;
/** Bytes of a failing input that are shown. */
const SHOWN_BYTES_MAX = 4096;
/** What lies around the input in its buffer. */
const GUARD_BYTES = 24;

/** A property that does not hold. */
export class BrokenProperty extends Error {
  override readonly name = "BrokenProperty";

  constructor(what: string, bytes: Bytes, options?: ErrorOptions) {
    const shown = toHex(bytes.subarray(0, SHOWN_BYTES_MAX));
    super(`${what}: ${shown} (${bytes.length} bytes)`, options);
  }
}

/** The bytes of all that a value consists of: what it holds by itself. */
export function heldBytes(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value === "string") return charactersBytes(value);
  if (typeof value !== "object" || value === null) return 1;
  let sum = 0;
  for (const name in value) sum += heldBytes((value as never)[name]);
  return sum;
}

/** Engines keep text of Latin letters in a byte each, any other in two. */
function charactersBytes(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 255) return 2 * text.length;
  }
  return text.length;
}

/** Whether two decoded values are the same. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return equalBytes(a, b);
  }
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length &&
    names.every((name) =>
      name in b && isSame(a[name as never], b[name as never])
    );
}

/**
 * Decodes and judges.
 *
 * @returns the message, or `undefined` if it was refused as it must be
 * @throws {BrokenProperty} If something else came of it
 */
export function tryMessage(
  subject: Subject,
  bytes: Bytes,
  meter: Meter,
): Message | undefined {
  const around = new Uint8Array(bytes.length + 2 * GUARD_BYTES).fill(1);
  around.set(bytes, GUARD_BYTES);
  const input = around.subarray(GUARD_BYTES, GUARD_BYTES + bytes.length);
  meter.reset();
  const message = attempt(() => subject.decode(input), bytes);
  judgeCost(bytes, bytes.length, meter);
  if (message === undefined) return undefined;
  // The type is the same text in all messages of one kind.
  const held = heldBytes(message) - message.type.length;
  if (held > GROWTH_MAX * bytes.length + GROWTH_START_BYTES) {
    throw new BrokenProperty(`became ${held} bytes`, bytes);
  }
  if (!equalBytes(encode(message), bytes)) {
    throw new BrokenProperty("accepted in a second spelling", bytes);
  }
  return message;
}

/**
 * Hands frames to one link's inbox, until one is refused.
 *
 * @returns how many were taken
 * @throws {BrokenProperty} If anything but that came of it
 */
export function tryFrames(
  subject: Subject,
  frames: readonly Bytes[],
  meter: Meter,
): number {
  const inbox = subject.inbox();
  let received = 0;
  meter.reset();
  for (const [at, frame] of frames.entries()) {
    received += frame.length;
    const messages = attempt(() => inbox.take(frame), frame);
    judgeCost(frame, received, meter);
    if (messages === undefined) return at;
    for (const { length } of messages) {
      if (length > 0 && length <= MESSAGE_BYTES_MAX) continue;
      throw new BrokenProperty(`gave a message of ${length} bytes`, frame);
    }
  }
  return frames.length;
}

function attempt<T>(work: () => T, bytes: Bytes): T | undefined {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) {
      throw new BrokenProperty(`threw ${cause}`, bytes, { cause });
    }
    if (cause.message.length > REASON_CHARACTERS_MAX) {
      throw new BrokenProperty("was refused at too great length", bytes);
    }
    return undefined;
  }
}

/** @param received the bytes of all that the work may be for */
function judgeCost(bytes: Bytes, received: number, meter: Meter): void {
  const { allocated, steps } = meter;
  if (allocated > GROWTH_MAX * received + GROWTH_START_BYTES) {
    throw new BrokenProperty(`allocated ${allocated} bytes`, bytes);
  }
  if (steps > STEPS_PER_BYTE_MAX * received + STEPS_START) {
    throw new BrokenProperty(`took ${steps} steps`, bytes);
  }
}
