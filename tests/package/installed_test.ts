import { assert, assertEquals, assertMatch } from "@std/assert";
import { type RuntimeName, runtimeTest } from "../../scripts/runtimes_found.ts";
import { compile } from "../runtimes/compiled.ts";
import { conform } from "../runtimes/conform.ts";
import { startOutside } from "../runtimes/outside.ts";
import { buildPackage, mustRun } from "./built.ts";

/** What runs the conformance cases; it imports what it is told to. */
const MAIN = "tests/runtimes/conformance_main.ts";

const WITHOUT_WS: readonly RuntimeName[] = ["node20", "node22", "node24"];
const EVERYWHERE: readonly RuntimeName[] = [...WITHOUT_WS, "bun"];

/** Versions in which a CommonJS program can load modules. */
const WITH_REQUIRE: readonly RuntimeName[] = ["node22", "node24"];

/** Listens and dials, and says how each went. */
const PROGRAM = `import { ChordSocket, text } from "@chord/dict";
import { listen } from "@chord/dict/node";

const options = { subnet: "outside", keys: text, values: text };
const sock = new ChordSocket(options);
const said = (action) =>
  action.then(() => "done", (error) => error.name + ": " + error.message);
const listened = await said(listen(sock));
const dialled = await said(sock.connect(process.argv[2]));
const written = await said(sock.set("written by", process.version));
console.log(JSON.stringify({ listened, dialled, written }));
await sock.close();
`;

/** The compiled test program goes where a user's own would be. */
async function copyMain(folder: string): Promise<string> {
  await using compiled = await compile([MAIN]);
  const path = `${folder}/main.mjs`;
  const from = new URL("conformance_main.mjs", compiled.folder);
  await Deno.copyFile(from, path);
  return path;
}

await runtimeTest(
  EVERYWHERE,
  "the npm package, installed into an empty folder",
  async (runtimes, context) => {
    await using built = await buildPackage();
    const folder = await built.install("with_ws", true);
    const main = await copyMain(folder);
    for (const name of EVERYWHERE) {
      await context.step(`keeps every promise on ${name}`, async (steps) => {
        const library = "@chord/dict";
        const entry = `${library}/${name === "bun" ? "bun" : "node"}`;
        await conform(runtimes[name], { main, library, entry }, steps);
      });
    }

    for (const name of WITH_REQUIRE) {
      await context.step(`can be had by require on ${name}`, async () => {
        const code = `typeof require("@chord/dict/node").listen`;
        const args = ["--input-type=commonjs", "-p", code];
        const said = await mustRun(runtimes[name].path, args, folder);
        assertEquals(said, "function\n");
      });
    }

    const alone = await built.install("without_ws", false);
    await Deno.writeTextFile(`${alone}/program.js`, PROGRAM);
    for (const name of WITHOUT_WS) {
      await context.step(`says on ${name} what ws is needed for`, async () => {
        await using outside = await startOutside();
        const args = ["program.js", outside.url];
        const text = await mustRun(runtimes[name].path, args, alone);
        const said = JSON.parse(text);
        assertMatch(said.listened, /^ListenError: .*: npm install ws$/);
        // Node has a WebSocket of its own from version 22 on.
        if (name !== "node20") {
          assertEquals([said.dialled, said.written], ["done", "done"]);
          return;
        }
        assertMatch(said.dialled, /^ConnectionError: .*: npm install ws;/);
        assert(said.written !== "done", "written without a connection");
      });
    }
  },
);
