/**
 * The few assertions that the conformance cases need.
 *
 * @module
 */

/** How long something may take to become true, in milliseconds. */
const WITHIN_MS = 20_000;
/** How often `until` looks. */
const LOOK_MS = 5;

/** Something is not as a case says. */
export class Failure extends Error {
  override readonly name = "Failure";
}

/** Fails unless `condition` holds. */
export function ok(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Failure(`Not true: ${what}`);
}

/** Fails unless both are the same by value. */
export function equal<T>(actual: T, wanted: T, what = "it"): void {
  if (isEqual(actual, wanted)) return;
  throw new Failure(`${what} is ${show(actual)}, wanted is ${show(wanted)}`);
}

/** What an error of the library tells. */
export interface Told extends Error {
  readonly code: string;
  readonly applied: string;
}

/** Gives the error with which `run` rejects; fails unless its name is `name`. */
export async function rejects(
  run: () => Promise<unknown>,
  name: string,
): Promise<Told> {
  let value: unknown;
  try {
    value = await run();
  } catch (error) {
    ok(error instanceof Error, `${show(error)} is an error`);
    if (error.name === name) return error as Told;
    throw new Failure(`It rejected with a ${error}, wanted is a ${name}`);
  }
  throw new Failure(`It resolved to ${show(value)}, wanted is a ${name}`);
}

/** Resolves once `condition` holds; rejects with what it was waiting for. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs: number = WITHIN_MS,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!await condition()) {
    if (performance.now() > endMs) throw new Failure(`Never true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Everything that an iteration gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  const [left, right] = [partsOf(a), partsOf(b)];
  return left.kind === right.kind && left.parts.length === right.parts.length &&
    left.parts.every(([name, value], i) =>
      name === right.parts[i]![0] && isEqual(value, right.parts[i]![1])
    );
}

/** An object's parts in an order that equal objects share. */
function partsOf(
  object: object,
): { kind: string; parts: [name: unknown, value: unknown][] } {
  const byName = (a: [unknown, unknown], b: [unknown, unknown]) =>
    String(a[0]) < String(b[0]) ? -1 : 1;
  if (object instanceof Map) {
    return { kind: "Map", parts: [...object].sort(byName) };
  }
  if (object instanceof Set) {
    const parts = [...object].map((item): [unknown, unknown] => [item, 0]);
    return { kind: "Set", parts: parts.sort(byName) };
  }
  const kind = object instanceof Uint8Array
    ? "Uint8Array"
    : Array.isArray(object)
    ? "Array"
    : "Object";
  return { kind, parts: Object.entries(object).sort(byName) };
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 100));
  if (value instanceof Uint8Array) {
    return `Uint8Array(${value.length}) [${value.slice(0, 16)}]`;
  }
  if (value instanceof Map || value instanceof Set) return show([...value]);
  if (Array.isArray(value)) {
    const shown = value.slice(0, 20).map(show).join(", ");
    return `[${shown}${value.length > 20 ? `, … (${value.length})` : ""}]`;
  }
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== "object" || value === null) return String(value);
  return JSON.stringify(value)?.slice(0, 200) ?? String(value);
}
