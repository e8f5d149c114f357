import { assert, assertEquals, assertThrows } from "@std/assert";
import { assert as require, BugError } from "../../src/base/assert.ts";
import * as errors from "../../src/base/errors.ts";

const { ChordError, InsufficientReplicasError } = errors;
type Made = new (message: string, applied: "maybe") => errors.ChordError;

Deno.test("every operational error has its name, a code of its own and applied", () => {
  const codes = new Set<string>();
  for (const [name, made] of Object.entries(errors)) {
    if (made === ChordError || made === InsufficientReplicasError) continue;
    const error = new (made as unknown as Made)("Cannot do it", "maybe");
    assert(error instanceof ChordError && error instanceof Error, name);
    assertEquals(error.name, name);
    assertEquals(error.message, "Cannot do it");
    assert(["no", "maybe"].includes(error.applied), name);
    codes.add(error.code);
  }
  assertEquals(codes.size, Object.keys(errors).length - 2);
});

Deno.test("errors after which a retry is always safe say so", () => {
  assertEquals(new errors.NoPeerError("Cannot").applied, "no");
  assertEquals(new errors.OverloadedError("Cannot").applied, "no");
  assertEquals(new errors.TimeoutError("Cannot", "maybe").applied, "maybe");
});

Deno.test("too few copies: the error counts, and asks for nothing if nobody was asked", () => {
  const tally = { copies: 1, wanted: 3, asked: 3, timeoutMs: 2000 };
  const error = new InsufficientReplicasError('set "a"', tally);
  assertEquals(
    error.message,
    'Cannot set "a": 1 of the 3 copies needed were confirmed within 2000 ms ' +
      '(asked 3 nodes); read before retrying, raise "timeoutMs", or check ' +
      "that the nodes are up",
  );
  assertEquals([error.copies, error.wanted, error.applied], [1, 3, "maybe"]);
  const none = new InsufficientReplicasError('set "a"', { ...tally, asked: 0 });
  assertEquals(none.applied, "no");
});

Deno.test("an assertion of the library throws BugError and nothing else", () => {
  require(true, "fine");
  assertThrows(() => require(0, "two at once"), BugError, "two at once");
});
