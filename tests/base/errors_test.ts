import { assert, assertEquals, assertThrows } from "@std/assert";
import { assert as require, BugError } from "../../src/base/assert.ts";
import * as errors from "../../src/base/errors.ts";

const { ChordError } = errors;
type Made = new (message: string, applied: "maybe") => errors.ChordError;

const tally = { copies: 1, wanted: 3, asked: 3, timeoutMs: 2000 };
/** Errors that make their messages themselves. */
const SPECIAL: Readonly<Record<string, errors.ChordError>> = {
  AbortError: new errors.AbortError("do it", "maybe", "enough"),
  InsufficientReplicasError: new errors.InsufficientReplicasError(
    "do it",
    tally,
  ),
  LeaseError: new errors.LeaseError("Cannot do it", {
    owner: "0".repeat(32),
    untilMs: 1,
  }),
  UpdateError: new errors.UpdateError(new Map([["a", new Error("why")]]), 2),
};

function example(name: string, made: unknown): errors.ChordError {
  return SPECIAL[name] ?? new (made as Made)("Cannot do it", "maybe");
}

Deno.test("every operational error has its name, a code of its own and applied", () => {
  const classes = Object.entries(errors).filter(([, made]) =>
    made !== ChordError
  );
  const codes = new Set<string>();
  for (const [name, made] of classes) {
    const error = example(name, made);
    assert(error instanceof ChordError && error instanceof Error, name);
    assertEquals(error.name, name);
    assert(error.message.startsWith("Cannot "), error.message);
    assert(["no", "maybe"].includes(error.applied), name);
    codes.add(error.code);
  }
  assertEquals(codes.size, classes.length);
});

Deno.test("a partial update names the keys that failed and counts the rest", () => {
  const why = new errors.TimeoutError("Cannot set it", "maybe");
  const error = new errors.UpdateError(new Map([["a", why]]), 4);
  assertEquals([...error.failed.keys()], ["a"]);
  assertEquals([error.stored, error.applied, error.cause], [4, "maybe", why]);
  assert(error.message.includes("1 of 5 keys"), error.message);
});

Deno.test("errors after which a retry is always safe say so", () => {
  assertEquals(new errors.NoPeerError("Cannot").applied, "no");
  assertEquals(new errors.OverloadedError("Cannot").applied, "no");
  assertEquals(new errors.TimeoutError("Cannot", "maybe").applied, "maybe");
});

Deno.test("too few copies: the error counts, and asks for nothing if nobody was asked", () => {
  const error = new errors.InsufficientReplicasError('set "a"', tally);
  assertEquals(
    error.message,
    'Cannot set "a": 1 of the 3 copies needed were confirmed within 2000 ms ' +
      '(asked 3 nodes); read before retrying, raise "timeoutMs", or check ' +
      "that the nodes are up",
  );
  assertEquals([error.copies, error.wanted, error.applied], [1, 3, "maybe"]);
  const none = new errors.InsufficientReplicasError('set "a"', {
    ...tally,
    asked: 0,
  });
  assertEquals(none.applied, "no");
});

Deno.test("an assertion of the library throws BugError and nothing else", () => {
  require(true, "fine");
  assertThrows(() => require(0, "two at once"), BugError, "two at once");
});
