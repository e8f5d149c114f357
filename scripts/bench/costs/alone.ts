/**
 * What a node costs by itself: its memory, its start, a look at all entries.
 *
 * @module
 */
import { Latencies } from "../../latencies.ts";
import type { Runtime } from "../../runtimes_found.ts";
import { type Effort, type Figure, Subjects } from "./figures.ts";

const VALUE_BYTES = 64;
const KEY_BYTES = 16;
const RUNS = 3;

/**
 * Memory for each entry, over its bytes, on a node that has all of them: what
 * the entries keep, and what the system gave meanwhile and has not got back.
 */
export async function memory(
  runtime: Runtime,
  { entries }: Effort,
): Promise<Figure[]> {
  await using subjects = new Subjects(runtime);
  const subject = await subjects.add();
  await subject.ask("open", { nodes: 1, replicas: 3 });
  await subject.ask("join");
  const before = await subject.ask("memory");
  const ms = await subject.ask("fill", entries, VALUE_BYTES);
  const after = await subject.ask("memory");
  const each = (bytes: number) => bytes / entries - VALUE_BYTES - KEY_BYTES;
  const where = `of ${entries} entries of ${VALUE_BYTES} B, each`;
  return [
    {
      name: `heap and arrays ${where}, over its bytes`,
      value: each(after.heap - before.heap),
      unit: "B",
      most: 350,
    },
    {
      name: `resident memory ${where}, over its bytes`,
      value: each(after.resident - before.resident),
      unit: "B",
    },
    {
      name: `storing them, each`,
      value: 1000 * ms / entries,
      unit: "µs",
    },
  ];
}

async function median(run: () => Promise<number>, runs: number) {
  const times = new Latencies();
  for (let i = 0; i < runs; i++) times.add(await run());
  return times.quantile(0.5);
}

/** From the start of a process to its place in a ring of three. */
export async function start(
  runtime: Runtime,
  { starts }: Effort,
): Promise<Figure[]> {
  await using others = new Subjects(runtime);
  const first = await others.add();
  const replicas = 3;
  const [seed] = await first.ask("open", { nodes: 1, replicas });
  await first.ask("join");
  const loaded = new Latencies();
  const joined = new Latencies();
  for (let i = 0; i < starts; i++) {
    await using subjects = new Subjects(runtime);
    const startMs = performance.now();
    const subject = await subjects.add();
    loaded.add(performance.now() - startMs);
    await subject.ask("open", { nodes: 1, replicas, seed: seed! });
    await subject.ask("join");
    joined.add(performance.now() - startMs);
    await subject.ask("leave");
  }
  return [
    {
      name: "start of a process that has loaded the library",
      value: loaded.quantile(0.5),
      unit: "ms",
    },
    {
      name: "start of a process that has joined a ring",
      value: joined.quantile(0.5),
      unit: "ms",
    },
  ];
}

/** `size()` and whole scans of a ring of three. */
export async function scans(
  runtime: Runtime,
  { scanned }: Effort,
): Promise<Figure[]> {
  await using subjects = new Subjects(runtime);
  let seed: string | undefined;
  const all = [];
  for (let i = 0; i < 3; i++) {
    const subject = await subjects.add();
    const from = seed === undefined ? {} : { seed };
    const urls = await subject.ask("open", { nodes: 1, replicas: 3, ...from });
    seed ??= urls[0]!;
    await subject.ask("join");
    all.push(subject);
  }
  const last = all.at(-1)!;
  await last.ask("complete", 3);
  await last.ask("fill", scanned, VALUE_BYTES);
  const where = `of ${scanned} entries in a ring of three`;
  const sizeMs = await median(() => last.ask("size"), 10 * RUNS);
  const figures: Figure[] = [
    { name: `size() ${where}`, value: 1000 * sizeMs, unit: "µs" },
  ];
  for (const what of ["keys", "items"] as const) {
    const ms = await median(() => last.ask(what), RUNS);
    figures.push({
      name: `${what}() ${where}, each`,
      value: 1000 * ms / scanned,
      unit: "µs",
    });
  }
  return figures;
}
