/**
 * Runs the conformance cases on Bun or Node, and writes one line of JSON for
 * each:
 *
 *     <runtime> conformance_main.ts <library> <entry point> <outside>
 *
 * The first two are what to import, the last one is an `Outside` as JSON. The
 * process must end by itself afterwards.
 *
 * @module
 */
import { createRequire } from "node:module";
import type * as BunEntry from "../../src/runtime/bun.ts";
import type * as NodeEntry from "../../src/runtime/node.ts";
import { runCases } from "../../src/testing/conformance/cases.ts";
import type {
  Library,
  OwnServer,
  Subject,
} from "../../src/testing/conformance/subject.ts";

type Serve = NonNullable<Subject["serve"]>;

const [, program, libraryAt, entryAt, outside] = process.argv;
const library: Library = await import(libraryAt!);
const entry = await import(entryAt!);

/** What is used of Bun, whose types are not at hand. */
interface BunLike {
  serve(options: unknown): BunEntry.BunServer & { readonly port: number };
}

function serveOnBun({ upgrade, websocket }: typeof BunEntry): Serve {
  const { Bun } = globalThis as unknown as { Bun: BunLike };
  // deno-lint-ignore require-await -- a subject may need to wait
  return async (sock): Promise<OwnServer> => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request: Request, server: BunEntry.BunServer) =>
        new URL(request.url).pathname === "/peers"
          ? upgrade(sock, request, server)
          : new Response("a page"),
      websocket,
    });
    return { port: server.port, close: () => server.stop(true) };
  };
}

function serveOnNode({ upgrade }: typeof NodeEntry): Serve {
  return async (sock): Promise<OwnServer> => {
    const { createServer } = await import("node:http");
    const server = createServer((request, response) => {
      const isPage = request.url !== "/peers";
      response.statusCode = isPage ? 200 : 426;
      response.end(isPage ? "a page" : "");
    });
    server.on("upgrade", (request, stream, head) => {
      upgrade(sock, request, stream, head);
    });
    await new Promise<void>((resolve) =>
      server.listen({ host: "127.0.0.1", port: 0 }, resolve)
    );
    const { port } = server.address() as { port: number };
    return {
      port,
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    };
  };
}

function webSocket(): NonNullable<Subject["webSocket"]> {
  return globalThis.WebSocket ?? createRequire(program!)("ws").WebSocket;
}

const isBun = "Bun" in globalThis;
const subject: Subject = {
  runtime: isBun ? "bun" : `node ${process.versions.node}`,
  library,
  listen: entry.listen,
  serve: isBun ? serveOnBun(entry) : serveOnNode(entry),
  webSocket: webSocket(),
  outside: JSON.parse(outside!),
};
await runCases(subject, (outcome) => console.log(JSON.stringify(outcome)));
