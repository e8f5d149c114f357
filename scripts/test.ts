/**
 * Runs the tests: `deno task test [files, folders or flags of deno test]`.
 *
 * Without files it runs everything in `tests` and every example in the doc
 * comments of `src` and `mod.ts`. The last line counts what ran.
 *
 * @module
 */
import { packageArgs } from "./offline/packages.ts";

/** A run that takes longer hangs; it is ended and counts as failed. */
const RUN_MS_MAX = 8 * 60_000;

/** What one run of `deno test` says at its end. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Reads the closing line of `deno test`; `undefined` when there is none. */
export function countsOf(output: string): Counts | undefined {
  // deno-lint-ignore no-control-regex -- colours are control characters
  const plain = output.replaceAll(/\x1b\[[0-9;]*m/g, "");
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

/** Shows what comes and keeps the end of it. */
async function show(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let end = "";
  for await (const chunk of stream) {
    Deno.stdout.writeSync(chunk);
    end = (end + decoder.decode(chunk, { stream: true })).slice(-65_536);
  }
  return end;
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
  const output = await show(child.stdout);
  const { code } = await child.status;
  clearTimeout(watchdog);
  const counts = countsOf(output) ?? { passed: 0, failed: 0, skipped: 0 };
  // A run that broke off, or whose files do not compile, failed as a whole.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  const { passed, failed, skipped } = counts;
  const rest = skipped > 0 ? `, ${skipped} skipped` : "";
  console.log(`${passed} passed, ${failed} failed${rest}`);
  if (failed > 0) return 1;
  return passed > 0 ? code : 1;
}

if (import.meta.main) Deno.exit(await main());
