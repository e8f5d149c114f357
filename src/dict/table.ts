/**
 * The copies that one node holds, in the order of their keys' hashes.
 *
 * 2^14 buckets by the first bits of the hash, each a sorted array with the XOR
 * of its entries' digests: a lookup is one binary search, a range is read in
 * order, and the digest of a range costs one step per bucket instead of one
 * per entry. A hash map would be no faster, and could not give ranges. One bit
 * per bucket says whether there is one: a node with few entries steps over the
 * rest 32 at a time.
 *
 * @module
 */
import {
  hexDigit,
  type Id,
  ID_BYTES,
  idFromBytes,
  MAX_ID,
  ZERO_ID,
} from "../id/id.ts";
import { isInArc } from "../id/ring.ts";
import type { Entry } from "./entry.ts";

const BUCKET_BITS = 14;
const BUCKETS = 1 << BUCKET_BITS;

/** Ids clockwise from `after`, without it, to `through`; equal: all. */
export interface Arc {
  readonly after: Id;
  readonly through: Id;
}

/** What two nodes compare of a range before they compare entries. */
export interface Summary {
  /** Entries, tombstones included. */
  readonly count: number;
  /** XOR of a 128-bit digest of each entry's hash and version. */
  readonly digest: Id;
}

class Bucket {
  readonly entries: Entry[] = [];
  live = 0;
  readonly digest: Int32Array = new Int32Array(4);
}

/** Is told what is under a hash from now on; `undefined`: nothing any more. */
export type TableListener = (id: Id, entry: Entry | undefined) => void;

/** The entries of a node. */
export class Table {
  /** Called after each change, in the step that makes it. */
  onChange: TableListener = () => {};
  readonly #buckets: (Bucket | undefined)[] = new Array(BUCKETS);
  /** The bit of each bucket that there is. */
  readonly #used = new Uint32Array(BUCKETS / 32);
  #live = 0;
  #tombstones = 0;
  #bytes = 0;

  /** Entries with a value. */
  get live(): number {
    return this.#live;
  }

  /** Entries without one. */
  get tombstones(): number {
    return this.#tombstones;
  }

  /** Entries of both kinds. */
  get size(): number {
    return this.#live + this.#tombstones;
  }

  /** Bytes of all keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: Id): Entry | undefined {
    const bucket = this.#buckets[bucketOf(id)];
    if (bucket === undefined) return undefined;
    const { entries } = bucket;
    // Most hold one: to compare for equality costs less than for order.
    const entry = entries[entries.length === 1 ? 0 : lowerBound(entries, id)];
    return entry?.id === id ? entry : undefined;
  }

  /** Stores `entry` in place of whatever was under its hash. */
  put(entry: Entry): void {
    const bucket = this.#bucketFor(entry.id);
    const at = lowerBound(bucket.entries, entry.id);
    const old = bucket.entries[at];
    if (old?.id === entry.id) {
      this.#account(bucket, old, -1);
      bucket.entries[at] = entry;
    } else {
      bucket.entries.splice(at, 0, entry);
    }
    this.#account(bucket, entry, 1);
    this.onChange(entry.id, entry);
  }

  delete(id: Id): void {
    const bucket = this.#buckets[bucketOf(id)];
    if (bucket === undefined) return;
    const at = lowerBound(bucket.entries, id);
    const old = bucket.entries[at];
    if (old?.id !== id) return;
    bucket.entries.splice(at, 1);
    this.#account(bucket, old, -1);
    this.onChange(id, undefined);
  }

  clear(): void {
    for (const bucket of this.#buckets) {
      for (const { id } of bucket?.entries ?? []) this.onChange(id, undefined);
    }
    this.#buckets.fill(undefined);
    this.#used.fill(0);
    this.#live = this.#tombstones = this.#bytes = 0;
  }

  /** The entries of an arc, in ring order from its start. */
  *range(arc: Arc): Generator<Entry> {
    for (const { after, through } of straight(arc)) {
      const first = bucketOf(after);
      const last = bucketOf(through);
      let index = this.#nextUsed(first);
      for (; index <= last; index = this.#nextUsed(index + 1)) {
        const isWhole = index > first && index < last;
        const { entries } = this.#buckets[index]!;
        // A copy, so that the reader may store and delete meanwhile; of one
        // entry none is needed.
        const stable = entries.length === 1 ? entries : entries.slice();
        for (let i = 0, { length } = stable; i < length; i++) {
          const entry = stable[i]!;
          if (isWhole || isWithin(entry.id, after, through)) yield entry;
        }
      }
    }
  }

  /** The first entry of an arc that has a value and is `wanted`. */
  firstLive(
    arc: Arc,
    wanted: (entry: Entry) => boolean = () => true,
  ): Entry | undefined {
    for (const { after, through } of straight(arc)) {
      const last = bucketOf(through);
      let index = this.#nextUsed(bucketOf(after));
      for (; index <= last; index = this.#nextUsed(index + 1)) {
        const bucket = this.#buckets[index]!;
        if (bucket.live === 0) continue;
        const entry = bucket.entries.find((entry) =>
          entry.isLive && isWithin(entry.id, after, through) &&
          wanted(entry)
        );
        if (entry !== undefined) return entry;
      }
    }
    return undefined;
  }

