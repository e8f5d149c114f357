/** Copies that are kept packed come back as they were given. */
import { assertEquals, assertNotStrictEquals } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { StoredEntry } from "../../src/dict/entry.ts";
import { ZERO_ID } from "../../src/id/id.ts";

const version = { ms: 1, count: 0, node: ZERO_ID };

/** Bytes of every value, so that none is taken for another. */
function bytes(length: number, first: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => (first + i * 7) & 255);
}

Deno.test("keys and values of every length come back, and tombstones stay such", () => {
  const kept: [StoredEntry, Bytes, Bytes | undefined][] = [];
  for (const keyLength of [1, 16, 128, 255, 256, 257, 1024]) {
    for (const valueLength of [undefined, 0, 1, 64, 128, 255, 256, 257, 5000]) {
      const key = bytes(keyLength, kept.length);
      const value = valueLength === undefined
        ? undefined
        : bytes(valueLength, kept.length + 100);
      const record = { key, value, version, terms: undefined };
      kept.push([new StoredEntry(ZERO_ID, record, 0), key, value]);
    }
  }
  // Only now: an entry must not share what the next one is made of.
  for (const [entry, key, value] of kept) {
    assertEquals(entry.key, key);
    assertEquals(entry.value, value);
    assertEquals(entry.isLive, value !== undefined);
    assertEquals(entry.size, key.length + (value?.length ?? 0));
  }
});

Deno.test("a value that is a small part of what came does not keep all of it", () => {
  const frame = new Uint8Array(100_000).fill(3);
  const value = frame.subarray(500, 1_500);
  const record = { key: Uint8Array.of(1), value, version, terms: undefined };
  const entry = new StoredEntry(ZERO_ID, record, 0);
  assertNotStrictEquals(entry.value!.buffer, frame.buffer);
  assertEquals(entry.value, new Uint8Array(1_000).fill(3));
});
