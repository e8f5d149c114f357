import { assert, assertEquals } from "@std/assert";
import type { Runtime } from "../../scripts/runtimes_found.ts";
import {
  conformanceCases,
  type Outcome,
} from "../../src/testing/conformance/cases.ts";
import { startOutside } from "./outside.ts";

/** How long a process may live on once all cases have run. */
const EXIT_MS_MAX = 5_000;

/** What a runtime is to load. */
export interface Modules {
  /** The path of `conformance_main.ts`, compiled or not. */
  readonly main: string;
  /** What it imports as the library, and as the entry point of the runtime. */
  readonly library: string;
  readonly entry: string;
  /** Where packages are found that are not beside it. */
  readonly packages?: string;
}

interface Ended {
  readonly outcomes: readonly Outcome[];
  readonly code: number;
  /** From the last line to the end of the process. */
  readonly exitMs: number;
}

async function runCasesOn(
  { path }: Runtime,
  { main, library, entry, packages }: Modules,
  context: Deno.TestContext,
): Promise<Ended> {
  await using outside = await startOutside();
  await using child = new Deno.Command(path, {
    args: [main, library, entry, JSON.stringify(outside)],
    env: packages === undefined ? {} : { NODE_PATH: packages },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const outcomes: Outcome[] = [];
  let lastMs = performance.now();
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const outcome: Outcome = JSON.parse(line);
      outcomes.push(outcome);
      lastMs = performance.now();
      await context.step(`${outcome.name} (${outcome.ms} ms)`, () => {
        if (outcome.status !== "passed") throw new Error(outcome.why);
      });
    }
  }
  const { code } = await child.status;
  return { outcomes, code, exitMs: performance.now() - lastMs };
}

/**
 * Runs all cases in a process of the runtime, as steps of a test. All must
 * pass, and then the process must end by itself.
 */
export async function conform(
  runtime: Runtime,
  modules: Modules,
  context: Deno.TestContext,
): Promise<void> {
  const { outcomes, code, exitMs } = await runCasesOn(
    runtime,
    modules,
    context,
  );
  const names = (list: readonly { name: string }[]) =>
    list.map(({ name }) => name);
  assertEquals(names(outcomes), names(conformanceCases));
  assertEquals(code, 0);
  assert(exitMs < EXIT_MS_MAX, `it ended ${exitMs} ms after the last case`);
}
