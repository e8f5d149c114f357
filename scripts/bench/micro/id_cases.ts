/**
 * Hashes, ids, the ring's arithmetic, clocks and timers.
 *
 * @module
 */
import { toHex, utf8 } from "../../../src/base/bytes.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { sha256 } from "../../../src/base/sha256.ts";
import { Timers } from "../../../src/base/timers.ts";
import { compareVersions, HybridClock } from "../../../src/dict/version.ts";
import {
  idFromBytes,
  idToBytes,
  keyId,
  randomId,
  writeId,
} from "../../../src/id/id.ts";
import { distance, isBetween, isInArc } from "../../../src/id/ring.ts";
import type { Case } from "./timing.ts";

const random = new SeededRandom(1, "ids");
/** Others of each kind, so that no case is one and the same again. */
const MANY = 256;
const many = <T>(make: () => T): T[] => Array.from({ length: MANY }, make);
const ids = many(() => randomId(random));
const id = (at: number) => ids[at & (MANY - 1)]!;

/** SHA-256 and what is made of it. */
export function hashCases(): Case[] {
  const group = "SHA-256";
  const inputs = [16, 64, 1024].map((length) => ({
    length,
    bytes: many(() => new Uint8Array(length).map(() => random.uint32())),
  }));
  const cases = inputs.map(({ length, bytes }) => ({
    group,
    name: `of ${length} B`,
    run: (at: number) => sha256(bytes[at & (MANY - 1)]!),
  }));
  const keys = inputs[0]!.bytes;
  const texts = many(() => toHex(new Uint8Array(8).map(() => random.uint32())));
  return [
    ...cases,
    {
      group,
      name: "id of a key of 16 B",
      run: (at) => keyId(keys[at & (MANY - 1)]!),
    },
    {
      group,
      name: "id of a text of 16 B",
      run: (at) => keyId(utf8(texts[at & (MANY - 1)]!)),
    },
  ];
}

/** Ids and positions. */
export function idCases(): Case[] {
  const group = "ids";
  const all = ids.map(idToBytes);
  const target = new Uint8Array(16);
  return [
    { group, name: "random, seeded", run: () => randomId(random) },
    {
      group,
      name: "from bytes",
      run: (at) => idFromBytes(all[at & (MANY - 1)]!),
    },
    { group, name: "to bytes", run: (at) => writeId(id(at), target, 0) },
    { group, name: "less", run: (at) => id(at) < id(at + 1) },
    {
      group,
      name: "isBetween",
      run: (at) => isBetween(id(at), id(at + 1), id(at + 2)),
    },
    {
      group,
      name: "isInArc",
      run: (at) => isInArc(id(at), id(at + 1), id(at + 2)),
    },
    { group, name: "distance", run: (at) => distance(id(at), id(at + 1)) },
  ];
}

const WALL_MS = 1_704_067_200_000;
const AHEAD_MAX_MS = 60_000;
/** Requests whose deadlines wait, as many as are in flight at once. */
const DEADLINES = 64;

/** The hybrid logical clock, and deadlines. */
export function clockCases(): Case[] {
  const clock = new HybridClock(ids[0]!, AHEAD_MAX_MS);
  const other = new HybridClock(ids[1]!, AHEAD_MAX_MS);
  const versions = many(() => other.next(WALL_MS));
  const version = (at: number) => versions[at & (MANY - 1)]!;
  const timers = new Timers();
  const waiting = Array.from(
    { length: DEADLINES },
    (_, i) => timers.at(10_000 + i, () => {}),
  );
  let nowMs = 0;
  const nothing = () => {};
  return [
    {
      group: "HLC",
      name: "next, wall clock stands",
      run: () => clock.next(WALL_MS),
    },
    {
      group: "HLC",
      name: "next, wall clock goes",
      run: (at) => clock.next(WALL_MS + at),
    },
    {
      group: "HLC",
      name: "observe",
      run: (at) => clock.observe(version(at), WALL_MS),
    },
    {
      group: "HLC",
      name: "compare",
      run: (at) => compareVersions(version(at), version(at + 1)),
    },
    {
      group: "timers",
      name: `one of ${DEADLINES} set and cancelled`,
      run: (at) => {
        timers.cancel(waiting[at % DEADLINES]);
        waiting[at % DEADLINES] = timers.at(nowMs++ + 10_000, nothing);
      },
    },
  ];
}
