/**
 * Makes up messages from their declarations: every field, every bound, and no
 * list of message types to keep in step.
 *
 * @module
 */
import { below, pick, type Random } from "../../src/base/random.ts";
import { idFromBigInt, MAX_ID, randomId, ZERO_ID } from "../../src/id/id.ts";
import type { Shape } from "../../src/wire/field.ts";
import { declarations, type Message } from "../../src/wire/messages.ts";

/** How large the lists and texts of a made-up message are. */
export interface Sizes {
  /** Draws a length of at most `max`. */
  length(random: Random, max: number): number;
}

/** Mostly empty or a few, so that many messages are cheap. */
export const small: Sizes = {
  length: (random, max) => Math.min(max, pick(random, [0, 1, 2, 3, 9, 40])!),
};

/** As large as is allowed, but for lists in lists and lists of texts. */
export const largest: Sizes = {
  length: (random, max) => max <= 1024 ? max : below(random, 3) * 70,
};

/** As little as is allowed. */
export const least: Sizes = { length: () => 0 };

const LETTERS = ["a", "Z", "0", " ", "\0", "é", "漢", "🦕", "\ufeff"];

function integer(random: Random, bits: number): number {
  const limit = 2 ** bits;
  const any = random.uint32() * 0x1_0000 + (random.uint32() >>> 16);
  return pick(random, [0, 1, limit / 2, limit - 1, any % limit])!;
}

function bytesOf(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.uint32() & 255);
}

/** Text of at most `max` bytes in UTF-8. */
function textOf(random: Random, max: number, sizes: Sizes): string {
  let text = "";
  const wanted = sizes.length(random, max);
  while (text.length < wanted) {
    const longer = text + pick(random, LETTERS)!;
    if (new TextEncoder().encode(longer).length > max) break;
    text = longer;
  }
  return text;
}

/** A value that a field of this shape takes. */
export function valueOf(shape: Shape, random: Random, sizes: Sizes): unknown {
  switch (shape.kind) {
    case "integer":
      return integer(random, shape.bits);
    case "choice":
      return below(random, shape.max + 1);
    case "flag":
      return below(random, 2) === 1;
    case "id":
      return pick(random, [ZERO_ID, MAX_ID, randomId(random)])!;
    case "hex":
      return idFromBigInt(BigInt(random.uint32()) << 96n)
        .slice(0, 2 * shape.length);
    case "bytes":
      return bytesOf(
        random,
        Math.max(shape.min, sizes.length(random, shape.max)),
      );
    case "text":
      return textOf(random, shape.max, sizes);
    case "optional":
      return below(random, 2) === 1
        ? valueOf(shape.of, random, sizes)
        : undefined;
    case "list":
      return Array.from(
        { length: sizes.length(random, shape.max) },
        () => valueOf(shape.of, random, sizes === largest ? small : sizes),
      );
    case "record":
      return Object.fromEntries(
        Object.entries(shape.fields).map((
          [name, of],
        ) => [name, valueOf(of, random, sizes)]),
      );
  }
}

/** A message of one type. */
export function messageOf(
  type: Message["type"],
  random: Random,
  sizes: Sizes = small,
): Message {
  const { body } = declarations.find((found) => found.type === type)!;
  const fields = valueOf(body.shape, random, sizes) as object;
  return { ...fields, type } as Message;
}

/** Every type of message there is. */
export const messageTypes: readonly Message["type"][] = declarations.map(
  ({ type }) => type,
);
