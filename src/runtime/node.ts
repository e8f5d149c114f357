/**
 * Listening on Node 20.16 and newer, with the package `ws`.
 *
 * Importing this also lets sockets dial with `ws`, where it is installed: Node
 * 20 has no WebSocket of its own, and that of later versions is slower, and
 * keeps the process alive for a peer that never answers a close. `ws` is found
 * where this library is installed, or where the program is.
 *
 * @example Two nodes that meet over a port
 * ```ts ignore
 * import { ChordSocket, text } from "@chord/dict";
 * import { listen } from "@chord/dict/node";
 *
 * const first = new ChordSocket({ keys: text, values: text });
 * const second = new ChordSocket({ keys: text, values: text });
 * const { url } = await listen(first, { hostname: "127.0.0.1", port: 0 });
 * await first.join();
 * await second.connect(url);
 * await second.set("greeting", "hello");
 * console.log(await first.get("greeting")); // hello
 * await Promise.all([first.close(), second.close()]);
 * ```
 *
 * @module
 */
import { ConnectionError, ListenError } from "../base/errors.ts";
import { type MeshSocket, reportTo } from "../mesh/mesh_socket.ts";
import { preferWebSocket, type WebSocketConstructor } from "../system.ts";
import type { WebSocketLike } from "../transport/websocket.ts";
import {
  INCOMING_BYTES_MAX,
  type Listener,
  type ListenOptions,
  listenWith,
  PEERS_ONLY,
  PEERS_ONLY_HEADERS,
  PEERS_ONLY_STATUS,
  type RunningServer,
  takePeer,
  type TlsOptions,
} from "./listening.ts";

export type { Listener, ListenOptions, TlsOptions };

/** What is used of Node, so that this file needs none of its types. */
interface ProcessLike {
  readonly argv: readonly string[];
  getBuiltinModule<Name extends keyof Builtins>(name: Name): Builtins[Name];
}

interface Builtins {
  readonly "node:http": { createServer(): HttpServer };
  readonly "node:https": { createServer(options: TlsOptions): HttpServer };
  readonly "node:module": {
    createRequire(from: string): (name: string) => unknown;
  };
}

interface HttpServer {
  // deno-lint-ignore no-explicit-any -- each event brings something else
  on(event: string, listener: (...args: any[]) => void): this;
  listen(where: { readonly host: string; readonly port: number }): this;
  address(): { readonly port: number };
  close(done: () => void): void;
}

interface HttpResponse {
  writeHead(status: number, headers: Readonly<Record<string, string>>): this;
  end(body: string): void;
}

/** The part of Node's `IncomingMessage` that is used here. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The part of Node's `Duplex` that is used here: the connection to a peer. */
export interface NodeStream {
  // deno-lint-ignore no-explicit-any -- each event brings something else
  on(event: string, listener: (...args: any[]) => void): unknown;
  end(text: string): unknown;
  destroy(): unknown;
}

/** What is used of `ws`. */
interface WsPackage {
  readonly WebSocket: new (url: string, options: WsOptions) => WebSocketLike;
  readonly WebSocketServer: new (
    options: WsOptions & { noServer: true; clientTracking: false },
  ) => WsServer;
}

interface WsOptions {
  readonly maxPayload: number;
  readonly perMessageDeflate: false;
}

interface WsServer {
  handleUpgrade(
    request: NodeRequest,
    stream: NodeStream,
    head: Uint8Array,
    take: (socket: WebSocketLike) => void,
  ): void;
}

const OPTIONS: WsOptions = {
  maxPayload: INCOMING_BYTES_MAX,
  perMessageDeflate: false,
};

const INSTALL = `install it: npm install ws`;

const { process } = globalThis as unknown as { readonly process: ProcessLike };

/** The package `ws`, and what is made of it once. */
interface Loaded {
  readonly server: WsServer;
  readonly dialled: WebSocketConstructor;
}

let loaded: Loaded | undefined;

/** `undefined` while the package is not installed. */
function load(): Loaded | undefined {
  return loaded ??= make(findPackage());
}

/**
 * Not by `import()`: a dial cannot wait for one, and a module that waits at its
 * top cannot be had by `require`.
 */
