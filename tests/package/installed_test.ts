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

/** A test of an application, on simulated nodes. */
const SIMULATION = `import { ChordSocket, SyncSocket, text } from "@chord/dict";
import { simulate } from "@chord/dict/testing";

const hashes = [];
for (const Socket of [ChordSocket, ChordSocket, SyncSocket, SyncSocket]) {
  const secret = "known to all of them";
  const { traceHash } = await simulate({
    ...{ seed: 1, nodes: 4, faults: { crash: 2, split: 1, reset: 5 } },
    create: (given) => new Socket({ ...given, secret, values: text }),
  }, async (ring) => {
    await ring.nodes[0].set("greeting", "hello");
    ring.crash(ring.nodes[0]);
    await ring.pass(60_000);
    await ring.check();
    const greeting = await ring.nodes[0].get("greeting");
    if (greeting !== "hello") throw new Error("lost: " + greeting);
  });
  hashes.push(traceHash);
}
console.log(hashes.join(" "));
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

    await Deno.writeTextFile(`${folder}/simulation.js`, SIMULATION);
    for (const name of EVERYWHERE) {
      await context.step(`simulates a ring on ${name}`, async () => {
        const { path } = runtimes[name];
        const said = await mustRun(path, ["simulation.js"], folder);
        const hashes = said.trim().split(" ");
        assertEquals(hashes.length, 4);
        assertEquals([hashes[0], hashes[2]], [hashes[1], hashes[3]]);
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
