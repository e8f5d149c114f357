/**
 * What the library weighs in a page: `deno task size`.
 *
 * The bundle of an application that imports `ChordSocket` and nothing else,
 * minified, for today's browsers; the size is what goes over the wire with
 * gzip. What each part adds is shown before gzip, since parts share its
 * dictionary.
 *
 * @module
 */
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { programOf, VERSIONS } from "./runtimes_found.ts";

const root = new URL("..", import.meta.url);

/** The whole of the application that is weighed. */
const APPLICATION = `export { ChordSocket } from "./mod.ts";`;

/** Bytes of a bundle. */
export interface Size {
  readonly gzipped: number;
  readonly brotli: number;
  readonly minified: number;
  /** Before gzip, by folder of `src`, the largest first. */
  readonly parts: readonly (readonly [string, number])[];
}

/** What is read of what the bundler tells. */
interface Meta {
  readonly outputs: Readonly<Record<string, Output>>;
}

interface Output {
  readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>;
}

function partsOf(meta: Meta): (readonly [string, number])[] {
  const parts = new Map<string, number>();
  for (const { inputs } of Object.values(meta.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const part = /^src\/(\w+)\//.exec(path)?.[1] ?? "driver";
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
    }
  }
  return [...parts].sort(([, a], [, b]) => b - a);
}

async function bundle(program: string, folder: string): Promise<Size> {
  const child = new Deno.Command(program, {
    args: [
      "--bundle",
      "--minify",
      "--format=esm",
      "--platform=browser",
      "--target=es2022",
      "--loader=ts",
      "--log-level=warning",
      `--metafile=${folder}/meta.json`,
      `--outfile=${folder}/bundle.js`,
    ],
    cwd: root,
    stdin: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(APPLICATION));
  await input.close();
  const { success } = await child.status;
  if (!success) {
    throw new Error("Cannot bundle mod.ts: see what was said above");
  }
  const code = await Deno.readFile(`${folder}/bundle.js`);
  const meta = JSON.parse(await Deno.readTextFile(`${folder}/meta.json`));
  const level = constants.Z_BEST_COMPRESSION;
  return {
    gzipped: gzipSync(code, { level }).length,
    brotli: brotliCompressSync(code).length,
    minified: code.length,
    parts: partsOf(meta),
  };
}

/** Weighs the library as it is in this folder. */
export async function measure(): Promise<Size> {
  const program = programOf("esbuild");
  if (program === undefined) {
    throw new Error(
      `Cannot find esbuild ${VERSIONS.esbuild}: run "deno task runtimes" first`,
    );
  }
  const folder = await Deno.makeTempDir({ prefix: "chord_dict_size_" });
  try {
    return await bundle(program, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** As kB of 1,000 bytes, with one decimal. */
export function shownKb(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

if (import.meta.main) {
  const { gzipped, brotli, minified, parts } = await measure();
  console.log(
    `ChordSocket in a browser: ${shownKb(gzipped)} minified and gzipped ` +
      `(${shownKb(minified)} before, ${shownKb(brotli)} with Brotli)`,
  );
  for (const [name, bytes] of parts) {
    if (bytes > 0) console.log(`  ${name.padEnd(10)} ${shownKb(bytes)}`);
  }
}
