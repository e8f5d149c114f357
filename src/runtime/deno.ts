/**
 * Listening on Deno.
 *
 * @example Two nodes that meet over a port
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ChordSocket, text } from "@chord/dict";
 * import { listen } from "@chord/dict/deno";
 *
 * await using first = new ChordSocket({ keys: text, values: text });
 * await using second = new ChordSocket({ keys: text, values: text });
 * const { url } = await listen(first, { hostname: "127.0.0.1", port: 0 });
 * await first.join();
 * await second.connect(url);
 * await second.set("greeting", "hello");
 * assertEquals(await first.get("greeting"), "hello");
 * ```
 *
 * @module
 */
import type { MeshSocket } from "../mesh/mesh_socket.ts";
import type { WebSocketLike } from "../transport/websocket.ts";
import {
  type Listener,
  type ListenOptions,
  listenWith,
  PEERS_ONLY,
  PEERS_ONLY_HEADERS,
  PEERS_ONLY_STATUS,
  takePeer,
  type TlsOptions,
} from "./listening.ts";

export type { Listener, ListenOptions, TlsOptions };

/** What is used of Deno, so that this file needs none of its types. */
interface DenoLike {
  serve(options: ServeOptions, handler: Handler): Server;
  upgradeWebSocket(
    request: Request,
    options: { idleTimeout: number },
  ): { readonly socket: WebSocketLike; readonly response: Response };
}

type Handler = (request: Request) => Response;

interface ServeOptions extends Partial<TlsOptions> {
  readonly hostname: string;
  readonly port: number;
  readonly signal: AbortSignal;
  readonly onListen: () => void;
}

interface Server {
  readonly addr: { readonly hostname: string; readonly port: number };
  readonly finished: Promise<void>;
}

/** The ping of Deno's server; the mesh has heartbeats of its own. */
const NO_IDLE_TIMEOUT = 0;

function deno(): DenoLike {
  return (globalThis as unknown as { readonly Deno: DenoLike }).Deno;
}

/**
 * Accepts peers on a port until the socket closes, and tells peers the url
 * unless the socket's options gave one.
 *
 * @throws {TypeError} If `hostname` is a wildcard and the socket has no url: no
 * peer could dial it
 * @throws {ListenError} If the port is in use or not to be had
 */
export function listen(
  sock: MeshSocket,
  options: ListenOptions = {},
): Promise<Listener> {
  return listenWith(sock, options, (where) => {
    const stop = new AbortController();
    const server = deno().serve({
      ...where,
      signal: stop.signal,
      onListen: () => {},
      ...options.tls,
    }, (request) => upgrade(sock, request));
    return {
      port: server.addr.port,
      close: () => {
        stop.abort();
        return server.finished;
      },
    };
  });
}

/**
 * Takes a WebSocket inside an HTTP server of the application's own. The socket
 * needs a `url` by which peers reach that server.
 *
 * @returns what the server must answer: 426 to a request that is no upgrade
 *
 * @example One port for pages and peers
 * ```ts
 * import { ChordSocket } from "@chord/dict";
 * import { upgrade } from "@chord/dict/deno";
 *
 * await using sock = new ChordSocket({ url: "ws://127.0.0.1:4444/peers" });
 * const handler = (request: Request): Response =>
 *   new URL(request.url).pathname === "/peers"
 *     ? upgrade(sock, request)
 *     : new Response("A page");
 * handler(new Request("http://127.0.0.1:4444/"));
 * ```
 */
export function upgrade(sock: MeshSocket, request: Request): Response {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response(PEERS_ONLY, {
      status: PEERS_ONLY_STATUS,
      headers: PEERS_ONLY_HEADERS,
    });
  }
  const { socket, response } = deno().upgradeWebSocket(request, {
    idleTimeout: NO_IDLE_TIMEOUT,
  });
  takePeer(sock, socket);
  return response;
}
