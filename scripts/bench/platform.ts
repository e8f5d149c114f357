/**
 * What a benchmark's process needs of its runtime: Deno, Bun or Node.
 *
 * @module
 */
import { createRequire } from "node:module";
import process from "node:process";
import type { MeshSocket } from "../../mod.ts";

/** An entry point, as far as all of them are the same. */
export interface Entry {
  listen(
    sock: MeshSocket,
    options: { readonly hostname: string; readonly port: number },
  ): Promise<unknown>;
}

/** What a server of bare WebSockets sends back for each message. */
export type Reply = (data: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

/** What differs from runtime to runtime. */
export interface Platform {
  readonly entry: Entry;
  /** Serves a bare WebSocket; gives its url. */
  serve(reply: Reply): Promise<string>;
  dial(url: string): WebSocket;
  /** Whether a WebSocket that it dials stalls on some sizes of messages. */
  readonly stalls: boolean;
  /** Collects garbage now, as far as the runtime lets a program do so. */
  collect(): void;
}

/** Any free port, on loopback. */
export const HERE = { hostname: "127.0.0.1", port: 0 } as const;
/** `ws` without its compression, as the library uses it. */
const WS_OPTIONS = { perMessageDeflate: false } as const;

// deno-lint-ignore no-explicit-any -- no runtime has the types of the others
const { Bun, Deno } = globalThis as any;

// deno-lint-ignore require-await -- the others wait
async function serveOnDeno(reply: Reply): Promise<string> {
  const handler = (request: Request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) =>
      socket.send(reply(new Uint8Array(data)));
    return response;
  };
  const { addr } = Deno.serve({ ...HERE, onListen: () => {} }, handler);
  return `ws://127.0.0.1:${addr.port}/`;
}

interface BunSocket {
  sendBinary(data: Uint8Array): void;
}

// deno-lint-ignore require-await -- the others wait
async function serveOnBun(reply: Reply): Promise<string> {
  const { port } = Bun.serve({
    ...HERE,
    fetch: (request: Request, server: { upgrade(of: Request): boolean }) =>
      server.upgrade(request) ? undefined : new Response("peers only"),
    websocket: {
      message: (socket: BunSocket, data: Uint8Array<ArrayBuffer>) =>
        socket.sendBinary(reply(data)),
    },
  });
  return `ws://127.0.0.1:${port}/`;
}

interface WsSocket {
  on(event: "message", listener: (data: Uint8Array<ArrayBuffer>) => void): void;
  send(data: Uint8Array): void;
}

interface WsServer {
  on(event: string, listener: (socket: WsSocket) => void): void;
  address(): { readonly port: number };
}

interface Ws {
  readonly WebSocketServer: new (options: unknown) => WsServer;
  readonly WebSocket: new (url: string, options: unknown) => WebSocket;
}

async function serveOnNode(
  { WebSocketServer }: Ws,
  reply: Reply,
): Promise<string> {
  const { hostname: host, port } = HERE;
  const server = new WebSocketServer({ host, port, ...WS_OPTIONS });
  server.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(reply(data)));
  });
  await new Promise<void>((resolve) => server.on("listening", () => resolve()));
  return `ws://127.0.0.1:${server.address().port}/`;
}

/** The platform that this process runs on. */
export async function platform(): Promise<Platform> {
  const dial = (url: string) => new WebSocket(url);
  const collect = () => {
    const { gc } = globalThis as { gc?: (how: unknown) => void };
    gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
  };
  if (Bun !== undefined) {
    const entry = await import("../../src/runtime/bun.ts");
    const collectOnBun = () => void Bun.gc(true);
    const serve = serveOnBun;
    return { entry, serve, dial, stalls: false, collect: collectOnBun };
  }
  if (Deno !== undefined) {
    const entry = await import("../../src/runtime/deno.ts");
    return { entry, serve: serveOnDeno, dial, stalls: true, collect };
  }
  const ws: Ws = createRequire(import.meta.url)("ws");
  const entry = await import("../../src/runtime/node.ts");
  return {
    entry,
    serve: (reply) => serveOnNode(ws, reply),
    dial: (url) => new ws.WebSocket(url, WS_OPTIONS),
    stalls: false,
    collect,
  };
}

/** Processor time of this process, in milliseconds. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Writes one line of JSON to whoever started this process. */
export function say(value: unknown): void {
  process.stdout.write(JSON.stringify(value) + "\n");
}

/** Gives each line that comes in; the process ends with its input. */
export function listenToLines(onLine: (line: string) => void): void {
  let rest = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("end", () => process.exit(0));
  process.stdin.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  });
}
