import { assert, assertEquals } from "@std/assert";
import {
  packageFolder,
  runtimeTest,
  VERSIONS,
} from "../../scripts/runtimes_found.ts";
import { buildPackage, mustRun, run } from "./built.ts";

const root = new URL("../..", import.meta.url);

async function json(path: string | URL): Promise<Record<string, unknown>> {
  return JSON.parse(await Deno.readTextFile(path));
}

async function* modules(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* modules(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

/** The script behind a command of an installed package. */
async function command(name: string): Promise<string> {
  const folder = packageFolder(name);
  if (folder === undefined) {
    throw new Error(`Cannot find ${name} ${VERSIONS[name]}`);
  }
  const { bin } = await json(new URL("package.json", folder));
  const [path] = typeof bin === "string" ? [bin] : Object.values(bin as object);
  return new URL(path, folder).pathname;
}

/** What a user's program may rely on; the marked line must not compile. */
function consumer(entries: readonly string[]): string {
  const imports = entries.map((entry, i) =>
    `import * as entry${i} from "${entry}";\nvoid entry${i};\n`
  );
  return `${imports.join("")}
import { type ChordError, ChordSocket, json, text } from "@chord/dict";

const sock = new ChordSocket<string, number>({ keys: text, values: json });
const found: number | undefined = await sock.get("visits", undefined);
for await (const [key, value] of sock) console.log(key.length, value + 1);
sock.on("add", (_sock, key) => key.toUpperCase());
export const applied = (error: ChordError): "no" | "maybe" => error.applied;
// @ts-expect-error -- a key is a string here
await sock.set(1, found);
`;
}

/** Settings under which users import packages; each with its module system. */
const RESOLUTIONS: readonly (readonly [string, string])[] = [
  ["node16", "node16"],
  ["nodenext", "nodenext"],
  ["bundler", "esnext"],
];

/** A browser's libraries, or Node's; neither with anything newer. */
const LIBRARIES: readonly (readonly [string, string[], string[]])[] = [
  ["a browser", ["es2022", "dom"], []],
  ["Node", ["es2022"], ["node"]],
];

/** Compiles `consumer.ts` in all the ways that users do. */
async function checkTypes(
  node: string,
  folder: string,
  context: Deno.TestContext,
): Promise<void> {
  const compiler = await command("typescript");
  const typeRoots = [new URL("..", packageFolder("@types/node")).pathname];
  for (const [resolution, module] of RESOLUTIONS) {
    for (const [place, lib, types] of LIBRARIES) {
      const name = `has types under ${resolution} for ${place}`;
      await context.step(name, async () => {
        const compilerOptions = {
          ...{ noEmit: true, strict: true, target: "es2022" },
          ...{ module, moduleResolution: resolution, lib, types, typeRoots },
        };
        await Deno.writeTextFile(
          `${folder}/tsconfig.json`,
          JSON.stringify({ compilerOptions, files: ["consumer.ts"] }),
        );
        const { success, text } = await run(node, [compiler], folder);
        assert(success, text);
      });
    }
  }
}

runtimeTest(["node24"], "the npm package", async ({ node24 }, context) => {
  await using built = await buildPackage();
  const manifest = await json(`${built.built}/package.json`);
  const config = await json(new URL("deno.json", root));
  const entries = Object.keys(config.exports as object)
    .map((entry) => `${config.name}${entry.slice(1)}`);
  const folder = await built.install("alone", false);

  await context.step("has the entry points of the source, as modules", () => {
    const names = Object.keys(manifest.exports as object);
    assertEquals(names, [
      ...Object.keys(config.exports as object),
      "./package.json",
    ]);
    assertEquals(manifest.type, "module");
    assertEquals(manifest.version, config.version);
  });

  await context.step("needs no package, and may use ws", async () => {
    assertEquals(manifest.dependencies, undefined);
    assertEquals(Object.keys(manifest.peerDependencies as object), ["ws"]);
    assertEquals(manifest.peerDependenciesMeta, { ws: { optional: true } });
    const found: string[] = [];
    for await (const { name } of Deno.readDir(`${folder}/node_modules`)) {
      if (!name.startsWith(".")) found.push(name);
    }
    assertEquals(found, ["@chord"]);
  });

  await context.step("holds code, types and what explains them", async () => {
    const inside = `${folder}/node_modules/@chord/dict`;
    const found: string[] = [];
    for await (const { name } of Deno.readDir(inside)) found.push(name);
    const wanted = ["LICENSE", "README.md", "esm", "package.json"];
    assertEquals(found.sort(), wanted);
    for await (const path of modules(`${inside}/esm`)) {
      const code = await Deno.readTextFile(path);
      assert(!/^(?!\s*\*).*(from |import\()".*\.ts"/m.test(code), path);
    }
  });

  await context.step("is clean for publint", async () => {
    const script = await command("publint");
    const args = [script, built.tarball, "--strict"];
    const said = await mustRun(node24.path, args, folder);
    assert(said.includes("All good!"), said);
  });

  await context.step("is clean for arethetypeswrong", async () => {
    const script = await command("@arethetypeswrong/cli");
    // ESM only: nobody is promised that a CommonJS compiler resolves it.
    const args = [script, built.tarball, "--profile", "esm-only"];
    const said = await mustRun(node24.path, args, folder);
    assert(said.includes('"@chord/dict"'), said);
  });

  await Deno.writeTextFile(`${folder}/consumer.ts`, consumer(entries));
  await checkTypes(node24.path, folder, context);
});
