import { assert, assertEquals, assertThrows } from "@std/assert";
import * as limits from "../../src/base/limits.ts";
import {
  checkReplicas,
  checkSubnet,
  checkUrl,
  TIMINGS,
} from "../../src/base/options.ts";

Deno.test("checkUrl() takes ws: and wss: urls and gives their one spelling", () => {
  assertEquals(checkUrl("ws://127.0.0.1:4444"), "ws://127.0.0.1:4444/");
  assertEquals(checkUrl("WSS://Example.org/a?b"), "wss://example.org/a?b");
  assertEquals(checkUrl("ws://[::1]:80/"), "ws://[::1]/");
});

for (const url of [4444, null, undefined, {}, "", "no url", "http://a/"]) {
  Deno.test(`checkUrl() refuses ${JSON.stringify(url)} with a TypeError`, () => {
    assertThrows(() => checkUrl(url), TypeError, "Cannot use");
  });
}

Deno.test("checkUrl() refuses a url that is too long with a RangeError", () => {
  const longest = "ws://a/" + "b".repeat(limits.URL_BYTES_MAX - 7);
  assertEquals(checkUrl(longest), longest);
  assertThrows(() => checkUrl(`${longest}b`), RangeError, "2049 bytes");
});

Deno.test("checkReplicas() takes whole numbers from 1 to 16", () => {
  for (const replicas of [1, 3, 16]) {
    assertEquals(checkReplicas(replicas), replicas);
  }
  for (const replicas of [0, 17, -1, 2.5, NaN, Infinity]) {
    assertThrows(() => checkReplicas(replicas), RangeError, "Cannot keep");
  }
  assertThrows(() => checkReplicas("3"), TypeError, "string");
});

Deno.test("checkSubnet() counts bytes of UTF-8, not characters", () => {
  assertEquals(checkSubnet(""), "");
  assertEquals(checkSubnet("ä".repeat(128)), "ä".repeat(128));
  assertThrows(() => checkSubnet("ä".repeat(129)), RangeError, "258 bytes");
  assertThrows(() => checkSubnet(7), TypeError, "number");
});

Deno.test("a member that is silent is probed and given up in that order", () => {
  assert(TIMINGS.heartbeatMs < TIMINGS.silenceMs);
  assert(TIMINGS.suspicionMinMs <= TIMINGS.suspicionMaxMs);
  assert(TIMINGS.redialMinMs < TIMINGS.redialMaxMs);
  // What confirmed a drop cannot have begun to drop itself meanwhile.
  assert(TIMINGS.confirmedMaxMs < TIMINGS.dropAfterMs);
  for (const [name, ms] of Object.entries(TIMINGS)) {
    assert(Number.isInteger(ms) && ms > 0, name);
  }
});

Deno.test("every limit is a positive whole number", () => {
  for (const [name, limit] of Object.entries(limits)) {
    assert(Number.isInteger(limit) && limit > 0, name);
  }
});
