import { assert, assertEquals } from "@std/assert";
import { decodeHex } from "@std/encoding";
import type { Bytes } from "../../src/base/bytes.ts";
import { MESSAGE_BYTES_MAX } from "../../src/base/limits.ts";
import { declarations } from "../../src/wire/messages.ts";
import corpus from "./corpus.json" with { type: "json" };
import { Meter } from "./meter.ts";
import { product, tryFrames, tryMessage } from "./properties.ts";
import { allNumbers, poolOf, runStream, type StreamName } from "./streams.ts";

/** `deno task fuzz` tries a million more. */
const INPUTS = 20_000;
const SEED = 20;

function run(name: StreamName): { inputs: number; accepted: number } {
  using meter = new Meter();
  const world = { subject: product, meter, pool: poolOf(SEED) };
  return runStream(name, SEED, allNumbers(), world, INPUTS);
}

Deno.test("20,000 messages of all kinds come back as they were", () => {
  const { inputs, accepted } = run("messages");
  assertEquals(accepted, inputs);
});

Deno.test("20,000 mutated messages cause nothing but ProtocolError", () => {
  const { inputs, accepted } = run("mutations");
  // Both ways out of the decoder must have been taken.
  assert(accepted > inputs / 100, `${accepted} were accepted`);
  assert(accepted < inputs * 0.9, `${accepted} were accepted`);
});

Deno.test("20,000 runs of random bytes cause nothing but ProtocolError", () => {
  const { inputs, accepted } = run("bytes");
  assert(accepted > 0 && accepted < inputs / 10, `${accepted} were accepted`);
});

Deno.test("20,000 frames, some broken, cause nothing but ProtocolError", () => {
  const { inputs, accepted } = run("frames");
  assert(accepted > inputs / 10 && accepted < inputs, `${accepted} accepted`);
});

Deno.test("what is kept in the corpus is refused or taken as it was", () => {
  using meter = new Meter();
  for (const { name, message, frames, accepted } of corpus) {
    const isAccepted = message !== undefined
      ? tryMessage(product, decodeHex(message), meter) !== undefined
      : tryFrames(product, frames!.map(decodeHex), meter) === frames!.length;
    assertEquals(isAccepted, accepted, name);
  }
});

Deno.test("every message of two bytes is decoded or refused", () => {
  using meter = new Meter();
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      tryMessage(product, Uint8Array.of(first, second), meter);
    }
  }
});

Deno.test("a megabyte of any one byte after any kind is no more than it is", () => {
  using meter = new Meter();
  for (const { kind } of declarations) {
    for (const fill of [0, 1, 2, 127, 128, 255]) {
      const bytes: Bytes = new Uint8Array(MESSAGE_BYTES_MAX).fill(fill);
      bytes[0] = kind;
      tryMessage(product, bytes, meter);
    }
  }
});
