import { assert, assertEquals } from "@std/assert";
import { idAt, placeAfter, placeOf } from "../../src/ring/place.ts";

const id = "0123456789abcdef".repeat(2);

Deno.test("placeOf() puts members in the order of position, then id", () => {
  const place = placeOf({ position: "a".repeat(32), id });
  assertEquals(idAt(place), id);
  assert(place < placeOf({ position: "b".repeat(32), id: "0".repeat(32) }));
  assert(place < placeOf({ position: "a".repeat(32), id: "1".repeat(32) }));
});

Deno.test("placeAfter() carries, and goes round at the end", () => {
  assertEquals(placeAfter("00a9"), "00aa");
  assertEquals(placeAfter("009f"), "00a0");
  assertEquals(placeAfter("0fff"), "1000");
  assertEquals(placeAfter("ffff"), "0000");
});
