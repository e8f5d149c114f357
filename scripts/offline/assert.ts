/**
 * Stands in for `@std/assert` where JSR cannot be reached: the same names and
 * arguments, over `node:assert/strict`. Tests import `@std/assert` either way.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { deepStrictEqual } from "node:assert/strict";

/** What every assertion of this module throws. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Any class, abstract ones included: what `instanceof` takes. */
// deno-lint-ignore no-explicit-any -- a class may take any arguments
export type AnyConstructor = abstract new (...args: any[]) => any;

// deno-lint-ignore no-explicit-any -- as above
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

const show = (value: unknown): string =>
  Deno.inspect(value, { depth: 6, sorted: true, iterableLimit: 200 });

/** Throws `AssertionError` with what was expected, then the caller's own words. */
export function fail(message?: string): never {
  throw new AssertionError(message ?? "Failed assertion.");
}

function check(condition: boolean, what: string, message?: string): void {
  if (!condition) fail(message === undefined ? what : `${what}: ${message}`);
}

export function assert(expr: unknown, message = ""): asserts expr {
  if (!expr) throw new AssertionError(message);
}

export function assertFalse(expr: unknown, message = ""): void {
  if (expr) throw new AssertionError(message);
}

/** Deep equality, by kind and value. */
export function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}

export function assertEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  if (equal(actual, expected)) return;
  try {
    deepStrictEqual(actual, expected); // For its list of differences.
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    fail(message === undefined ? words : `${message}\n${words}`);
  }
  fail(message);
}

export function assertNotEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  check(
    !equal(actual, expected),
    `Expected actual: ${show(actual)} not to be: ${show(expected)}`,
    message,
  );
}

export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T {
  check(
    Object.is(actual, expected),
    `Values are not strictly equal: ${show(actual)} and ${show(expected)}`,
    message,
  );
}

export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  check(
    !Object.is(actual, expected),
    `Expected "actual" not to be strictly equal to: ${show(expected)}`,
    message,
  );
}

export function assertExists<T>(
  actual: T,
  message?: string,
): asserts actual is NonNullable<T> {
  check(
    actual !== undefined && actual !== null,
    `Expected actual: ${show(actual)} not to be null or undefined`,
    message,
  );
}

export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  message?: string,
): asserts actual is InstanceType<T> {
  check(
    actual instanceof expectedType,
    `Expected ${show(actual)} to be an instance of ${expectedType.name}`,
    message,
  );
}

export function assertNotInstanceOf<A, T>(
  actual: A,
  // deno-lint-ignore no-explicit-any -- as above
  unexpectedType: abstract new (...args: any[]) => T,
  message?: string,
): asserts actual is Exclude<A, T> {
  check(
    !(actual instanceof unexpectedType),
    `Expected ${show(actual)} not to be an instance of ${unexpectedType.name}`,
    message,
  );
}

export function assertMatch(
  actual: string,
  expected: RegExp,
  message?: string,
): void {
  check(
    expected.test(actual),
    `Expected "${actual}" to match ${expected}`,
    message,
  );
}

export function assertNotMatch(
  actual: string,
  expected: RegExp,
  message?: string,
): void {
  check(
    !expected.test(actual),
    `Expected "${actual}" not to match ${expected}`,
    message,
  );
}

export function assertStringIncludes(
  actual: string,
  expected: string,
  message?: string,
): void {
  check(
    actual.includes(expected),
    `Expected "${actual}" to contain "${expected}"`,
    message,
  );
}

export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
): void {
  const all = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) =>
    !all.some((item) => equal(item, wanted))
  );
  check(
    missing.length === 0,
    `Expected ${show(actual)} to include ${show(missing)}`,
    message,
  );
}

export function assertGreater<T>(actual: T, least: T, message?: string): void {
  check(actual > least, `Expect ${show(actual)} > ${show(least)}`, message);
}

export function assertGreaterOrEqual<T>(
  actual: T,
  least: T,
  message?: string,
): void {
  check(actual >= least, `Expect ${show(actual)} >= ${show(least)}`, message);
}

export function assertLess<T>(actual: T, most: T, message?: string): void {
  check(actual < most, `Expect ${show(actual)} < ${show(most)}`, message);
}

export function assertLessOrEqual<T>(
  actual: T,
  most: T,
  message?: string,
): void {
  check(actual <= most, `Expect ${show(actual)} <= ${show(most)}`, message);
}

export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ??
    (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  check(
    Math.abs(expected - actual) <= allowed,
    `Expected actual: ${actual} to be close to ${expected} (within ${allowed})`,
    message,
  );
}

export function assertIsError<E extends Error = Error>(
  error: unknown,
  errorClass?: ErrorClass<E>,
  messageMatches?: string | RegExp,
  message?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    fail(`Expected "error" to be an Error, it is ${show(error)}`);
  }
  check(
    errorClass === undefined || error instanceof errorClass,
    `Expected error to be instance of "${errorClass?.name}", but was ` +
      `"${error.constructor.name}" (${error.message})`,
    message,
  );
  const fits = messageMatches === undefined ||
    (typeof messageMatches === "string"
      ? error.message.includes(messageMatches)
      : messageMatches.test(error.message));
  check(
    fits,
    `Expected error message to include "${messageMatches}", but got ` +
      `"${error.message}"`,
    message,
  );
}

function checkThrown<E extends Error>(
  error: unknown,
  expected: ErrorClass<E> | string | undefined,
  messageIncludes: string | undefined,
  message: string | undefined,
): unknown {
  if (typeof expected === "function") {
    assertIsError(error, expected, messageIncludes, message);
  }
  return error;
}

export function assertThrows(fn: () => unknown, message?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): E;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  expected?: ErrorClass<E> | string,
  messageIncludes?: string,
  message?: string,
): unknown {
  let value: unknown;
  try {
    value = fn();
  } catch (error) {
    return checkThrown(error, expected, messageIncludes, message);
  }
  fail(`Expected function to throw, it gave ${show(value)}`);
}

export function assertRejects(
  fn: () => PromiseLike<unknown>,
  message?: string,
): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E>;
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  expected?: ErrorClass<E> | string,
  messageIncludes?: string,
  message?: string,
): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    fail(`Function throws when expected to reject: ${show(error)}`);
  }
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return checkThrown(error, expected, messageIncludes, message);
  }
  fail(`Expected function to reject, it gave ${show(value)}`);
}

export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  message?: string,
): void {
  assertEquals<unknown>(shapedAs(actual, expected), expected, message);
}

/** Of `actual` only what `expected` names, all the way down. */
function shapedAs(actual: unknown, expected: unknown): unknown {
  if (!isPlain(actual) || !isPlain(expected)) return actual;
  const picked: Record<PropertyKey, unknown> = {};
  for (const key of Reflect.ownKeys(expected)) {
    if (key in actual) picked[key] = shapedAs(actual[key], expected[key]);
  }
  return picked;
}

function isPlain(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !ArrayBuffer.isView(value);
}

export function unreachable(reason?: string): never {
  fail(`Unreachable${reason === undefined ? "" : `: ${reason}`}`);
}

export function unimplemented(message?: string): never {
  fail(`Unimplemented${message === undefined ? "" : `: ${message}`}`);
}
