import { type Runtime, runtimeTest } from "../../../scripts/runtimes_found.ts";
import { bundle } from "../bundle.ts";
import { startOutside } from "../outside.ts";
import { outcomesIn, report } from "../report.ts";
import { Workerd } from "./process.ts";

/** More than nodes that live at once. */
const EXTRA_PORTS = 16;

async function conformAt(
  path: string,
  runtime: Runtime,
  context: Deno.TestContext,
): Promise<void> {
  await using outside = await startOutside();
  await using workerd = await Workerd.start(runtime, {
    module: await bundle(new URL("conformance_worker.ts", import.meta.url)),
    className: "Place",
    extraPorts: EXTRA_PORTS,
  });
  const { url, muteUrl, pagesUrl, nobodyUrl } = outside;
  const response = await fetch(`http://${workerd.host}${path}`, {
    method: "POST",
    body: JSON.stringify({
      outside: { url, muteUrl, pagesUrl, nobodyUrl },
      ports: workerd.extraPorts,
    }),
  });
  await report(outcomesIn(response), context);
}

await runtimeTest(
  ["workerd"],
  "everything is true in a Durable Object",
  ({ workerd }, context) => conformAt("/object", workerd, context),
);

await runtimeTest(
  ["workerd"],
  "everything is true in a Worker",
  ({ workerd }, context) => conformAt("/worker", workerd, context),
);
