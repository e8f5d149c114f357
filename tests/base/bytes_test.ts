import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { encodeHex } from "@std/encoding";
import {
  concatBytes,
  equalBytes,
  fromUtf8,
  toHex,
  utf8,
} from "../../src/base/bytes.ts";

Deno.test("toHex() agrees with @std/encoding for every byte", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assertEquals(toHex(all), encodeHex(all));
  assertEquals(toHex(all, 250), "fafbfcfdfeff");
  assertEquals(toHex(all, 16, 3), "101112");
  assertEquals(toHex(new Uint8Array()), "");
});

Deno.test("equalBytes() compares lengths and every byte", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert(equalBytes(bytes, bytes.slice()));
  assert(equalBytes(new Uint8Array(), new Uint8Array()));
  assert(!equalBytes(bytes, Uint8Array.of(1, 2)));
  for (let i = 0; i < bytes.length; i++) {
    const other = bytes.slice();
    other[i]! ^= 128;
    assert(!equalBytes(bytes, other), `byte ${i} was not compared`);
  }
});

Deno.test("concatBytes() keeps the order and copies", () => {
  const part = Uint8Array.of(2, 3);
  const whole = concatBytes([Uint8Array.of(1), new Uint8Array(), part]);
  assertEquals(whole, Uint8Array.of(1, 2, 3));
  part.fill(9);
  assertEquals(whole, Uint8Array.of(1, 2, 3));
  assertEquals(concatBytes([]), new Uint8Array());
});

Deno.test("text survives UTF-8 and back, a byte order mark too", () => {
  for (const text of ["", "a", "ä", "漢字", "🦕", "\ufeffmark", "a\0b"]) {
    assertEquals(fromUtf8(utf8(text)), text);
  }
});

Deno.test("fromUtf8() refuses bytes that are not UTF-8", () => {
  for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80]]) {
    assertThrows(() => fromUtf8(Uint8Array.from(bytes)), TypeError);
  }
});

Deno.test("utf8() replaces a lone surrogate instead of throwing", () => {
  assertEquals(utf8("\ud800"), Uint8Array.of(0xef, 0xbf, 0xbd));
  assertNotEquals(fromUtf8(utf8("\ud800")), "\ud800");
});
