import { assertEquals } from "@std/assert";
import {
  type RuntimeName,
  RUNTIMES_FOLDER,
  runtimeTest,
} from "../../scripts/runtimes_found.ts";

const root = new URL("../../", import.meta.url);

const runs: readonly (readonly [runtime: RuntimeName, entry: string])[] = [
  ["bun", "bun"],
  ["node24", "node"],
];

/** The first example of a module, of the sources that are here. */
async function exampleOf(entry: string): Promise<string> {
  const path = new URL(`src/runtime/${entry}.ts`, root);
  const text = await Deno.readTextFile(path);
  const block = /^ \* ```ts ignore\n(.*?)^ \* ```$/ms.exec(text)![1]!;
  return block.replaceAll(/^ \* ?/gm, "")
    .replaceAll(`"@chord/dict"`, JSON.stringify(new URL("mod.ts", root)))
    .replaceAll(`"@chord/dict/${entry}"`, JSON.stringify(path));
}

for (const [name, entry] of runs) {
  await runtimeTest(
    [name],
    `the example of @chord/dict/${entry} does what it says`,
    async (runtimes) => {
      const folder = await Deno.makeTempDir({ prefix: "chord_dict_example_" });
      try {
        const program = `${folder}/example.mts`;
        await Deno.writeTextFile(program, await exampleOf(entry));
        const { code, stdout, stderr } = await new Deno.Command(
          runtimes[name].path,
          {
            args: [program],
            env: {
              NODE_PATH: new URL("node_modules", RUNTIMES_FOLDER).pathname,
            },
            stdin: "null",
            signal: AbortSignal.timeout(30_000),
          },
        ).output();
        const decoder = new TextDecoder();
        assertEquals(
          [code, decoder.decode(stdout)],
          [0, "hello\n"],
          decoder.decode(stderr),
        );
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}
