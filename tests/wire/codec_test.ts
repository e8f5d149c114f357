import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import { ProtocolError } from "../../src/base/errors.ts";
import { MESSAGE_BYTES_MAX } from "../../src/base/limits.ts";
import { SeededRandom } from "../../src/base/random.ts";
import {
  decode,
  decodeField,
  encode,
  encodeField,
  laneOf,
} from "../../src/wire/codec.ts";
import {
  declarations,
  type DictEvents,
  dictEvents,
  Lane,
  letter,
  type Message,
  PROTOCOL_VERSION,
} from "../../src/wire/messages.ts";
import {
  largest,
  messageOf,
  messageTypes,
  small,
  valueOf,
} from "./generator.ts";
import { messageFromJson, type Vector } from "./json.ts";

const file = new URL("../vectors/messages.json", import.meta.url);
const stored: { version: number; vectors: Vector[] } = JSON.parse(
  await Deno.readTextFile(file),
);

for (const type of messageTypes) {
  Deno.test(`"${type}" comes back as it was, whatever its fields hold`, () => {
    const random = new SeededRandom(1, type);
    for (let i = 0; i < 200; i++) {
      const message = messageOf(type, random);
      const bytes = encode(message);
      assertEquals(decode(bytes), message);
    }
  });

  Deno.test(`"${type}" keeps its bytes for ever`, () => {
    const vectors = stored.vectors.filter(({ message }) =>
      message.type === type
    );
    assert(vectors.length > 0, "no vector: run tests/vectors/make.ts");
    for (const { message, hex } of vectors) {
      assertEquals(decode(decodeHex(hex)), messageFromJson(message));
      assertEquals(encodeHex(encode(messageFromJson(message))), hex);
    }
  });

  Deno.test(`"${type}" is refused when it is cut off or has bytes left over`, () => {
    const random = new SeededRandom(2, type);
    for (let i = 0; i < 20; i++) {
      const bytes = encode(messageOf(type, random));
      const stride = Math.ceil(bytes.length / 200);
      for (let length = 0; length < bytes.length; length += stride) {
        const cut = bytes.subarray(0, length);
        assertThrows(() => decode(cut), ProtocolError);
      }
      const longer = Uint8Array.of(...bytes, 0);
      assertThrows(() => decode(longer), ProtocolError, "left over");
    }
  });

  Deno.test(`"${type}" comes back with lists that are as long as they may be`, () => {
    const random = new SeededRandom(3, type);
    const message = messageOf(type, random, largest);
    assertEquals(decode(encode(message)), message);
  });
}

Deno.test("bytes on the wire are what the format document says", () => {
  // Written by hand from the document: kind, then the fields, big-endian.
  assertEquals(encodeHex(encode({ type: "retire" })), "03");
  assertEquals(
    encodeHex(encode({ type: "ping", request: 0x0a0b0c0d })),
    "090a0b0c0d",
  );
  assertEquals(
    encodeHex(encode({ type: "bye", code: 4001, reason: "é" })),
    "020fa102c3a9",
  );
  assertEquals(
    encodeHex(encode({
      type: "put",
      request: 1,
      view: 2,
      entry: {
        key: Uint8Array.of(0x6b),
        value: undefined,
        version: { ms: 0x0102_0304_0506, count: 7, node: "00000000000000ff" },
        terms: undefined,
      },
      operation: undefined,
    })),
    "20000000010000000201" + "6b" + "00" + "010203040506" + "0007" +
      "00000000000000ff" + "00" + "00",
  );
});

Deno.test("the vectors are of the version that is spoken", () => {
  assertEquals(stored.version, PROTOCOL_VERSION);
});

Deno.test("no vector is of a message that is not declared", () => {
  const types = new Set<string>(messageTypes);
  for (const { message } of stored.vectors) assert(types.has(message.type));
});

Deno.test("every message has a kind and a name of its own", () => {
  const kinds = new Set(declarations.map(({ kind }) => kind));
  const types = new Set(declarations.map(({ type }) => type));
  assertEquals(kinds.size, declarations.length);
  assertEquals(types.size, declarations.length);
  for (const kind of kinds) assert(kind > 0 && kind < 256);
});

Deno.test("life signs and acknowledgements travel in the first lane", () => {
  for (const type of ["heartbeat", "ping", "pong", "putAnswer"] as const) {
    assertEquals(laneOf(type), Lane.control);
  }
  for (const type of ["pulled", "push", "digest"] as const) {
    assertEquals(laneOf(type), Lane.bulk);
  }
});

Deno.test("an unknown kind is refused by its number", () => {
  for (const kind of [0, 200, 255]) {
    const error = assertThrows(
      () => decode(Uint8Array.of(kind)),
      ProtocolError,
    );
    assert(error.message.includes(`kind ${kind}`), error.message);
  }
});

Deno.test("the largest entry fits a message", () => {
  const message = {
    type: "put",
    request: 0,
    view: 0,
    entry: {
      key: new Uint8Array(1024).fill(1),
      value: new Uint8Array(1024 * 1024).fill(2),
      version: { ms: 1, count: 0, node: "0".repeat(16) },
      terms: { owner: "0".repeat(32), leaseMs: 1, ttlMs: 2, session: true },
    },
    operation: { origin: "0".repeat(32), number: 1 },
  } as const;
  const bytes = encode(message);
  assert(bytes.length <= MESSAGE_BYTES_MAX);
  assertEquals(decode(bytes), message);
});

Deno.test("an array that was encoded is not touched by the next one", () => {
  const first = encode({ type: "ping", request: 1 });
  encode({ type: "ping", request: 2 });
  assertEquals(encodeHex(first), "0900000001");
});

Deno.test("what travels inside a message comes back too", () => {
  const random = new SeededRandom(4);
  for (const field of [letter, dictEvents]) {
    for (let i = 0; i < 100; i++) {
      // deno-lint-ignore no-explicit-any -- made for this very field
      const value = valueOf(field.shape, random, small) as any;
      const bytes = encodeField<unknown>(field as never, value);
      assertEquals(decodeField<unknown>(field as never, bytes), value);
      const longer = Uint8Array.of(...bytes, 0);
      assertThrows(() => decodeField(field as never, longer), ProtocolError);
    }
  }
});

Deno.test("a message that breaks off while it is written spoils none after it", () => {
  const broken = { type: "put", request: 1, view: 2 } as unknown as Message;
  assertThrows(() => encode(broken), TypeError);
  assertEquals(encodeHex(encode({ type: "ping", request: 3 })), "0900000003");
  assertThrows(() => encodeField(dictEvents, [{}] as unknown as DictEvents));
  assertEquals(encodeField(dictEvents, []), Uint8Array.of(0));
});
