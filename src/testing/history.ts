/**
 * Who asked for what when, and what came of it.
 *
 * @module
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Bytes } from "../base/bytes.ts";
import { type Id, keyId } from "../id/id.ts";
import type { Version } from "../wire/messages.ts";

/** What clients ask for. */
export type WorkType =
  | "get"
  | "set"
  | "delete"
  | "pop"
  | "setDefault"
  | "touch"
  | "size"
  | "scan";

/** How an operation ended; `maybe`: it may have taken effect, or may yet. */
export type Ending = "open" | "ok" | "no" | "maybe";

/** One operation of one client. */
export interface Operation {
  readonly type: WorkType;
  readonly client: number;
  readonly node: string;
  /** Empty for operations on the whole dict. */
  readonly key: string;
  /** What it would write. */
  readonly value: string | undefined;
  /** How long what it writes lives; `undefined`: for ever. */
  readonly ttlMs: number | undefined;
  readonly startMs: number;
  endMs: number;
  ending: Ending;
  /** What a read found, or a pop took out; `undefined`: nothing. */
  found: string | undefined;
  /** Whether a delete or a pop took something away, or a touch found it. */
  didChange: boolean;
}

/** A key of the workload, with its place on the ring. */
export interface Key {
  readonly text: string;
  readonly bytes: Bytes;
  readonly id: Id;
}

/** Prepares a key once: its hash is asked for all the time. */
export function keyOf(text: string): Key {
  const bytes = utf8(text);
  return { text, bytes, id: keyId(bytes) };
}

/** The part of a value that makes it unique; the rest is padding. */
export function valueText(value: Bytes): string {
  const text = fromUtf8(value);
  const end = text.indexOf("#");
  return end < 0 ? text : text.slice(0, end);
}

/** A unique value of `size` bytes, or a little more. */
export function valueBytes(text: string, size: number): Bytes {
  return utf8(`${text}#`.padEnd(size, "."));
}

/** All operations, and which values were ever written to which key. */
export class History {
  readonly operations: Operation[] = [];
  readonly #written = new Map<string, Set<string>>();

  begin(
    operation: Omit<Operation, "endMs" | "ending" | "found" | "didChange">,
  ): Operation {
    const begun: Operation = {
      ...operation,
      endMs: Infinity,
      ending: "open",
      found: undefined,
      didChange: false,
    };
    this.operations.push(begun);
    if (operation.value !== undefined) {
      const values = this.#written.get(operation.key) ?? new Set();
      values.add(operation.value);
      this.#written.set(operation.key, values);
    }
    return begun;
  }

  end(operation: Operation, nowMs: number, ending: Ending): void {
    operation.endMs = nowMs;
    operation.ending = ending;
  }

  /** Whether somebody has asked to write this value to this key before now. */
  wasWritten(key: string, value: string): boolean {
    return this.#written.get(key)?.has(value) ?? false;
  }

  /** How many operations there were, by type and ending. */
  summary(): string {
    const counts = new Map<string, number>();
    for (const { type, ending } of this.operations) {
      const name = `${type} ${ending}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts].sort().map(([name, count]) => `${name} ${count}`)
      .join(", ");
  }
}

/** The operations on single keys. */
export function groupByKey(
  operations: readonly Operation[],
): Map<string, Operation[]> {
  const byKey = new Map<string, Operation[]>();
  for (const operation of operations) {
    if (operation.key === "") continue;
    const same = byKey.get(operation.key);
    if (same === undefined) byKey.set(operation.key, [operation]);
    else same.push(operation);
  }
  return byKey;
}

/** Orders versions as the protocol says: time, count, writer. */
export function compareVersions(a: Version, b: Version): number {
  if (a.ms !== b.ms) return a.ms - b.ms;
  if (a.count !== b.count) return a.count - b.count;
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}

/** A version as text, for messages. */
export function versionText(version: Version | undefined): string {
  if (version === undefined) return "nothing";
  return `${version.ms}.${version.count}.${version.node.slice(0, 4)}`;
}