function findPackage(): WsPackage | undefined {
  const { createRequire } = process.getBuiltinModule("node:module");
  for (const from of [import.meta.url, process.argv[1]]) {
    if (!from) continue;
    try {
      return createRequire(from)("ws") as WsPackage;
    } catch (error) {
      if ((error as { code?: string }).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  return undefined;
}

function make(ws: WsPackage | undefined): Loaded | undefined {
  if (ws === undefined) return undefined;
  return {
    server: new ws.WebSocketServer({
      ...OPTIONS,
      noServer: true,
      clientTracking: false,
    }),
    dialled: class extends ws.WebSocket {
      override readonly sendsAtOnce = true;

      constructor(url: string) {
        super(url, OPTIONS);
      }
    },
  };
}

preferWebSocket(() => {
  const found = load();
  if (found !== undefined || "WebSocket" in globalThis) return found?.dialled;
  throw new ConnectionError(
    `Cannot dial: this version of Node has no WebSocket, and the package "ws" ` +
      `is not there; ${INSTALL}`,
  );
});

/**
 * Accepts peers on a port until the socket closes, and tells peers the url
 * unless the socket's options gave one.
 *
 * @throws {TypeError} If `hostname` is a wildcard and the socket has no url: no
 * peer could dial it
 * @throws {ListenError} If the port is in use or not to be had, or the package
 * `ws` is not installed
 */
export function listen(
  sock: MeshSocket,
  options: ListenOptions = {},
): Promise<Listener> {
  return listenWith(sock, options, ({ hostname, port }) => {
    if (load() !== undefined) {
      return serve(sock, { host: hostname, port }, options.tls);
    }
    throw new ListenError(
      `Cannot listen on ${hostname}:${port}: Node needs the package "ws" for ` +
        `it; ${INSTALL}`,
    );
  });
}

function serve(
  sock: MeshSocket,
  where: { readonly host: string; readonly port: number },
  tls: TlsOptions | undefined,
): Promise<RunningServer> {
  const server = tls === undefined
    ? process.getBuiltinModule("node:http").createServer()
    : process.getBuiltinModule("node:https").createServer(tls);
  // A server that is closed leaves alone what it has upgraded.
  const streams = new Set<NodeStream>();
  server.on("connection", (stream: NodeStream) => {
    streams.add(stream);
    stream.on("close", () => streams.delete(stream));
  });
  server.on("request", (_request: NodeRequest, response: HttpResponse) => {
    response.writeHead(PEERS_ONLY_STATUS, PEERS_ONLY_HEADERS).end(PEERS_ONLY);
  });
  server.on(
    "upgrade",
    (request: NodeRequest, stream: NodeStream, head: Uint8Array) =>
      upgrade(sock, request, stream, head),
  );
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(resolve);
      for (const stream of streams) stream.destroy();
    });
  return new Promise((resolve, reject) => {
    let isListening = false;
    server.on("error", (error: Error) => {
      if (isListening) reportTo(sock, error);
      else reject(error);
    });
    server.on("listening", () => {
      isListening = true;
      resolve({ port: server.address().port, close });
    });
    server.listen(where);
  });
}

/**
 * Takes a WebSocket inside an HTTP server of the application's own, in its
 * listener of `"upgrade"`. The socket needs a `url` by which peers reach that
 * server. What is no upgrade to a WebSocket is answered with an error.
 *
 * @example One port for pages and peers
 * ```ts ignore
 * import { createServer } from "node:http";
 * import { ChordSocket } from "@chord/dict";
 * import { upgrade } from "@chord/dict/node";
 *
 * const sock = new ChordSocket({ url: "ws://127.0.0.1:4444/peers" });
 * const server = createServer((_request, response) => response.end("A page"));
 * server.on("upgrade", (request, stream, head) => {
 *   if (request.url === "/peers") upgrade(sock, request, stream, head);
 *   else stream.destroy();
 * });
 * server.listen(4444);
 * ```
 */
export function upgrade(
  sock: MeshSocket,
  request: NodeRequest,
  stream: NodeStream,
  head: Uint8Array,
): void {
  const ws = load();
  if (ws !== undefined) {
    ws.server.handleUpgrade(
      request,
      stream,
      head,
      (socket) => takePeer(sock, socket),
    );
    return;
  }
  stream.on("error", () => stream.destroy());
  stream.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
  reportTo(
    sock,
    new ListenError(
      `Cannot take a WebSocket: Node needs the package "ws" for it; ${INSTALL}`,
    ),
  );
}
