import { assertEquals } from "@std/assert";
import { crypto } from "@std/crypto";
import { encodeHex } from "@std/encoding";
import { utf8 } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { sha256 } from "../../src/base/sha256.ts";

/** FIPS 180-4 examples and the short-message tests of the NIST CAVP suite. */
const NIST: readonly (readonly [string, string])[] = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
  [
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn" +
    "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
  ],
  [
    "a".repeat(1_000_000),
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
  ],
];

function randomBytes(random: SeededRandom, length: number) {
  return Uint8Array.from({ length }, () => random.uint32() & 255);
}

for (const [text, digest] of NIST) {
  const shown = text.length > 20 ? `${text.slice(0, 20)}…` : text;
  Deno.test(`sha256() gives NIST's digest of "${shown}"`, () => {
    assertEquals(encodeHex(sha256(utf8(text))), digest);
  });
}

Deno.test("sha256() agrees with WebCrypto at every length from 0 to 200", async () => {
  const random = new SeededRandom(1);
  for (let length = 0; length <= 200; length++) {
    const bytes = randomBytes(random, length);
    const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes);
    assertEquals(sha256(bytes), new Uint8Array(digest), `length ${length}`);
  }
});

Deno.test("sha256() agrees with @std/crypto at every length from 0 to 200", () => {
  const random = new SeededRandom(2);
  for (let length = 0; length <= 200; length++) {
    const bytes = randomBytes(random, length);
    const digest = crypto.subtle.digestSync("SHA-256", bytes);
    assertEquals(sha256(bytes), new Uint8Array(digest), `length ${length}`);
  }
});

Deno.test("sha256() reads a view and leaves its input alone", () => {
  const whole = randomBytes(new SeededRandom(3), 300);
  const before = whole.slice();
  const view = whole.subarray(37, 237);
  assertEquals(sha256(view), sha256(view.slice()));
  assertEquals(whole, before);
});

Deno.test("sha256() gives a new array each time", () => {
  const first = sha256(utf8("a"));
  const kept = first.slice();
  sha256(utf8("b"));
  assertEquals(first, kept);
});
