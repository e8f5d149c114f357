/**
 * What listening is on every runtime: the same options, the same result.
 *
 * @module
 */
import { ListenError } from "../base/errors.ts";
import { FRAME_BYTES_MAX } from "../base/limits.ts";
import { type MeshSocket, reportTo } from "../mesh/mesh_socket.ts";
import type { WebSocketLike } from "../transport/websocket.ts";

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

/** A server of the runtime, as far as listening goes. */
export interface RunningServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Addresses that mean "all of this machine's": nobody can dial one. */
const WILDCARDS: readonly string[] = ["0.0.0.0", "::", "[::]", ""];

/**
 * The longest message that a runtime is asked to take, where it can be asked.
 * More than a frame, so that a frame that is too long is refused in words; what
 * is longer than this is cut off before it takes memory.
 */
export const INCOMING_BYTES_MAX: number = 8 * FRAME_BYTES_MAX;

/** What is said to a request for a page. */
export const PEERS_ONLY = "Only WebSocket connections are taken here.\n";
/** The status of that answer, "Upgrade Required", and its headers. */
export const PEERS_ONLY_STATUS = 426;
export const PEERS_ONLY_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/plain",
  upgrade: "websocket",
  connection: "upgrade",
};

/**
 * Starts a server and tells peers its url, unless the socket's options gave
 * one. The server is closed with the socket.
 *
 * @param start starts the runtime's server; what it throws is why there is none
 */
export async function listenWith(
  sock: MeshSocket,
  { hostname = "127.0.0.1", port = 0, tls }: ListenOptions,
  start: (
    where: { readonly hostname: string; readonly port: number },
  ) => RunningServer | Promise<RunningServer>,
): Promise<Listener> {
  if (WILDCARDS.includes(hostname) && sock.url === "") {
    throw new TypeError(
      `Cannot tell peers to dial "${hostname}": give the socket the "url" by ` +
        `which others reach this machine, or listen on one hostname`,
    );
  }
  let server: RunningServer;
  try {
    server = await start({ hostname, port });
  } catch (cause) {
    if (cause instanceof ListenError) throw cause;
    throw new ListenError(
      `Cannot listen on ${hostname}:${port}: ` +
        `${cause instanceof Error ? cause.message : cause}; give another ` +
        `port, or 0 for a free one`,
      { cause },
    );
  }
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  const url = `${tls ? "wss" : "ws"}://${name}:${server.port}/`;
  let closed: Promise<void> | undefined;
  const close = () => closed ??= server.close();
  try {
    await sock.listening(url, close);
  } catch (error) {
    await close();
    throw error;
  }
  return { hostname, port: server.port, url: sock.url, close };
}

/** Takes a WebSocket; why it ended before it was a peer is the socket's news. */
export function takePeer(sock: MeshSocket, webSocket: WebSocketLike): void {
  sock.accept(webSocket).catch((error) => {
    if (sock.status.state !== "closed") reportTo(sock, error);
  });
}
