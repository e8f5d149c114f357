import * as library from "@chord/dict";
import { listen, upgrade } from "@chord/dict/deno";
import {
  conformanceCases,
  runCase,
} from "../../src/testing/conformance/cases.ts";
import type { Subject } from "../../src/testing/conformance/subject.ts";
import { startOutside } from "./outside.ts";

const here: Subject = {
  runtime: "deno",
  library,
  listen,
  // deno-lint-ignore require-await -- a subject may need to wait
  serve: async (sock) => {
    const stop = new AbortController();
    const server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        signal: stop.signal,
        onListen: () => {},
      },
      (request) =>
        new URL(request.url).pathname === "/peers"
          ? upgrade(sock, request)
          : new Response("a page"),
    );
    return {
      port: server.addr.port,
      close: async () => {
        stop.abort();
        await server.finished;
      },
    };
  },
  webSocket: WebSocket,
};

/** Nodes that nobody can dial, as in a page: connected in memory. */
const inMemory: Subject = { runtime: "deno, in memory", library };

for (const place of [here, inMemory]) {
  for (const each of conformanceCases) {
    if (place === inMemory && each.needs.length > 0) continue;
    const needsOutside = each.needs.includes("outside");
    Deno.test(`on ${place.runtime}: ${each.name}`, async () => {
      await using outside = needsOutside ? await startOutside() : undefined;
      const subject = outside === undefined ? place : { ...place, outside };
      const { status, why } = await runCase(each, subject);
      if (status !== "passed") throw new Error(`${status}: ${why}`);
    });
  }
}
