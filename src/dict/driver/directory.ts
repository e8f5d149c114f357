/**
 * A local copy of the names of all keys.
 *
 * It is made by one scan and kept by the dict's events. Both may overtake each
 * other, so each name has the version of what was last heard of it, and the
 * larger version wins. While a scan runs, a deleted name is remembered as such:
 * a page that was read before the deletion must not bring it back. When a scan
 * ends, names that it did not meet and that no event spoke of since it began
 * are gone: their deletion was missed.
 *
 * Events can be lost for good (a node that was away too long): then the scan is
 * repeated, rather than every event being kept for ever somewhere.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { toHex } from "../../base/bytes.ts";
import type { EntryRecord, Version } from "../../wire/messages.ts";
import { endOf } from "../expiry.ts";
import { isNews } from "../version.ts";

interface Name {
  readonly key: Bytes;
  readonly added: boolean;
  readonly version: Version;
  /** When the entry ends, by the wall clock; of events that is not known. */
  readonly endMs: number;
  /** The scan during which this was heard; 0 for none. */
  readonly heard: number;
}

/** The first and the longest wait before a failed scan is repeated. */
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 10_000;

/** What a directory is kept by. */
export interface DirectoryHost {
  readonly clock: Clock;
  scan(): AsyncIterable<EntryRecord>;
  report(error: unknown): void;
}

/** The names of all keys. */
export class Directory {
  readonly #host: DirectoryHost;
  readonly #names = new Map<string, Name>();
  /** Readers that wait for a scan to have ended. */
  #waiting: (() => void)[] = [];
  #isComplete = false;
  #isScanning = false;
  /** Something was missed since the scan that runs began. */
  #isStale = false;
  #isClosed = false;
  #scans = 0;
  #retryMs = RETRY_MIN_MS;
  #retry: unknown;

  constructor(host: DirectoryHost) {
    this.#host = host;
  }

  /** Resolves once every key that was there is known, or nobody keeps count. */
  complete(): Promise<void> {
    if (this.#isComplete || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The keys, in no particular order. */
  *keys(): Generator<Bytes, void, void> {
    const wallMs = this.#host.clock.wallMs();
    for (const [name, { key, added, endMs }] of this.#names) {
      // Its end may have been told before the scan that met it.
      if (endMs <= wallMs) this.#names.delete(name);
      else if (added) yield key;
    }
  }

  /** An event of the dict. */
  note(key: Bytes, added: boolean, version: Version): void {
    this.#hear({ key, added, version, endMs: Infinity, heard: this.#scans });
  }

  /** Events may have been missed: looks at everything again. */
  refresh(): void {
    if (this.#isClosed) return;
    this.#isStale = true;
    if (!this.#isScanning) this.#scan();
  }

  /** Keeps count no more. */
  close(): void {
    this.#isClosed = true;
    this.#host.clock.clearTimer(this.#retry);
    this.#wakeReaders();
  }

  async #scan(): Promise<void> {
    this.#host.clock.clearTimer(this.#retry);
    this.#isScanning = true;
    this.#isStale = false;
    const number = ++this.#scans;
    const met = new Set<string>();
    try {
      for await (const entry of this.#host.scan()) {
        const { key, version } = entry;
        met.add(toHex(key));
        const endMs = endOf(entry);
        this.#hear({ key, added: true, version, endMs, heard: 0 });
      }
      this.#isScanning = false;
      this.#forgetMissed(number, met);
      this.#retryMs = RETRY_MIN_MS;
      this.#isComplete = true;
      this.#wakeReaders();
      if (this.#isStale) this.refresh();
    } catch (error) {
      this.#isScanning = false;
      this.#retryLater(error);
    }
  }

  #hear(news: Name): void {
    const { key, added, heard } = news;
    const name = toHex(key);
    const known = this.#names.get(name);
    if (!isNews(news, known)) return;
    if (added || this.#isScanning) {
      // A view into a frame would keep the whole frame.
      const own = known?.key ?? key.slice();
      this.#names.set(name, {
        ...news,
        key: own,
        heard: Math.max(heard, known?.heard ?? 0),
      });
    } else {
      this.#names.delete(name);
    }
  }

  #forgetMissed(number: number, met: ReadonlySet<string>): void {
    for (const [name, { added, heard }] of this.#names) {
      if (!added || (heard < number && !met.has(name))) {
        this.#names.delete(name);
      }
    }
  }

  #retryLater(error: unknown): void {
    if (this.#isClosed) return;
    this.#host.report(error);
    this.#retry = this.#host.clock.setTimer(() => this.#scan(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  #wakeReaders(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
