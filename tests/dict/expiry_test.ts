import { assert, assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { TIMINGS } from "../../src/base/options.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { Expiry } from "../../src/dict/expiry.ts";
import { keyId } from "../../src/id/id.ts";
import { Context } from "../../src/mesh/context.ts";
import type { EntryRecord } from "../../src/wire/messages.ts";

const KEY = utf8("key");
const ID = keyId(KEY);
const WALL_MS = 1_704_067_200_000;

/** A context whose two clocks a test can move. */
function clocked(): {
  context: Context;
  at(nowMs: number, byMs?: number): void;
} {
  const options = { timings: TIMINGS } as never;
  const context = new Context(options, new SeededRandom(1), {
    nowMs: 0,
    wallMs: WALL_MS,
  });
  const at = (nowMs: number, byMs = 0) => {
    context.begin({ nowMs, wallMs: WALL_MS + nowMs + byMs });
    context.timers.run(nowMs);
  };
  return { context, at };
}

function entry(ms: number, ttlMs: number, value?: string): EntryRecord {
  return {
    key: KEY,
    value: value === undefined ? undefined : utf8(value),
    version: { ms: WALL_MS + ms, count: 0, node: "0".repeat(16) },
    terms: { owner: "0".repeat(32), leaseMs: 0, ttlMs, session: false },
  };
}

Deno.test("an entry ends at its version's time and its own, once", () => {
  const { context, at } = clocked();
  const ended: number[] = [];
  const expiry = new Expiry(context, () => ended.push(context.nowMs));
  expiry.note(ID, entry(0, 1_000, "v"));
  at(999);
  assertEquals(ended, []);
  at(1_000);
  assertEquals(ended, [1_000]);
  at(5_000);
  assertEquals(ended, [1_000]);
});

Deno.test("what is replaced, deleted or a tombstone has no end", () => {
  const { context, at } = clocked();
  const ended: number[] = [];
  const expiry = new Expiry(context, () => ended.push(context.nowMs));
  expiry.note(ID, entry(0, 1_000, "v"));
  expiry.note(ID, entry(1, 9_000, "w"));
  expiry.note(keyId(utf8("tombstone")), entry(0, 1_000));
  expiry.note(keyId(utf8("endless")), entry(0, 0, "v"));
  expiry.note(keyId(utf8("dropped")), entry(0, 1_000, "v"));
  expiry.note(keyId(utf8("dropped")), undefined);
  at(5_000);
  assertEquals(ended, []);
  at(9_001);
  assertEquals(ended, [9_001]);
});

Deno.test("an access finds what ended though the clock was set and no timer ran", () => {
  const { context } = clocked();
  const ended: number[] = [];
  const expiry = new Expiry(context, () => ended.push(context.wallMs));
  expiry.note(ID, entry(0, 3_600_000, "v"));
  context.begin({ nowMs: 1, wallMs: WALL_MS + 3_600_000 });
  expiry.settle();
  assertEquals(ended.length, 1);
});

Deno.test("a clock that was set back makes an entry wait, and one look a minute notices", () => {
  const { context, at } = clocked();
  const ended: number[] = [];
  const expiry = new Expiry(context, () => ended.push(context.nowMs));
  expiry.note(ID, entry(0, 1_000, "v"));
  at(1_000, -500);
  assertEquals(ended, []);
  at(1_500, -500);
  assertEquals(ended, [1_500]);
  expiry.note(ID, entry(2_000, 10 * 3_600_000, "v"));
  // Nine hours and more are skipped by somebody who sets the clock.
  at(62_000, 11 * 3_600_000);
  assertEquals(ended.length, 2);
});

Deno.test("an entry that is written for ever keeps one deadline", () => {
  const { context } = clocked();
  const expiry = new Expiry(context, () => {});
  for (let i = 0; i < 100_000; i++) {
    expiry.note(ID, entry(i, 1_000_000 + i, "v"));
  }
  assert(context.timers.size <= 1, `${context.timers.size} timers`);
  assertEquals(expiry.size, 1);
});
