/**
 * One node's copies in the storage of its object.
 *
 * A copy is put there in the same turn in which the node takes it, and the
 * platform lets nothing out of an object before what was put is safe (its
 * "output gate"). So whoever is told that this node has a copy can count on the
 * storage, without a wait on the way. Tombstones are kept just as values are:
 * without them a delete would be undone by the next restart.
 *
 * @module
 */
import type { Id } from "../../id/id.ts";
import { type ChordSocket, dictOf } from "../../dict/chord_socket.ts";
import type { DictOperation } from "../../dict/operations.ts";
import { driverOf } from "../../mesh/mesh_socket.ts";
import type { EntryRecord } from "../../wire/messages.ts";
import type { ObjectStorage } from "./platform.ts";

/** What the keys of copies begin with; the hash of the dict's key follows. */
const PREFIX = "copy:";
/** Copies that are read at once: with the largest values, 32 MiB. */
const PAGE_COPIES = 32;
/** The platform deletes no more keys than this in one call. */
const DELETES_MAX = 128;

/** Keeps the copies of one socket. */
export class Copies {
  readonly #storage: ObjectStorage;
  readonly #sock: ChordSocket<unknown, unknown>;
  readonly #report: (error: unknown) => void;
  #isRestoring = false;

  /** Follows `sock` from now on. */
  constructor(
    storage: ObjectStorage,
    sock: ChordSocket<unknown, unknown>,
    report: (error: unknown) => void,
  ) {
    this.#storage = storage;
    this.#sock = sock;
    this.#report = report;
    dictOf(sock).onChange = (id, entry) => {
      // What is being restored is there already.
      if (!this.#isRestoring) this.#keep(id, entry);
    };
  }

  /** Keeps what is there as it is; the socket goes on without being followed. */
  release(): void {
    dictOf(this.#sock).onChange = () => {};
  }

  /** Gives the node what is kept, and forgets what the node does not want. */
  async restore(): Promise<void> {
    let last: string | undefined;
    for (;;) {
      const page = await this.#storage.list({
        prefix: PREFIX,
        limit: PAGE_COPIES,
        ...(last === undefined ? {} : { startAfter: last }),
      });
      if (page.size === 0) return;
      await this.#give([...page.values()] as EntryRecord[]);
      const names = [...page.keys()];
      last = names.at(-1);
      const unwanted = names.filter((name) =>
        dictOf(this.#sock).copyOf(name.slice(PREFIX.length)) === undefined
      );
      if (unwanted.length > 0) await this.#storage.delete(unwanted);
    }
  }

  async #give(entries: readonly EntryRecord[]): Promise<void> {
    this.#isRestoring = true;
    // The node takes them before this call returns; only the answer is late.
    const given = driverOf<DictOperation>(this.#sock).ask<void>(
      { type: "restore", entries, timeoutMs: Infinity },
      { action: "restore copies", writes: false, signal: undefined },
    );
    this.#isRestoring = false;
    await given;
  }

  #keep(id: Id, entry: EntryRecord | undefined): void {
    const name = PREFIX + id;
    const kept: Promise<unknown> = entry === undefined
      ? this.#storage.delete([name])
      : this.#storage.put(name, recordOf(entry));
    // The platform restarts the object, which then has what was kept before.
    kept.catch((cause) => this.#report(cannotKeep(cause)));
  }
}

/** Forgets all copies in a storage. */
export async function forgetCopies(storage: ObjectStorage): Promise<void> {
  for (;;) {
    const page = await storage.list({ prefix: PREFIX, limit: DELETES_MAX });
    if (page.size === 0) return;
    await storage.delete([...page.keys()]);
  }
}

/** Only what is needed, and plain: it becomes a structured clone. */
function recordOf({ key, value, version, terms }: EntryRecord): EntryRecord {
  const { ms, count, node } = version;
  return { key, value, version: { ms, count, node }, terms };
}

function cannotKeep(cause: unknown): Error {
  return new Error(
    `Cannot keep a copy in the object's storage: ` +
      `${cause instanceof Error ? cause.message : cause}; check that the ` +
      `object's class is one with SQLite storage, and what is left of it`,
    { cause },
  );
}
