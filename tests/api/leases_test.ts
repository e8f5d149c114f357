import {
  type ChordError,
  KeyNotFoundError,
  LeaseError,
  SubnetMismatchError,
  UpdateError,
} from "@chord/dict";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { TestRing, type TextSocket, until } from "./fixture.ts";

const leasing = { leasing: true };

/** Both share a ring with a third. */
async function pair(
  leaseMs = 60_000,
): Promise<[TestRing, TextSocket, TextSocket]> {
  const ring = await TestRing.of(3, { leasing: true, leaseMs });
  return [ring, ring.nodes[0]!, ring.nodes[1]!];
}

Deno.test("a key belongs to its setter: what others write says whose and until when", async () => {
  const [ring, owner, other] = await pair();
  await using _ = ring;
  const beforeMs = Date.now();
  await owner.set("key", "mine");
  const writes: (() => Promise<unknown>)[] = [
    () => other.set("key", "theirs"),
    () => other.del("key"),
    () => other.pop("key"),
    () => other.pop("key", "fallback"),
    () => other.touch("key", 1000),
  ];
  for (const write of writes) {
    const error = await assertRejects(write, LeaseError);
    assertEquals(error.owner, owner.id);
    assertEquals([error.code, error.applied], ["leased", "no"]);
    const leftMs = error.until - beforeMs;
    assert(leftMs >= 60_000 && leftMs < 90_000, `${leftMs} ms`);
  }
  assertEquals(await other.get("key"), "mine");
  assertEquals(await other.setdefault("key", "theirs"), "mine");
});

Deno.test("each write of the owner renews its lease, and deleting gives it up", async () => {
  const [ring, owner, other] = await pair();
  await using _ = ring;
  const untilOf = async () => {
    const write = () => other.set("key", "theirs");
    return (await assertRejects(write, LeaseError)).until;
  };
  await owner.set("key", "1");
  const first = await untilOf();
  await until("a renewed lease", async () => {
    await owner.set("key", "2");
    return await untilOf() > first;
  });
  await owner.touch("key", 60_000);
  assertEquals(await owner.del("key"), true);
  await other.set("key", "theirs");
  await assertRejects(() => owner.set("key", "3"), LeaseError);
});

Deno.test("a lease that has run out is nobody's", async () => {
  const [ring, owner, other] = await pair(100);
  await using _ = ring;
  await owner.set("key", "mine");
  await until("somebody else's key", async () => {
    try {
      await other.set("key", "theirs");
      return true;
    } catch (error) {
      assertInstanceOf(error, LeaseError);
      return false;
    }
  });
  assertEquals(await owner.get("key"), "theirs");
});

Deno.test("popitem() takes what is the caller's or nobody's, and nothing else", async () => {
  const [ring, owner, other] = await pair();
  await using _ = ring;
  const mine = Array.from({ length: 20 }, (_, i) => `mine ${i}`);
  for (const key of mine) await owner.set(key, "value");
  await assertRejects(
    () => other.popitem(),
    KeyNotFoundError,
    "belongs to other nodes",
  );
  await other.set("theirs", "value");
  assertEquals(await other.popitem(), ["theirs", "value"]);
  const taken = new Set<string>();
  for (const _ of mine) taken.add((await owner.popitem())[0]);
  assertEquals(taken, new Set(mine));
});

Deno.test("update() and clear() name the keys of others, and do the rest", async () => {
  const [ring, owner, other] = await pair();
  await using _ = ring;
  await owner.set("a", "mine");
  const failedOf = async (write: () => Promise<void>) => {
    const error = await assertRejects(write, UpdateError);
    for (const why of error.failed.values()) {
      assertInstanceOf(why, LeaseError);
    }
    return [...error.failed.keys()];
  };
  assertEquals(await failedOf(() => other.update({ a: "1", b: "2" })), ["a"]);
  assertEquals(await other.get("b"), "2");
  assertEquals(await failedOf(() => other.clear()), ["a"]);
  assertEquals(await Array.fromAsync(other.keys()), ["a"]);
});

Deno.test("a network with leases and one without never meet", async () => {
  await using ring = await TestRing.of(1, leasing);
  await using stranger = await TestRing.of(1);
  const connect = () => stranger.first.connect(ring.first.url);
  const error: ChordError = await assertRejects(
    connect,
    SubnetMismatchError,
  );
  assertEquals(error.applied, "no");
});
