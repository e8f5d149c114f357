import { programOf } from "../../scripts/runtimes_found.ts";

const root = new URL("../../", import.meta.url);

/** What a program in a runtime without files may import by name. */
const NAMES: readonly (readonly [name: string, path: string])[] = [
  ["@chord/dict", "mod.ts"],
  ["@chord/dict/workerd", "src/runtime/workerd.ts"],
];

const bundles = new Map<string, Promise<string>>();

/** A program and all that it imports, as one module of JavaScript. */
export function bundle(program: URL): Promise<string> {
  const known = bundles.get(program.href) ?? build(program);
  bundles.set(program.href, known);
  return known;
}

async function build(program: URL): Promise<string> {
  const esbuild = programOf("esbuild");
  if (esbuild === undefined) {
    throw new Error(`Cannot find esbuild: run "deno task runtimes" first`);
  }
  const { success, stdout, stderr } = await new Deno.Command(esbuild, {
    args: [
      program.pathname,
      "--bundle",
      "--format=esm",
      "--target=es2022",
      "--log-level=warning",
      ...NAMES.map(([name, path]) =>
        `--alias:${name}=${new URL(path, root).pathname}`
      ),
    ],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(
    `Cannot bundle ${program.pathname}: ${decoder.decode(stderr)}`,
  );
}
