import {
  type RuntimeName,
  RUNTIMES_FOLDER,
  runtimeTest,
} from "../../scripts/runtimes_found.ts";
import { compile } from "./compiled.ts";
import { conform, type Modules } from "./conform.ts";

const root = new URL("../../", import.meta.url);
const PACKAGES = new URL("node_modules", RUNTIMES_FOLDER).pathname;

function sources(name: "bun" | "node"): Modules {
  return {
    main: new URL("tests/runtimes/conformance_main.ts", root).pathname,
    library: new URL("mod.ts", root).href,
    entry: new URL(`src/runtime/${name}.ts`, root).href,
    packages: PACKAGES,
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
    const files = [library, entry].map((href) => new URL(href).pathname);
    await using compiled = await compile([main, ...files]);
    const { folder } = compiled;
    await conform(node20, {
      main: new URL("conformance_main.mjs", folder).pathname,
      library: new URL("mod.mjs", folder).href,
      entry: new URL("node.mjs", folder).href,
    }, context);
  },
);
