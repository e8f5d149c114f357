import { assertEquals, assertThrows } from "@std/assert";
import { concatBytes } from "../../src/base/bytes.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import { below, SeededRandom } from "../../src/base/random.ts";
import { randomId } from "../../src/id/id.ts";
import { bytes, choice, flag, list, u8 } from "../../src/wire/field.ts";
import { Reader } from "../../src/wire/reader.ts";
import { Writer } from "../../src/wire/writer.ts";

const MAX = 2 ** 28 - 1;

function readerOf(...values: number[]): Reader {
  return new Reader(Uint8Array.from(values));
}

function written(write: (writer: Writer) => void): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  write(writer);
  return writer.take();
}

Deno.test("integers come back at both ends of their ranges, big-endian", () => {
  const bytes = written((writer) => {
    writer.u8(255);
    writer.u16(0x0102);
    writer.u32(0xffff_fffe);
    writer.u48(0x0102_0304_0506);
    writer.u48(2 ** 48 - 1);
  });
  assertEquals(
    bytes,
    Uint8Array.of(
      255,
      ...[1, 2],
      ...[255, 255, 255, 254],
      ...[1, 2, 3, 4, 5, 6],
      ...[255, 255, 255, 255, 255, 255],
    ),
  );
  const reader = new Reader(bytes);
  assertEquals(reader.u8(), 255);
  assertEquals(reader.u16(), 0x0102);
  assertEquals(reader.u32(), 0xffff_fffe);
  assertEquals(reader.u48(), 0x0102_0304_0506);
  assertEquals(reader.u48(), 2 ** 48 - 1);
  assertEquals(reader.left, 0);
});

Deno.test("sizes come back, in the fewest bytes", () => {
  const lengths = [[0, 1], [127, 1], [128, 2], [16_383, 2], [16_384, 3]];
  for (const [size, length] of [...lengths, [2_097_152, 4], [MAX, 4]]) {
    const bytes = written((writer) => writer.size(size!));
    assertEquals(bytes.length, length);
    assertEquals(new Reader(bytes).size(MAX, "a size"), size);
  }
});

Deno.test("a size that is longer than it must be is refused", () => {
  for (const bytes of [[0x80, 0], [0xff, 0], [0x81, 0x80, 0]]) {
    assertThrows(
      () => readerOf(...bytes).size(MAX, "a size"),
      ProtocolError,
      "malformed",
    );
  }
});

Deno.test("a size without an end is refused after four bytes", () => {
  const endless = readerOf(255, 255, 255, 255, 255, 255, 255, 255);
  assertThrows(() => endless.size(MAX, "a size"), ProtocolError, "malformed");
  assertEquals(endless.left, 4);
});

Deno.test("a size above its maximum is refused before anything is read", () => {
  const reader = readerOf(11, ...new Array<number>(11).fill(0));
  const error = assertThrows(() => reader.bytes(10, "a key"), ProtocolError);
  assertEquals(
    error.message,
    "Cannot read a key: its size is 11, at most 10 is allowed",
  );
});

Deno.test("every read past the end is refused", () => {
  const reads: readonly ((reader: Reader) => unknown)[] = [
    (reader) => reader.u8(),
    (reader) => reader.u16(),
    (reader) => reader.u32(),
    (reader) => reader.u48(),
    (reader) => reader.id(),
    (reader) => reader.size(9, "a size"),
    (reader) => reader.bytes(9, "bytes"),
    (reader) => reader.text(9, "text"),
    (reader) => reader.raw(1),
  ];
  for (const read of reads) {
    assertThrows(() => read(readerOf()), ProtocolError);
  }
  assertThrows(() => readerOf(5, 1, 2).bytes(9, "bytes"), ProtocolError);
  assertThrows(() => readerOf(1, 2, 3).u32(), ProtocolError);
});

Deno.test("a reader of a view reads nothing beyond the view", () => {
  const whole = Uint8Array.of(9, 9, 1, 2, 9, 9);
  const reader = new Reader(whole.subarray(2, 4));
  assertEquals(reader.u16(), 0x0102);
  assertThrows(() => reader.u8(), ProtocolError);
});

Deno.test("text that is not UTF-8 is refused", () => {
  assertThrows(
    () => readerOf(2, 0xc3, 0x28).text(9, "a url"),
    ProtocolError,
    "Cannot read a url: it is not UTF-8",
  );
});

Deno.test("choices, flags and lengths outside their bounds are refused", () => {
  assertThrows(() => choice(3).read(readerOf(4)), ProtocolError, "at most 3");
  assertThrows(() => flag.read(readerOf(2)), ProtocolError);
  const key = bytes(4, "a key", 1);
  assertThrows(() => key.read(readerOf(0)), ProtocolError, "at least 1");
  assertThrows(() => list(u8, 2, "items").read(readerOf(3, 1, 1, 1)));
});

Deno.test("a list that claims more than is there takes no memory for it", () => {
  const items = list(u8, MAX, "items");
  const claim = written((writer) => writer.size(MAX));
  assertThrows(() => items.read(new Reader(claim)), ProtocolError, "cut off");
});

Deno.test("a writer grows, starts anew after take(), and gives arrays of their own", () => {
  const writer = new Writer();
  const random = new SeededRandom(1);
  for (let i = 0; i < 50; i++) {
    const length = below(random, 200_000);
    const id = randomId(random);
    writer.id(id);
    writer.bytes(new Uint8Array(length).fill(i));
    const taken = writer.take();
    writer.u8(255);
    assertEquals(writer.take(), Uint8Array.of(255));
    const reader = new Reader(taken);
    assertEquals(reader.id(), id);
    assertEquals(reader.bytes(MAX, "bytes"), new Uint8Array(length).fill(i));
    assertEquals(reader.left, 0);
  }
});

Deno.test("a writer hands on large fields as they are, between what it wrote", () => {
  const writer = new Writer();
  const large = new Uint8Array(100_000).fill(7);
  writer.u8(1);
  writer.bytes(large);
  writer.raw(large);
  writer.u8(2);
  const parts = writer.takeParts();
  assertEquals(parts.filter((part) => part === large).length, 2);
  writer.u8(1);
  writer.raw(large);
  writer.clear(); // Of a message that broke off nothing is left.
  writer.u8(1);
  writer.bytes(large);
  writer.raw(large);
  writer.u8(2);
  assertEquals(writer.take(), concatBytes(parts));
});
