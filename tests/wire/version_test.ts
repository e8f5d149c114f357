import { assert, assertEquals, assertThrows } from "@std/assert";
import { crypto } from "@std/crypto";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { ProtocolError, VersionError } from "../../src/base/errors.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { codeOf, subnetHash, versionProblem } from "../../src/mesh/link.ts";
import { CloseCode } from "../../src/mesh/close_codes.ts";
import { encode } from "../../src/wire/codec.ts";
import {
  MAGIC,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_OLDEST,
} from "../../src/wire/messages.ts";
import { messageOf } from "./generator.ts";

/** A hello as another version might send it: three fields, then anything. */
function helloOf(version: number, oldest: number, magic = MAGIC) {
  const head = new Uint8Array(7);
  const view = new DataView(head.buffer);
  view.setUint8(0, 1);
  view.setUint32(1, magic);
  view.setUint8(5, version);
  view.setUint8(6, oldest);
  return concatBytes([head, Uint8Array.of(9, 9, 9)]);
}

Deno.test("a hello that only newer versions can read is refused as such", () => {
  const error = versionProblem(helloOf(9, 8));
  assert(error instanceof VersionError);
  assertEquals(
    error.message,
    "Cannot link to a node that speaks versions 8 to 9: this one speaks 2 to " +
      "2; update the older of the two",
  );
  assertEquals(codeOf(error), CloseCode.version);
});

Deno.test("a hello of a version that is too old is refused as such", () => {
  const error = versionProblem(helloOf(PROTOCOL_VERSION_OLDEST - 1, 0));
  assert(error instanceof VersionError);
});

Deno.test("a newer node that still speaks this version is no problem", () => {
  const oldest = PROTOCOL_VERSION_OLDEST;
  assertEquals(
    versionProblem(helloOf(PROTOCOL_VERSION + 1, oldest)),
    undefined,
  );
  assertEquals(versionProblem(helloOf(255, PROTOCOL_VERSION)), undefined);
});

Deno.test("the version is read from where every version has it", () => {
  const hello = encode(
    {
      ...messageOf("hello", new SeededRandom(1)),
      type: "hello",
      magic: MAGIC,
      version: 200,
      oldest: 100,
    } as Parameters<typeof encode>[0],
  );
  assert(versionProblem(hello)?.message.includes("versions 100 to 200"));
});

Deno.test("what is no hello of this protocol is refused before its version", () => {
  assertThrows(
    () => versionProblem(helloOf(9, 8, 0x4745_5420)),
    ProtocolError,
    "magic",
  );
  assertThrows(() => versionProblem(Uint8Array.of(1, 0x43)), ProtocolError);
});

Deno.test("subnets whose parts join to the same text do not meet", () => {
  const hash = (subnet: string) => subnetHash(subnet, "").toHex();
  const hashes = ["", "a", "ab", "a\0b", "ä", "chord-dict"].map(hash);
  assertEquals(new Set(hashes).size, hashes.length);
  // "chord-dict", the name and the dialect, each behind its length.
  const parts = concatBytes([
    Uint8Array.of(10),
    utf8("chord-dict"),
    Uint8Array.of(8),
    utf8("tutorial"),
    Uint8Array.of(7),
    utf8("leasing"),
  ]);
  const digest = new Uint8Array(crypto.subtle.digestSync("SHA-256", parts));
  assertEquals(subnetHash("tutorial", "leasing"), digest);
});
