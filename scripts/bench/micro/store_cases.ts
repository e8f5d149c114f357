/**
 * Who holds a key, and what a holder does.
 *
 * @module
 */
import { MEMBERS_MAX } from "../../../src/base/limits.ts";
import { LIMITS, rulesOf, TIMINGS } from "../../../src/base/options.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { type Entry, StoredEntry } from "../../../src/dict/entry.ts";
import { candidatesOf, isHolder } from "../../../src/dict/holders.ts";
import { Replica } from "../../../src/dict/replica.ts";
import { mixInto, Table } from "../../../src/dict/table.ts";
import { HybridClock } from "../../../src/dict/version.ts";
import { type Id, keyId, randomId } from "../../../src/id/id.ts";
import { advance } from "../../../src/id/ring.ts";
import { Context } from "../../../src/mesh/context.ts";
import type { Peers, RingView } from "../../../src/mesh/peers.ts";
import { buildRing } from "../../../src/mesh/ring_view.ts";
import { Table as MemberTable } from "../../../src/mesh/table.ts";
import {
  type EntryRecord,
  Health,
  type MemberRecord,
  Role,
} from "../../../src/wire/messages.ts";
import type { Case } from "./timing.ts";

const random = new SeededRandom(1, "store");
const SIZES = [3, 16, 64, 256, 1024, 4096];
const REPLICAS = 3;
const WALL_MS = 1_704_067_200_000;
/** Entries of the store that is measured. */
const STORED = 100_000;
/** Of these the cases take one after the other; a power of two. */
const TAKEN = 4096;
const AHEAD_MAX_MS = 60_000;

const clock = new HybridClock(randomId(random), AHEAD_MAX_MS);
const take = <T>(items: readonly T[], at: number) => items[at & (TAKEN - 1)]!;

function member(): MemberRecord {
  const [id, position] = [randomId(random), randomId(random)];
  const url = "ws://192.168.17.4:44321/";
  const [role, health] = [Role.active, Health.alive];
  return { id, incarnation: 7, role, health, position, url };
}

const members = (count: number) => Array.from({ length: count }, member);

function record(at: number): EntryRecord {
  const key = new TextEncoder().encode(`key ${at}`.padEnd(16, "-"));
  const value = new Uint8Array(64).fill(at);
  return { key, value, version: clock.next(WALL_MS), terms: undefined };
}

function entryOf(made: EntryRecord): Entry {
  return new StoredEntry(keyId(made.key), made, 0);
}

/** The holders of a key, by the number of members. */
export function holderCases(): Case[] {
  const keys = Array.from({ length: TAKEN }, () => randomId(random));
  return SIZES.flatMap((size) => {
    const all = members(size);
    const ring = buildRing(all);
    const self = all[0]!.id;
    const group = "holders";
    return [
      {
        group,
        name: `${REPLICAS} of ${size}`,
        run: (at: number) => candidatesOf(ring, take(keys, at), REPLICAS),
      },
      {
        group,
        name: `am I one, of ${size}`,
        run: (at: number) => isHolder(ring, self, take(keys, at), REPLICAS),
      },
    ];
  });
}

/** Changes of the member table, with what follows from it. */
export function memberCases(): Case[] {
  return [64, 4096].filter((size) => size <= MEMBERS_MAX).flatMap((size) => {
    const all = members(size);
    const table = new MemberTable(all[0]!, 0, 1e9, () => {});
    for (const one of all) table.apply(one, "gossip", 0);
    let incarnation = 7;
    const group = "members";
    const change = (at: number) => {
      const old = all[1 + at % (size - 1)]!;
      table.apply({ ...old, incarnation: ++incarnation }, "gossip", 0);
      return table.digest;
    };
    return [
      { group, name: `a change, of ${size}`, run: change },
      { group, name: `build a ring of ${size}`, run: () => buildRing(all) },
    ];
  });
}

/** The store, and the digests that two holders compare. */
export function tableCases(): Case[] {
  const table = new Table();
  const entries: Entry[] = [];
  for (let i = 0; i < STORED; i++) {
    entries.push(entryOf(record(i)));
    table.put(entries[i]!);
  }
  const missing = Array.from({ length: TAKEN }, () => randomId(random));
  const fresh = Array.from(
    { length: TAKEN },
    (_, i) => entryOf(record(STORED + i)),
  );
  const words = new Int32Array(4);
  const after = randomId(random);
  const part = (by: bigint) => ({ after, through: advance(after, by) });
  const [sixteenth, page] = [part(1n << 124n), part((1n << 128n) / 391n)];
  const inPage = [...table.range(page)].length;
  const group = `store of ${STORED}`;
  return [
    { group, name: "get", run: (at) => table.get(take(entries, at).id) },
    { group, name: "get, missing", run: (at) => table.get(take(missing, at)) },
    { group, name: "put, again", run: (at) => table.put(take(entries, at)) },
    {
      group,
      name: "put and delete",
      run: (at) => {
        table.put(take(fresh, at));
        table.delete(take(fresh, at).id);
      },
    },
    {
      group,
      name: "range, an entry",
      run: () => [...table.range(page)],
      weight: inPage,
    },
    {
      group: "digest",
      name: "of an entry",
      run: (at) => mixInto(words, take(entries, at)),
    },
    {
      group: "digest",
      name: `of a 16th of ${STORED}`,
      run: () => table.summary(sixteenth),
    },
  ];
}

/** A ring of which the measured node is one of three. */
function peersOf(self: MemberRecord, ring: RingView): Peers {
  const looked = { self, ring, member: (_: Id) => undefined };
  return looked as unknown as Peers;
}

/** A holder's answers to a write, of a new version and of an old one. */
export function replicaCases(): Case[] {
  const all = members(REPLICAS);
  const peers = peersOf(all[0]!, buildRing(all));
  const timings = TIMINGS;
  const rules = rulesOf(REPLICAS, undefined);
  const options = { timings, limits: LIMITS, ...rules } as never;
  const at = { nowMs: 0, wallMs: WALL_MS };
  const context = new Context(options, random, at);
  const replica = new Replica(context, peers, () => {});
  replica.share.update(0, timings.dropAfterMs);
  const records = Array.from({ length: TAKEN }, (_, i) => record(i));
  for (const one of records) replica.put(one);
  const write = (at: number) => {
    // Versions that are replaced are remembered for a time that has to pass.
    context.begin({ nowMs: at, wallMs: WALL_MS + at });
    const { key, value } = take(records, at);
    const version = replica.nextVersion();
    return replica.put({ key, value, version, terms: undefined });
  };
  const group = "replica";
  return [
    { group, name: "put, newer", run: write },
    { group, name: "put, stale", run: (at) => replica.put(take(records, at)) },
    { group, name: "take, old", run: (at) => replica.take(take(records, at)) },
  ];
}
