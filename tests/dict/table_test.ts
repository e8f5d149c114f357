import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { below, SeededRandom } from "../../src/base/random.ts";
import { type Id, keyId, MAX_ID, randomId, ZERO_ID } from "../../src/id/id.ts";
import { isInArc } from "../../src/id/ring.ts";
import { type Entry, StoredEntry } from "../../src/dict/entry.ts";
import { type Arc, Table } from "../../src/dict/table.ts";

function entryOf(name: string, ms: number, value?: string): Entry {
  const key = utf8(name);
  const record = {
    key,
    value: value === undefined ? undefined : utf8(value),
    terms: undefined,
    version: { ms, count: 0, node: "0".repeat(16) },
  };
  return new StoredEntry(keyId(key), record, 0);
}

/** A table beside a plain map that went through the same. */
function filled(seed: number): { table: Table; model: Map<Id, Entry> } {
  const random = new SeededRandom(seed);
  const table = new Table();
  const model = new Map<Id, Entry>();
  for (let i = 0; i < 3_000; i++) {
    const name = `key ${below(random, 900)}`;
    const action = below(random, 10);
    if (action === 0) {
      table.delete(keyId(utf8(name)));
      model.delete(keyId(utf8(name)));
      continue;
    }
    const entry = entryOf(name, i, action < 3 ? undefined : `value ${i}`);
    table.put(entry);
    model.set(entry.id, entry);
  }
  return { table, model };
}

function* arcs(seed: number): Generator<Arc> {
  const random = new SeededRandom(seed, "arcs");
  const point = randomId(random);
  yield { after: point, through: point };
  yield { after: ZERO_ID, through: ZERO_ID };
  yield { after: ZERO_ID, through: MAX_ID };
  yield { after: MAX_ID, through: point };
  for (let i = 0; i < 60; i++) {
    yield { after: randomId(random), through: randomId(random) };
  }
  for (let i = 0; i < 20; i++) {
    const after = randomId(random);
    yield { after, through: after.slice(0, 4) + "f".repeat(28) };
  }
}

Deno.test("a table is a map: what was put last is there, and is counted", () => {
  for (const seed of [1, 2, 3]) {
    const { table, model } = filled(seed);
    let live = 0;
    let bytes = 0;
    for (const entry of model.values()) {
      assertEquals(table.get(entry.id), entry);
      if (entry.value !== undefined) live++;
      bytes += entry.key.length + (entry.value?.length ?? 0);
    }
    assertEquals(table.live, live);
    assertEquals(table.size, model.size);
    assertEquals(table.tombstones, model.size - live);
    assertEquals(table.bytes, bytes);
    assertEquals(table.get(keyId(utf8("never put"))), undefined);
  }
});

Deno.test("range() gives the entries of an arc, clockwise from its start", () => {
  const { table, model } = filled(4);
  for (const arc of arcs(4)) {
    const wanted = [...model.keys()]
      .filter((id) => isInArc(id, arc.after, arc.through)).sort();
    const after = wanted.filter((id) => id > arc.after);
    const wrapped = wanted.filter((id) => id <= arc.after);
    const inOrder = [...after, ...wrapped];
    assertEquals([...table.range(arc)].map(({ id }) => id), inOrder);
  }
});

Deno.test("summary() and liveIn() count an arc as its entries do", () => {
  const { table, model } = filled(5);
  for (const arc of arcs(5)) {
    const inside = [...model.values()]
      .filter(({ id }) => isInArc(id, arc.after, arc.through));
    const live = inside.filter(({ value }) => value !== undefined);
    assertEquals(table.summary(arc).count, inside.length);
    assertEquals(table.liveIn(arc), live.length);
    assertEquals(table.firstLive(arc) !== undefined, live.length > 0);
    const first = table.firstLive(arc);
    if (first !== undefined) assert(live.includes(first));
  }
});

Deno.test("two tables with the same entries have the same digests", () => {
  const { model } = filled(6);
  const [one, other] = [new Table(), new Table()];
  for (const entry of model.values()) one.put(entry);
  for (const entry of [...model.values()].reverse()) {
    other.put({ ...entry, version: { ...entry.version, ms: 77_777 } });
    other.put(entry);
  }
  for (const arc of arcs(6)) {
    assertEquals(one.summary(arc), other.summary(arc));
  }
});

Deno.test("another version of one entry gives another digest", () => {
  const { table, model } = filled(7);
  const whole = { after: ZERO_ID, through: ZERO_ID };
  const before = table.summary(whole).digest;
  for (const entry of [...model.values()].slice(0, 200)) {
    const { ms, count, node } = entry.version;
    for (
      const version of [
        { ms: ms + 1, count, node },
        { ms, count: count + 1, node },
        { ms, count, node: "0".repeat(15) + "1" },
        { ms, count, node: "1" + "0".repeat(15) },
      ]
    ) {
      table.put({ ...entry, version });
      assertNotEquals(table.summary(whole).digest, before);
    }
    table.put(entry);
  }
  assertEquals(table.summary(whole).digest, before);
});

Deno.test("a reader of a range may store and delete meanwhile", () => {
  const { table } = filled(8);
  let seen = 0;
  for (const entry of table.range({ after: ZERO_ID, through: ZERO_ID })) {
    table.delete(entry.id);
    seen++;
  }
  assert(seen > 500);
  assertEquals(table.size, 0);
  assertEquals(
    table.summary({ after: ZERO_ID, through: ZERO_ID }).digest,
    ZERO_ID,
  );
});

Deno.test("a listener that keeps what it is told has what the table has", () => {
  const table = new Table();
  const kept = new Map<Id, Entry>();
  table.onChange = (id, entry) => {
    if (entry === undefined) kept.delete(id);
    else kept.set(id, entry);
  };
  const all = { after: ZERO_ID, through: ZERO_ID };
  const same = () => {
    const entries = [...kept.values()].sort((a, b) => a.id < b.id ? -1 : 1);
    assertEquals(entries, [...table.range(all)]);
  };
  const random = new SeededRandom(7, "listener");
  for (let i = 0; i < 500; i++) {
    const name = `key ${below(random, 50)}`;
    const action = below(random, 4);
    if (action === 0) table.delete(keyId(utf8(name)));
    else table.put(entryOf(name, i, action === 1 ? undefined : `${i}`));
  }
  assert(kept.size > 0);
  same();
  table.clear();
  assertEquals(kept.size, 0);
});

Deno.test("a stored entry gives back all bytes, and keeps none that others change", () => {
  for (const length of [0, 1, 255, 256, 257, 4_096]) {
    const value = Uint8Array.from({ length }, (_, i) => i * 7);
    const frame = new Uint8Array(2 * length + 20).fill(9);
    frame.set(value, 10);
    const entry = new StoredEntry(ZERO_ID, {
      key: frame.subarray(0, 10),
      value: frame.subarray(10, 10 + length),
      version: { ms: 1, count: 0, node: "0".repeat(16) },
      terms: undefined,
    }, 5);
    frame.fill(0);
    assertEquals(entry.key, new Uint8Array(10).fill(9));
    assertEquals(entry.value, value);
    assertEquals([entry.isLive, entry.size], [true, length + 10]);
  }
});

Deno.test("a large value that is most of its frame is not copied", () => {
  const frame = new Uint8Array(100_000);
  const entry = new StoredEntry(ZERO_ID, {
    key: frame.subarray(0, 10),
    value: frame.subarray(1_000),
    version: { ms: 1, count: 0, node: "0".repeat(16) },
    terms: undefined,
  }, 5);
  assertEquals(entry.value!.buffer, frame.buffer);
});
