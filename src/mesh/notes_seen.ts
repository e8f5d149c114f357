/**
 * Which letters have come already.
 *
 * @module
 */
import { NOTES_REMEMBERED_MAX } from "../base/limits.ts";

/** Names of letters, each kept for a while. */
export class NotesSeen {
  readonly #keepMs: number;
  /** When each came; the oldest first. */
  readonly #atMs = new Map<string, number>();

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Whether a letter is new; the same one is not, from now on. */
  add(name: string, nowMs: number): boolean {
    for (const [oldest, atMs] of this.#atMs) {
      const hasRoom = this.#atMs.size < NOTES_REMEMBERED_MAX;
      if (hasRoom && atMs > nowMs - this.#keepMs) break;
      this.#atMs.delete(oldest);
    }
    if (this.#atMs.has(name)) return false;
    this.#atMs.set(name, nowMs);
    return true;
  }
}
