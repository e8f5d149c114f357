import { assert, assertEquals } from "@std/assert";
import {
  findRuntime,
  isCi,
  RUNTIME_NAMES,
  VERSIONS,
} from "../../scripts/runtimes_found.ts";

const root = new URL("../..", import.meta.url);

const TEST = `import { runtimeTest } from "./scripts/runtimes_found.ts";
await runtimeTest(["deno"], "here", async () => {});
await runtimeTest(["deno", "bun"], "needs another", async () => {});
`;

/** Runs two tests in a copy where nothing is installed; gives the output. */
async function testElsewhere(ci: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "chord_dict_bare_" });
  try {
    for (const file of [".ci/runtimes.json", "scripts/runtimes_found.ts"]) {
      await Deno.mkdir(`${folder}/${file.split("/")[0]}`);
      await Deno.copyFile(new URL(file, root), `${folder}/${file}`);
    }
    await Deno.writeTextFile(`${folder}/it_test.ts`, TEST);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-config", "--allow-read", "--allow-env=CI"],
      cwd: folder,
      env: { CI: ci, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a runtime that is missing skips its tests, by name", async () => {
  const said = await testElsewhere("");
  assert(said.includes("here [deno] ... ok"), said);
  assert(said.includes("needs another [deno, bun] ... ignored"), said);
  assert(said.includes("1 passed | 0 failed | 1 ignored"), said);
});

Deno.test("in continuous checks a runtime that is missing is a failure", async () => {
  const said = await testElsewhere("true");
  assert(said.includes("1 passed | 1 failed"), said);
  assert(said.includes('run "deno task runtimes" first'), said);
});

Deno.test("every runtime has a version that is tested", () => {
  for (const name of RUNTIME_NAMES) assert(name in VERSIONS, name);
});

Deno.test({
  name: "continuous checks run on the pinned version of Deno",
  ignore: !isCi(),
  fn: async () => {
    const here = await findRuntime("deno");
    assertEquals(here?.version, VERSIONS.deno);
  },
});
