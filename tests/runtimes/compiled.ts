import { programOf, RUNTIMES_FOLDER } from "../../scripts/runtimes_found.ts";

const root = new URL("../../", import.meta.url);

/** Modules for runtimes that do not know TypeScript. */
export interface Compiled extends AsyncDisposable {
  readonly folder: URL;
}

/**
 * Files without their types, beside the installed packages so that what they
 * import of these is found. What several of them import is there once.
 *
 * @param files paths from the root; the last part of each names the result
 */
export async function compile(files: readonly string[]): Promise<Compiled> {
  const esbuild = programOf("esbuild");
  if (esbuild === undefined) {
    throw new Error(`Cannot compile: run "deno task runtimes" first`);
  }
  const path = await Deno.makeTempDir({
    dir: RUNTIMES_FOLDER.pathname,
    prefix: "compiled_",
  });
  const { success, stderr } = await new Deno.Command(esbuild, {
    args: [
      ...files,
      "--bundle",
      "--splitting",
      "--format=esm",
      "--platform=node",
      "--target=node20",
      "--entry-names=[name]",
      "--out-extension:.js=.mjs",
      `--outdir=${path}`,
    ],
    cwd: root,
    stdout: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return {
    folder: new URL(`file://${path}/`),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
