/**
 * Which keys are watched, and what a watcher and a holder know of them.
 *
 * @module
 */
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { type Id, keyId } from "../id/id.ts";
import type { Version } from "../wire/messages.ts";
import type { Entry } from "./entry.ts";
import type { Arc, Table } from "./table.ts";
import { compareVersions } from "./version.ts";

/** One key, or all keys that begin with the same bytes. */
export interface Match {
  readonly exact: boolean;
  readonly bytes: Bytes;
}

/** How a key stands: an entry that expires keeps its version. */
export interface Standing {
  readonly version: Version;
  /** Whether it has a value. */
  readonly live: boolean;
}

/** Below 0 when `a` came before `b`; a version's end comes after it. */
export function compareStandings(a: Standing, b: Standing): number {
  const order = compareVersions(a.version, b.version);
  return order !== 0 ? order : Number(b.live) - Number(a.live);
}

/** Whether a key is watched. */
export function matches({ exact, bytes }: Match, key: Bytes): boolean {
  if (exact) return equalBytes(bytes, key);
  if (key.length < bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) {
    if (key[i] !== bytes[i]) return false;
  }
  return true;
}

/** The entries of a range that are watched, in ring order. */
export function* matching(
  table: Table,
  match: Match,
  arc: Arc,
): Generator<Entry> {
  for (const entry of table.range(arc)) {
    if (matches(match, entry.key)) yield entry;
  }
}

/** The one key's hash, if it is one. */
export function idOf({ exact, bytes }: Match): Id | undefined {
  return exact ? keyId(bytes) : undefined;
}
