/**
 * Runs in workerd: the conformance cases, in a Worker or in an object.
 *
 * @module
 */
import * as library from "@chord/dict";
import { upgrade } from "@chord/dict/workerd";
import { runCases } from "../../../src/testing/conformance/cases.ts";
import type {
  Listening,
  Outside,
  OwnServer,
  Subject,
} from "../../../src/testing/conformance/subject.ts";

interface Env {
  readonly MEMBERS: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

/** What a run is told. */
interface Told {
  readonly outside: Outside;
  /** Ports on which this program is asked, besides the first. */
  readonly ports: readonly number[];
}

const PORTS = "the platform has the ports and their HTTP";

/** Cases about what the platform does itself. */
const SKIPS = Object.fromEntries([
  // Of the answer, too: its header that names the protocol is not let through.
  "a request for a page gets 426",
  "a port in use is refused, and the next one is free",
  "an address that is not this machine's is refused",
  "a wildcard needs the url that others may dial",
  "close() of a listener ends what came in, and frees the port",
  "close() of a socket frees its port",
].map((name) => [name, PORTS]));

/** Answers with one line of JSON for each case, as it ends. */
function run(subject: Subject): { response: Response; done: Promise<void> } {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const done = runCases(subject, (outcome) => {
    void writer.write(encoder.encode(JSON.stringify(outcome) + "\n"));
  }).then(() => writer.close());
  return { response: new Response(readable), done };
}

/** An object whose nodes are each behind a port of the process. */
export class Place {
  #free: number[] = [];
  readonly #byPort = new Map<number, (request: Request) => Response>();

  async fetch(request: Request): Promise<Response> {
    const { pathname, port } = new URL(request.url);
    if (pathname !== "/object") {
      const answer = this.#byPort.get(Number(port));
      if (answer !== undefined) return answer(request);
      return new Response("Nobody is here", { status: 503 });
    }
    const { outside, ports }: Told = await request.json();
    this.#free = [...ports];
    return run({
      runtime: "a Durable Object",
      library,
      webSocket: WebSocket as never,
      outside,
      listen: (sock) => this.#listen(sock),
      serve: (sock) => Promise.resolve(this.#serve(sock)),
      skips: SKIPS,
    }).response;
  }

  async #listen(sock: library.MeshSocket): Promise<Listening> {
    const server = this.#open((request) => upgrade(sock, request));
    const url = `ws://127.0.0.1:${server.port}/`;
    await sock.listening(url, server.close);
    return { ...server, hostname: "127.0.0.1", url: sock.url };
  }

  #serve(sock: library.MeshSocket): OwnServer {
    return this.#open((request) =>
      new URL(request.url).pathname === "/peers"
        ? upgrade(sock, request)
        : new Response("a page")
    );
  }

  #open(answer: (request: Request) => Response): OwnServer {
    const port = this.#free.shift()!;
    this.#byPort.set(port, answer);
    return {
      port,
      close: () => {
        if (this.#byPort.delete(port)) this.#free.push(port);
        return Promise.resolve();
      },
    };
  }
}

export default {
  async fetch(
    request: Request,
    env: Env,
    context: { waitUntil(promise: Promise<unknown>): void },
  ): Promise<Response> {
    if (new URL(request.url).pathname !== "/worker") {
      const id = env.MEMBERS.idFromName("place");
      return await env.MEMBERS.get(id).fetch(request);
    }
    const { outside }: Told = await request.json();
    const { response, done } = run({
      runtime: "a Worker",
      library,
      webSocket: WebSocket as never,
      outside,
      lacks: {
        listen: "connections do not outlive the request that brought them",
        serve: "the platform is the server",
      },
    });
    context.waitUntil(done);
    return response;
  },
};
