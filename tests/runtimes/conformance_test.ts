import { assert, assertEquals } from "@std/assert";
import {
  type Runtime,
  type RuntimeName,
  RUNTIMES_FOLDER,
  runtimeTest,
} from "../../scripts/runtimes_found.ts";
import {
  conformanceCases,
  type Outcome,
} from "../../src/testing/conformance/cases.ts";
import { compile } from "./compiled.ts";
import { startOutside } from "./outside.ts";

const root = new URL("../../", import.meta.url);
const PACKAGES = new URL("node_modules", RUNTIMES_FOLDER).pathname;

/** How long a process may live on once all cases have run. */
const EXIT_MS_MAX = 5_000;

/** What a runtime is to load. */
interface Modules {
  readonly main: URL;
  readonly library: URL;
  readonly entry: URL;
}

interface Ended {
  readonly outcomes: readonly Outcome[];
  readonly code: number;
  /** From the last line to the end of the process. */
  readonly exitMs: number;
}

/** Runs all cases in a process of the runtime, as steps of a test. */
async function runCasesOn(
  { path }: Runtime,
  { main, library, entry }: Modules,
  context: Deno.TestContext,
): Promise<Ended> {
  await using outside = await startOutside();
  await using child = new Deno.Command(path, {
    args: [main.pathname, library.href, entry.href, JSON.stringify(outside)],
    env: { NODE_PATH: PACKAGES },
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

async function conform(
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

function sources(name: "bun" | "node"): Modules {
  return {
    main: new URL("tests/runtimes/conformance_main.ts", root),
    library: new URL("mod.ts", root),
    entry: new URL(`src/runtime/${name}.ts`, root),
  };
}

await runtimeTest(
  ["bun"],
  "everything is true on Bun",
  ({ bun }, context) => conform(bun, sources("bun"), context),
);

const nodes: readonly RuntimeName[] = ["node22", "node24"];
for (const name of nodes) {
  await runtimeTest(
    [name],
    `everything is true on ${name}, of the sources as they are`,
    (runtimes, context) => conform(runtimes[name], sources("node"), context),
  );
}

await runtimeTest(
  ["node20"],
  "everything is true on node20, compiled",
  async ({ node20 }, context) => {
    const { main, library, entry } = sources("node");
    const files = [main, library, entry].map(({ pathname }) => pathname);
    await using compiled = await compile(files);
    const { folder } = compiled;
    await conform(node20, {
      main: new URL("conformance_main.mjs", folder),
      library: new URL("mod.mjs", folder),
      entry: new URL("node.mjs", folder),
    }, context);
  },
);
