/**
 * What a node answers about ranges of its copies: digests, pages, and whether
 * it holds what another one would like to drop.
 *
 * @module
 */
import { PAGE_BYTES, PAGE_ENTRIES_MAX } from "../base/limits.ts";
import type { Id } from "../id/id.ts";
import type { Context } from "../mesh/context.ts";
import {
  type EntryRecord,
  Held,
  type MessageOf,
  PartStatus,
} from "../wire/messages.ts";
import type { Replica } from "./replica.ts";
import type { Arc, Table } from "./table.ts";
import { compareVersions } from "./version.ts";

/** A range with more entries than this is split, not listed. */
export const LISTED_MAX = 256;

/** Compares this node's ranges with the summaries of another one. */
export function digestHere(
  replica: Replica,
  { request, after, parts }: MessageOf<"digest">,
): MessageOf<"digestAnswer"> {
  let start = after;
  let isReady = true;
  const answers = parts.map(({ through, count, digest }) => {
    const arc = { after: start, through };
    start = through;
    isReady &&= replica.share.isReadyWithin(arc);
    const own = replica.table.summary(arc);
    if (own.count === count && own.digest === digest) {
      return { status: PartStatus.same, count, items: [] };
    }
    if (own.count > LISTED_MAX) {
      return { status: PartStatus.split, count: own.count, items: [] };
    }
    const items = [...replica.table.range(arc)]
      .map(({ id, version }) => ({ id, version }));
    return { status: PartStatus.listed, count: own.count, items };
  });
  return { type: "digestAnswer", request, ready: isReady, parts: answers };
}

/** The entries asked for by hash, as many as fit a page. */
export function pullHere(
  table: Table,
  { request, ids }: MessageOf<"pull">,
  nothing: Id,
): MessageOf<"pulled"> {
  const entries: EntryRecord[] = [];
  let bytes = 0;
  let through = nothing;
  for (const id of ids) {
    const entry = table.get(id);
    if (entry !== undefined) {
      entries.push(entry);
      bytes += sizeOf(entry);
    }
    through = id;
    if (bytes >= PAGE_BYTES) break;
  }
  return { type: "pulled", request, through, entries };
}

/** One page of a range that does not pass the end of the number line. */
export function pageOf(
  table: Table,
  arc: Arc,
  entriesMax: number = PAGE_ENTRIES_MAX,
): { readonly through: Id; readonly entries: readonly EntryRecord[] } {
  const entries: EntryRecord[] = [];
  let bytes = 0;
  for (const entry of table.range(arc)) {
    entries.push(entry);
    bytes += sizeOf(entry);
    if (entries.length >= entriesMax || bytes >= PAGE_BYTES) {
      return { through: entry.id, entries };
    }
  }
  return { through: arc.through, entries };
}

/** Whether this node holds what another one would like to drop. */
export function confirmHere(
  replica: Replica,
  { request, items }: MessageOf<"confirm">,
  context: Context,
): MessageOf<"confirmed"> {
  const isAnyoneAsked = context.lacks("onlyHoldersConfirm");
  const held = items.map(({ id, version }) => {
    // Only a holder by its own view may confirm: it cannot drop its copy soon.
    if (!replica.share.holds(id) && !isAnyoneAsked) return Held.other;
    const own = replica.table.get(id);
    if (own !== undefined) {
      return compareVersions(own.version, version) >= 0
        ? Held.held
        : Held.lacking;
    }
    return Held.lacking;
  });
  return { type: "confirmed", request, held };
}

/** Bytes that an entry takes in a page, about. */
export function sizeOf({ key, value }: EntryRecord): number {
  return key.length + (value?.length ?? 0) + 24;
}
