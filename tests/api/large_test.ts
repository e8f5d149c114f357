import { assertEquals } from "@std/assert";
import { TestRing, until } from "./fixture.ts";

Deno.test("the largest values among small ones are copied to a joiner, scanned and watched", async () => {
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  await using ring = await TestRing.of(1, { onError });
  // A page of small ones is nearly full when a large one comes.
  const small = "s".repeat(60_000);
  const large = "l".repeat(1024 * 1024);
  const keys = Array.from({ length: 32 }, (_, i) => `${i}`);
  for (const key of keys) {
    await ring.first.set(`small ${key}`, small);
    if (Number(key) % 2 === 0) await ring.first.set(`large ${key}`, large);
  }
  const joiner = await ring.member({ onError });
  await ring.agreed(2);
  await until("all copies", () => joiner.stats().entries === 48);
  const leaf = await ring.leaf({ onError });
  let scanned = 0;
  for await (const [key, value] of leaf.items()) {
    scanned++;
    assertEquals(value.length, key.startsWith("s") ? 60_000 : 1024 * 1024);
  }
  assertEquals(scanned, 48);
  const watched = new Set<string>();
  for await (const event of leaf.watch({ prefix: "" }, { since: "" })) {
    if (event.type === "set") watched.add(event.key);
    if (watched.size === 48) break;
  }
  assertEquals(errors, []);
});
