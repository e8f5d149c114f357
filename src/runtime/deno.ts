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
import { ListenError } from "../base/errors.ts";
import { type MeshSocket, reportTo } from "../mesh/mesh_socket.ts";
import type { WebSocketLike } from "../transport/websocket.ts";

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

/** A certificate and its key, as PEM text. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
}

/** Where to listen. */
export interface ListenOptions {
  /** @default {"127.0.0.1"} */
  readonly hostname?: string;
  /**
   * 0 takes a free one.
   *
   * @default {0}
   */
  readonly port?: number;
  /** Listens with TLS, for `wss:` urls. */
  readonly tls?: TlsOptions;
}

/** A port that is listened on. */
export interface Listener {
  readonly hostname: string;
  readonly port: number;
  /** What peers may dial. */
  readonly url: string;
  /** Takes no new connections, and ends those that came in here. */
  close(): Promise<void>;
}

/** Addresses that mean "all of this machine's": nobody can dial one. */
const WILDCARDS: readonly string[] = ["0.0.0.0", "::", "[::]", ""];

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
export async function listen(
  sock: MeshSocket,
  options: ListenOptions = {},
): Promise<Listener> {
  const { hostname = "127.0.0.1", port = 0, tls } = options;
  if (WILDCARDS.includes(hostname) && sock.url === "") {
    throw new TypeError(
      `Cannot tell peers to dial "${hostname}": give the socket the "url" by ` +
        `which others reach this machine, or listen on one hostname`,
    );
  }
  const stop = new AbortController();
  const server = serve(sock, {
    hostname,
    port,
    signal: stop.signal,
    onListen: () => {},
    ...tls,
  });
  const close = () => {
    stop.abort();
    return server.finished;
  };
  const at = server.addr.port;
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  try {
    await sock.listening(`${tls ? "wss" : "ws"}://${name}:${at}/`, close);
  } catch (error) {
    await close();
    throw error;
  }
  return { hostname, port: at, url: sock.url, close };
}

function serve(sock: MeshSocket, options: ServeOptions): Server {
  try {
    return deno().serve(options, (request) => upgrade(sock, request));
  } catch (cause) {
    throw new ListenError(
      `Cannot listen on ${options.hostname}:${options.port}: ` +
        `${cause instanceof Error ? cause.message : cause}; give another ` +
        `port, or 0 for a free one`,
      { cause },
    );
  }
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
    return new Response("Only WebSocket connections are taken here.\n", {
      status: 426,
      headers: { upgrade: "websocket", connection: "upgrade" },
    });
  }
  const { socket, response } = deno().upgradeWebSocket(request, {
    idleTimeout: NO_IDLE_TIMEOUT,
  });
  sock.accept(socket).catch((error) => {
    if (sock.status.state !== "closed") reportTo(sock, error);
  });
  return response;
}
