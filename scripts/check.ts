/**
 * Everything that can be checked without running the library:
 * `deno task check`.
 *
 * The browser check compiles layers 0 to 5 (all of `src` but `src/runtime`)
 * against the libraries of ECMAScript and the browser alone, in a copy, because
 * compiler options follow the configuration file above a source file. What such
 * a check is worth is shown by a control: the same compiler must refuse a file
 * that names a runtime's own global.
 *
 * @module
 */
import { packageArgs } from "./offline/packages.ts";

const root = new URL("..", import.meta.url);
const failed: string[] = [];

interface Run {
  readonly ok: boolean;
  readonly output: string;
}

async function deno(args: readonly string[], cwd: URL | string): Promise<Run> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    ok: success,
    output: decoder.decode(stdout) + decoder.decode(stderr),
  };
}

/** Runs one step, says how it went, and shows the output of one that failed. */
async function step(name: string, run: () => Promise<Run>): Promise<void> {
  const startMs = performance.now();
  const { ok, output } = await run();
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${ok ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (ok) return;
  console.log(output);
  failed.push(name);
}

async function copyTree(from: URL, to: URL, skip: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    const source = new URL(name, from);
    if (isDirectory && name !== skip) {
      await copyTree(new URL(`${name}/`, from), new URL(`${name}/`, to), "");
    } else if (name.endsWith(".ts")) {
      await Deno.copyFile(source, new URL(name, to));
    }
  }
}

/** Layers 0 to 5 in a folder whose configuration knows browsers only. */
async function browserProject(folder: URL): Promise<void> {
  const text = await Deno.readTextFile(new URL("deno.json", root));
  const { compilerOptions } = JSON.parse(text);
  const config = { compilerOptions: { ...compilerOptions } };
  config.compilerOptions.lib = ["esnext", "dom"];
  await Deno.writeTextFile(
    new URL("deno.json", folder),
    JSON.stringify(config),
  );
  await copyTree(new URL("src/", root), new URL("src/", folder), "runtime");
  await Deno.copyFile(new URL("mod.ts", root), new URL("mod.ts", folder));
}

async function checkForBrowsers(): Promise<Run> {
  const path = await Deno.makeTempDir({ prefix: "chord_dict_browser_" });
  const folder = new URL(`file://${path}/`);
  try {
    await browserProject(folder);
    const layers = await deno(["check", "mod.ts", "src"], folder);
    if (!layers.ok) return layers;
    await Deno.writeTextFile(
      new URL("src/control.ts", folder),
      "export const stray: string = Deno.version.deno;\n",
    );
    const control = await deno(["check", "src/control.ts"], folder);
    if (!control.ok && control.output.includes("'Deno'")) return layers;
    return {
      ok: false,
      output: `The control was not refused for naming Deno:\n${control.output}`,
    };
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const packages = await packageArgs();
const everything = ["mod.ts", "src", "scripts", "tests"];
await step("format", () => deno(["fmt", "--check"], root));
await step("lint", () => deno(["lint"], root));
await step("types", () => deno(["check", ...packages, ...everything], root));
await step("types, layers 0 to 5 in a browser", checkForBrowsers);
await step(
  "publishable",
  () => deno(["publish", "--dry-run", "--allow-dirty"], root),
);
if (failed.length > 0) {
  console.log(`Checks that failed: ${failed.join(", ")}`);
  Deno.exit(1);
}
