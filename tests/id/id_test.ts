import { assert, assertEquals, assertMatch } from "@std/assert";
import { crypto } from "@std/crypto";
import { decodeHex, encodeHex } from "@std/encoding";
import { utf8 } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/random.ts";
import {
  ID_BYTES,
  idFromBigInt,
  idFromBytes,
  idToBigInt,
  idToBytes,
  keyId,
  MAX_ID,
  randomId,
  writeId,
  ZERO_ID,
} from "../../src/id/id.ts";

Deno.test("an id is 32 lower-case hexadecimal characters", () => {
  const random = new SeededRandom(1);
  for (let i = 0; i < 100; i++) assertMatch(randomId(random), /^[0-9a-f]{32}$/);
});

Deno.test("an id survives bytes and numbers and back", () => {
  const random = new SeededRandom(2);
  const ids = [ZERO_ID, MAX_ID, "0123456789abcdef".repeat(2)];
  for (let i = 0; i < 100; i++) ids.push(randomId(random));
  for (const id of ids) {
    assertEquals(idToBytes(id), decodeHex(id));
    assertEquals(idFromBytes(idToBytes(id)), id);
    assertEquals(idFromBigInt(idToBigInt(id)), id);
  }
});

Deno.test("an id is written and read at an offset, and nothing beside it", () => {
  const bytes = new Uint8Array(ID_BYTES + 4).fill(7);
  writeId(MAX_ID, bytes, 2);
  assertEquals(idFromBytes(bytes, 2), MAX_ID);
  assertEquals([bytes[1], bytes[2 + ID_BYTES]], [7, 7]);
});

Deno.test("idFromBigInt() wraps around the ring", () => {
  assertEquals(idFromBigInt(1n << 128n), ZERO_ID);
  assertEquals(idFromBigInt(-1n), MAX_ID);
});

Deno.test("the order of ids as texts is their order as numbers", () => {
  const random = new SeededRandom(3);
  for (let i = 0; i < 1000; i++) {
    const [a, b] = [randomId(random), randomId(random)];
    assertEquals(a < b, idToBigInt(a) < idToBigInt(b));
  }
});

Deno.test("keyId() is the first half of the key's SHA-256", () => {
  for (const key of ["a", "visits", "ä".repeat(300)]) {
    const digest = crypto.subtle.digestSync("SHA-256", utf8(key));
    const half = new Uint8Array(digest).subarray(0, ID_BYTES);
    assertEquals(keyId(utf8(key)), encodeHex(half));
  }
});

Deno.test("random ids do not repeat", () => {
  const random = new SeededRandom(4);
  const ids = new Set(Array.from({ length: 1000 }, () => randomId(random)));
  assert(ids.size === 1000);
});
