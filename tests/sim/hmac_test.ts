/** Simulated nodes compute what real ones do. */
import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { systemMacs } from "../../src/system.ts";
import { hmac } from "../../src/testing/hmac.ts";

Deno.test("the simulator's HMAC is that of WebCrypto, for every length of a secret", async () => {
  const secrets = [16, 63, 64, 65, 1024]
    .map((length) => Uint8Array.from({ length }, (_, i) => i * 7 + length));
  const texts = ["", "text", "x".repeat(200)].map(utf8);
  assertEquals(
    await systemMacs(secrets)(texts),
    texts.map((text) => secrets.map((secret) => hmac(secret, text))),
  );
});