  /** How many entries of an arc have a value. */
  liveIn(arc: Arc): number {
    let live = 0;
    this.#fold(
      arc,
      (bucket) => live += bucket.live,
      (entry) => live += entry.isLive ? 1 : 0,
    );
    return live;
  }

  /** Count and digest of an arc. */
  summary(arc: Arc): Summary {
    let count = 0;
    const digest = new Int32Array(4);
    this.#fold(
      arc,
      (bucket) => {
        count += bucket.entries.length;
        for (let i = 0; i < 4; i++) digest[i]! ^= bucket.digest[i]!;
      },
      (entry) => {
        count++;
        mixInto(digest, entry);
      },
    );
    return { count, digest: toId(digest) };
  }

  /** Goes over an arc by whole buckets where it can, else by entries. */
  #fold(
    arc: Arc,
    onBucket: (bucket: Bucket) => void,
    onEntry: (entry: Entry) => void,
  ): void {
    if (this.size === 0) return;
    for (const { after, through } of straight(arc)) {
      const first = bucketOf(after);
      const last = bucketOf(through);
      let index = this.#nextUsed(first);
      for (; index <= last; index = this.#nextUsed(index + 1)) {
        const bucket = this.#buckets[index]!;
        const isWhole = (index > first || after === ZERO_ID) &&
          (index < last || through === MAX_ID);
        if (isWhole) {
          onBucket(bucket);
          continue;
        }
        for (const entry of bucket.entries) {
          if (isWithin(entry.id, after, through)) onEntry(entry);
        }
      }
    }
  }

  #bucketFor(id: Id): Bucket {
    const index = bucketOf(id);
    this.#used[index >>> 5]! |= 1 << index;
    return this.#buckets[index] ??= new Bucket();
  }

  /** The first bucket that there is from `index` on; none: their number. */
  #nextUsed(index: number): number {
    let at = index >>> 5;
    let bits = (this.#used[at] ?? 0) & (-1 << index);
    while (bits === 0) {
      if (++at >= this.#used.length) return BUCKETS;
      bits = this.#used[at]!;
    }
    return 32 * at + 31 - Math.clz32(bits & -bits);
  }

  #account(bucket: Bucket, entry: Entry, sign: 1 | -1): void {
    if (entry.isLive) {
      this.#live += sign;
      bucket.live += sign;
    } else {
      this.#tombstones += sign;
    }
    this.#bytes += sign * entry.size;
    mixInto(bucket.digest, entry);
  }
}

/**
 * An arc as pieces that do not pass the end of the number line. A piece that
 * begins at zero includes zero: nothing else could.
 */
export function straight({ after, through }: Arc): Arc[] {
  if (after < through) return [{ after, through }];
  const high = { after, through: MAX_ID };
  const low = { after: ZERO_ID, through };
  if (after === MAX_ID) return [low];
  return [high, low];
}

/** Whether an arc has an id. */
export function arcHas(arc: Arc, id: Id): boolean {
  return isInArc(id, arc.after, arc.through);
}

function isWithin(id: Id, after: Id, through: Id): boolean {
  return id <= through && (id > after || after === ZERO_ID);
}

function bucketOf(id: Id): number {
  const bits = (hexDigit(id, 0) << 12) | (hexDigit(id, 1) << 8) |
    (hexDigit(id, 2) << 4) | hexDigit(id, 3);
  return bits >>> (16 - BUCKET_BITS);
}

function lowerBound(entries: readonly Entry[], id: Id): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Adds an entry's digest, or takes it away: XOR does both. */
export function mixInto(
  digest: Int32Array,
  { id, version }: Pick<Entry, "id" | "version">,
): void {
  // The hash of the key is uniform already; the version must spread into it.
  let a = version.ms | 0;
  let b = Math.floor(version.ms / 0x1_0000_0000) ^ (version.count << 16);
  for (let i = 0; i < 16; i++) {
    a = Math.imul(a ^ id.charCodeAt(i), 0x85eb_ca6b);
    b = Math.imul(b ^ id.charCodeAt(i + 16), 0xc2b2_ae35);
    a ^= version.node.charCodeAt(i) << (i & 7);
    a = (a << 13) | (a >>> 19);
    b = ((b << 15) | (b >>> 17)) ^ a;
  }
  digest[0]! ^= finish(a);
  digest[1]! ^= finish(b);
  digest[2]! ^= finish(a + Math.imul(b, 5));
  digest[3]! ^= finish(b - Math.imul(a, 9) + 1);
}

/** The finalizer of MurmurHash3 (A. Appleby): every bit moves every other. */
function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

// One for all calls: nothing here can be interrupted.
const digestBytes = new Uint8Array(ID_BYTES);
const digestWords = new DataView(digestBytes.buffer);

/** A digest as it travels. */
export function toId(words: Int32Array): Id {
  for (let i = 0; i < 4; i++) digestWords.setInt32(4 * i, words[i]!);
  return idFromBytes(digestBytes);
}
