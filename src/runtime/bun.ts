/**
 * Listening on Bun.
 *
 * @example Two nodes that meet over a port
 * ```ts ignore
 * import { ChordSocket, text } from "@chord/dict";
 * import { listen } from "@chord/dict/bun";
 *
 * await using first = new ChordSocket({ keys: text, values: text });
 * await using second = new ChordSocket({ keys: text, values: text });
 * const { url } = await listen(first, { hostname: "127.0.0.1", port: 0 });
 * await first.join();
 * await second.connect(url);
 * await second.set("greeting", "hello");
 * console.log(await first.get("greeting")); // hello
 * ```
 *
 * @module
 */
import type { MeshSocket } from "../mesh/mesh_socket.ts";
import { preferWebSocket } from "../system.ts";
import type { WebSocketEvent, WebSocketLike } from "../transport/websocket.ts";
import {
  INCOMING_BYTES_MAX,
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

/** What is used of Bun, so that this file needs none of its types. */
interface BunLike {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    readonly tls: TlsOptions | undefined;
    readonly fetch: (
      request: Request,
      server: BunServer,
    ) => Response | undefined;
    readonly websocket: BunWebSocketHandler;
  }): BunServer;
}

/** The part of Bun's `Server` that is used here. */
export interface BunServer {
  readonly port?: number | undefined;
  // deno-lint-ignore no-explicit-any -- Bun types the data of each server
  upgrade(request: Request, options?: any): boolean;
  stop(closeActiveConnections?: boolean): Promise<void>;
}

/** The part of Bun's `ServerWebSocket` that is used here. */
export interface BunServerWebSocket {
  data: unknown;
  // deno-lint-ignore no-explicit-any -- a union of names in Bun's types
  binaryType?: any;
  readonly readyState: number;
  send(data: Uint8Array<ArrayBuffer>, compress?: boolean): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  getBufferedAmount(): number;
}

/** What `Bun.serve` is to do with WebSockets. */
export interface BunWebSocketHandler {
  readonly maxPayloadLength: number;
  readonly idleTimeout: number;
  readonly perMessageDeflate: boolean;
  open(socket: BunServerWebSocket): void;
  message(socket: BunServerWebSocket, message: unknown): void;
  close(socket: BunServerWebSocket, code: number, reason: string): void;
}

/** In seconds; the mesh has heartbeats of its own. */
const NO_IDLE_TIMEOUT = 0;
/** What Bun's `send` gives of a message that it threw away. */
const DROPPED = 0;

type Listening = (event: WebSocketEvent) => void;

/** Bun's WebSocket, whose server hears the events, in the shape of all others. */
class Accepted implements WebSocketLike {
  readonly #sock: MeshSocket;
  readonly #listeners = new Map<string, Listening[]>();
  #socket: BunServerWebSocket | undefined;

  constructor(sock: MeshSocket) {
    this.#sock = sock;
  }

  get binaryType(): string {
    return "arraybuffer";
  }

  /** It is what it is: the handler of messages is given what Bun made. */
  set binaryType(_type: string) {}

  get readyState(): number {
    return this.#socket?.readyState ?? 0;
  }

  get bufferedAmount(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    // Frames are a stream: after a gap none of them means anything.
    if (this.#socket?.send(data) === DROPPED) this.terminate();
  }

  close(code?: number, reason?: string): void {
    this.#socket?.close(code, reason);
  }

  terminate(): void {
    this.#socket?.terminate();
  }

  addEventListener(type: string, listener: Listening): void {
    const listeners = this.#listeners.get(type) ?? [];
    this.#listeners.set(type, [...listeners, listener]);
  }

  opened(socket: BunServerWebSocket): void {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    takePeer(this.#sock, this);
  }

  tell(event: WebSocketEvent): void {
    for (const listener of this.#listeners.get(event.type) ?? []) {
      listener(event);
    }
  }
}

preferWebSocket(() =>
  class extends WebSocket implements WebSocketLike {
    readonly sendsAtOnce = true;
  }
);

/** The peer at the other end of a WebSocket; others' WebSockets have none. */
function peerOf({ data }: BunServerWebSocket): Accepted | undefined {
  return data instanceof Accepted ? data : undefined;
}

/**
 * What a `Bun.serve` of the application's own is given as `websocket`, so that
 * {@linkcode upgrade} can be used in it. WebSockets that something else upgraded
 * are left alone.
 */
export const websocket: BunWebSocketHandler = {
  maxPayloadLength: INCOMING_BYTES_MAX,
  idleTimeout: NO_IDLE_TIMEOUT,
  perMessageDeflate: false,
  open: (socket) => peerOf(socket)?.opened(socket),
  message: (socket, data) => peerOf(socket)?.tell({ type: "message", data }),
  close(socket, code, reason) {
    // Bun tells it from within `close()`; no other WebSocket does.
    queueMicrotask(() => peerOf(socket)?.tell({ type: "close", code, reason }));
  },
};

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
  const { Bun } = globalThis as unknown as { readonly Bun: BunLike };
  return listenWith(sock, options, (where) => {
    const server = Bun.serve({
      ...where,
      tls: options.tls,
      fetch: (request, server) => upgrade(sock, request, server),
      websocket,
    });
    return { port: server.port!, close: () => server.stop(true) };
  });
}

/**
 * Takes a WebSocket inside a `Bun.serve` of the application's own, whose
 * `websocket` must be {@linkcode websocket}. The socket needs a `url` by which
 * peers reach that server.
 *
 * @returns what the server must answer: nothing to an upgrade, 426 to a request
 * that is none
 *
 * @example One port for pages and peers
 * ```ts ignore
 * import { ChordSocket } from "@chord/dict";
 * import { upgrade, websocket } from "@chord/dict/bun";
 *
 * const sock = new ChordSocket({ url: "ws://127.0.0.1:4444/peers" });
 * Bun.serve({
 *   port: 4444,
 *   fetch: (request, server) =>
 *     new URL(request.url).pathname === "/peers"
 *       ? upgrade(sock, request, server)
 *       : new Response("A page"),
 *   websocket,
 * });
 * ```
 */
export function upgrade(
  sock: MeshSocket,
  request: Request,
  server: BunServer,
): Response | undefined {
  const data = new Accepted(sock);
  if (server.upgrade(request, { data })) return undefined;
  return new Response(PEERS_ONLY, {
    status: PEERS_ONLY_STATUS,
    headers: PEERS_ONLY_HEADERS,
  });
}
