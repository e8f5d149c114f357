/** That work grows as the input does, and not faster. */
import { assert } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { ZERO_ID } from "../../src/id/id.ts";
import { Inbox, Outbox } from "../../src/mesh/framer.ts";
import { decode, encode } from "../../src/wire/codec.ts";
import { Lane, type Message } from "../../src/wire/messages.ts";
import { Meter } from "./meter.ts";

/** How many times more there is of the larger input. */
const TIMES = 16;
/** Between 1 of linear work and 16 of work that grows with the square. */
const RATIO_MAX = 4;
const ROUNDS_MAX = 20;
/** Inputs of the large size in one sample. */
const SAMPLE = 8;

const version = { ms: 1, count: 1, node: "0".repeat(16) };
const entry = (i: number) => ({
  key: new Uint8Array(16).fill(i),
  value: new Uint8Array(64),
  version,
  terms: undefined,
});
const items = (count: number) =>
  Array.from({ length: count }, () => ({ id: ZERO_ID, version }));

/** Messages of lists, texts and lists in lists, as large as is wished. */
const MESSAGES: Readonly<Record<string, (size: number) => Message>> = {
  entries: (size) => ({
    type: "push",
    request: 1,
    entries: Array.from({ length: size }, (_, i) => entry(i)),
  }),
  ids: (size) => ({
    type: "pull",
    request: 1,
    ids: Array(size).fill(ZERO_ID),
  }),
  choices: (size) => ({
    type: "confirmed",
    request: 1,
    held: Array(size).fill(0),
  }),
  "lists in a list": (size) => ({
    type: "digestAnswer",
    request: 1,
    ready: true,
    parts: [{ status: 0, count: 1, items: items(size) }],
  }),
};

const SMALL = 64;

/** The time of `work`, at least, of many that took place in turn with others. */
function ratioOf(small: () => void, large: () => void): number {
  let smallMs = Infinity;
  let largeMs = Infinity;
  const timed = (work: () => void, times: number) => {
    const startMs = performance.now();
    for (let i = 0; i < times; i++) work();
    return performance.now() - startMs;
  };
  // The least of many samples is what it takes undisturbed, however busy the
  // machine is; more samples can only bring it nearer.
  for (let round = 0; round < ROUNDS_MAX; round++) {
    smallMs = Math.min(smallMs, timed(small, SAMPLE * TIMES));
    largeMs = Math.min(largeMs, timed(large, SAMPLE));
    if (round > 2 && largeMs <= RATIO_MAX * smallMs) break;
  }
  return largeMs / smallMs;
}

function decoding(
  decoder: (bytes: Bytes) => unknown,
  messageOf: (size: number) => Message,
): [small: () => void, large: () => void] {
  const small = encode(messageOf(SMALL));
  const large = encode(messageOf(SMALL * TIMES));
  return [() => void decoder(small), () => void decoder(large)];
}

Deno.test("sixteen times the message takes sixteen times the steps", () => {
  for (const [name, messageOf] of Object.entries(MESSAGES)) {
    using meter = new Meter();
    const [small, large] = decoding(decode, messageOf);
    small();
    const { steps } = meter;
    meter.reset();
    large();
    assert(meter.steps <= TIMES * steps, `${name}: ${steps}, ${meter.steps}`);
  }
});

Deno.test("sixteen times the message takes about sixteen times as long", () => {
  for (const [name, messageOf] of Object.entries(MESSAGES)) {
    const ratio = ratioOf(...decoding(decode, messageOf));
    assert(ratio < RATIO_MAX, `${name}: ${ratio}`);
  }
});

Deno.test("sixteen times the frames take about sixteen times as long", () => {
  const taking = (items: number) => {
    const outbox = new Outbox();
    for (let i = 0; i < items; i++) {
      outbox.push(Lane.operations, [new Uint8Array(40).fill(1)]);
    }
    const frame = outbox.pull()!;
    return () => void new Inbox().take(frame);
  };
  assert(ratioOf(taking(100), taking(100 * TIMES)) < RATIO_MAX);
});

Deno.test("work that grows with the square is found out by its time", () => {
  let sum = 0;
  const [small, large] = decoding((bytes) => {
    for (let end = 0; end < bytes.length; end += 64) {
      for (let at = 0; at < end; at++) sum += bytes[at]!;
    }
  }, MESSAGES.ids!);
  assert(ratioOf(small, large) > RATIO_MAX);
  assert(sum >= 0);
});
