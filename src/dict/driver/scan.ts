/**
 * Walks over all entries of the dict, page by page.
 *
 * @module
 */
import type { Id } from "../../id/id.ts";
import type { EntryRecord } from "../../wire/messages.ts";
import type { ScanPage } from "../operations.ts";

/** Fetches the page after an id; `undefined`: the first. */
export type FetchPage = (
  after: Id | undefined,
  signal: AbortSignal,
) => Promise<ScanPage>;

/**
 * All entries in the order of their keys' hashes. While the application is busy
 * with one page the next is fetched, never more; leaving early cancels it.
 */
export async function* scan(
  fetchPage: FetchPage,
  signal: AbortSignal | undefined,
): AsyncGenerator<EntryRecord, void, void> {
  const stop = new AbortController();
  const both = signal === undefined
    ? stop.signal
    : AbortSignal.any([stop.signal, signal]);
  try {
    let coming: Promise<ScanPage> | undefined = fetchPage(undefined, both);
    while (coming !== undefined) {
      const { entries, next }: ScanPage = await coming;
      coming = next === undefined ? undefined : fetchPage(next, both);
      // Whoever leaves early must not be told of what it no longer wants.
      coming?.catch(() => {});
      yield* entries;
    }
  } finally {
    stop.abort();
  }
}

/**
 * Keys, values or items. Of a `ChordSocket` `for await` walks over the ring,
 * plain `for … of` over the directory, on a socket that keeps one; of a
 * `SyncSocket` both walk over what the node has.
 *
 * @typeParam Remote what `for await` gives
 * @typeParam Local what plain `for … of` gives
 */
export class DictView<Remote, Local>
  implements AsyncIterable<Remote>, Iterable<Local> {
  readonly #remote: () => AsyncIterator<Remote>;
  readonly #local: () => Iterator<Local>;

  /** @ignore */
  constructor(
    remote: () => AsyncIterator<Remote>,
    local: () => Iterator<Local>,
  ) {
    this.#remote = remote;
    this.#local = local;
  }

  [Symbol.asyncIterator](): AsyncIterator<Remote> {
    return this.#remote();
  }

  /** @throws {DirectoryError} If the socket keeps no directory */
  [Symbol.iterator](): Iterator<Local> {
    return this.#local();
  }
}
