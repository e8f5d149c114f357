/**
 * Runs the tests: `deno task test [files, folders or flags of deno test]`.
 *
 * Without files it runs everything in `tests` and every example in the doc
 * comments of `src` and `mod.ts`. At the end it says which runtimes ran tests
 * and which are not installed; the last line counts the tests.
 *
 * @module
 */
import { packageArgs } from "./offline/packages.ts";
import {
  findRuntime,
  RUNTIME_NAMES,
  type RuntimeName,
} from "./runtimes_found.ts";

/** A run that takes longer hangs; it is ended and counts as failed. */
const RUN_MS_MAX = 14 * 60_000;

/** What one run of `deno test` says at its end. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

function withoutColours(output: string): string {
  // deno-lint-ignore no-control-regex -- colours are control characters
  return output.replaceAll(/\x1b\[[0-9;]*m/g, "");
}

/** The runtimes of a test, when the line says that it ran to its end. */
export function runtimesOf(line: string): RuntimeName[] {
  const ran = /\[([a-z0-9, ]+)\] \.\.\. (?:ok|FAILED)\b/;
  const names = ran.exec(withoutColours(line))?.[1]?.split(", ") ?? [];
  return RUNTIME_NAMES.filter((name) => names.includes(name));
}

/** Reads the closing line of `deno test`; `undefined` when there is none. */
export function countsOf(output: string): Counts | undefined {
  const plain = withoutColours(output);
  const steps = String.raw`(?: \(\d+ steps?\))?`;
  const closing = new RegExp(
    String.raw`^(?:ok|FAILED) \| (\d+) passed${steps} \| (\d+) failed${steps}` +
      String.raw`(?: \| (\d+) ignored${steps})?`,
    "gm",
  );
  const last = [...plain.matchAll(closing)].at(-1);
  if (last === undefined) return undefined;
  const [, passed, failed, skipped] = last;
  return {
    passed: Number(passed),
    failed: Number(failed),
    skipped: Number(skipped ?? 0),
  };
}

async function isPath(arg: string): Promise<boolean> {
  try {
    await Deno.stat(arg);
    return true;
  } catch {
    return false;
  }
}

async function command(args: readonly string[]): Promise<string[]> {
  const named = await Promise.all(args.map(isPath));
  return [
    "test",
    "--doc",
    "--parallel",
    "--allow-net",
    "--allow-read",
    "--allow-write",
    "--allow-run",
    "--allow-env",
    ...await packageArgs(),
    ...args,
    ...named.includes(true) ? [] : ["tests", "src", "mod.ts"],
  ];
}

/** What is kept of the output of a run. */
interface Shown {
  readonly end: string;
  readonly runtimes: ReadonlySet<RuntimeName>;
}

/** Shows what comes, and keeps the end of it and which runtimes it names. */
async function show(stream: ReadableStream<Uint8Array>): Promise<Shown> {
  const decoder = new TextDecoder();
  const runtimes = new Set<RuntimeName>(["deno"]);
  let end = "";
  let line = "";
  for await (const chunk of stream) {
    Deno.stdout.writeSync(chunk);
    const text = decoder.decode(chunk, { stream: true });
    end = (end + text).slice(-65_536);
    const lines = (line + text).split("\n");
    line = lines.pop()!;
    for (const name of lines.flatMap(runtimesOf)) runtimes.add(name);
  }
  return { end, runtimes };
}

/** Says which runtimes ran tests, which did not, and which are missing. */
async function tellRuntimes(ran: ReadonlySet<RuntimeName>): Promise<void> {
  const used: string[] = [];
  const missing: string[] = [];
  for (const name of RUNTIME_NAMES) {
    const runtime = await findRuntime(name);
    if (runtime === undefined) missing.push(name);
    else if (ran.has(name)) used.push(`${name} ${runtime.version}`);
  }
  console.log(`runtimes that ran: ${used.join(", ")}`);
  if (missing.length === 0) return;
  console.log(
    `not installed: ${missing.join(", ")}; "deno task runtimes" gets them`,
  );
}

async function main(): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: await command(Deno.args),
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const watchdog = setTimeout(() => {
    console.error(`Tests still run after ${RUN_MS_MAX / 60_000} minutes: end`);
    child.kill("SIGKILL");
  }, RUN_MS_MAX);
  const { end, runtimes } = await show(child.stdout);
  const { code } = await child.status;
  clearTimeout(watchdog);
  const counts = countsOf(end) ?? { passed: 0, failed: 0, skipped: 0 };
  // A run that broke off, or whose files do not compile, failed as a whole.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  const { passed, failed, skipped } = counts;
  await tellRuntimes(runtimes);
  const rest = skipped > 0 ? `, ${skipped} skipped` : "";
  console.log(`${passed} passed, ${failed} failed${rest}`);
  if (failed > 0) return 1;
  return passed > 0 ? code : 1;
}

if (import.meta.main) Deno.exit(await main());
