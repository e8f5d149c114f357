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

/** What differs from runtime to runtime. */
export interface Platform {
  readonly entry: Entry;
  /** Serves a WebSocket that sends back what it gets; gives its url. */
  echo(): Promise<string>;
  dial(url: string): WebSocket;
  /** Whether a WebSocket that it dials stalls on some sizes of messages. */
  readonly stalls: boolean;
}

/** Any free port, on loopback. */
export const HERE = { hostname: "127.0.0.1", port: 0 } as const;
/** A message of four bytes asks a server on Deno for as many as it says. */
const ASK_BYTES = 4;
/** `ws` without its compression, as the library uses it. */
const WS_OPTIONS = { perMessageDeflate: false } as const;

// deno-lint-ignore no-explicit-any -- no runtime has the types of the others
const { Bun, Deno } = globalThis as any;

// deno-lint-ignore require-await -- the others wait
async function echoOnDeno(): Promise<string> {
  const handler = (request: Request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      const isAsk = data.byteLength === ASK_BYTES;
      socket.send(isAsk ? new Uint8Array(new Uint32Array(data)[0]!) : data);
    };
    return response;
  };
  const { addr } = Deno.serve({ ...HERE, onListen: () => {} }, handler);
  return `ws://127.0.0.1:${addr.port}/`;
}

interface BunSocket {
  sendBinary(data: Uint8Array): void;
}

// deno-lint-ignore require-await -- the others wait
async function echoOnBun(): Promise<string> {
  const { port } = Bun.serve({
    ...HERE,
    fetch: (request: Request, server: { upgrade(of: Request): boolean }) =>
      server.upgrade(request) ? undefined : new Response("peers only"),
    websocket: {
      message: (socket: BunSocket, data: Uint8Array) => socket.sendBinary(data),
    },
  });
  return `ws://127.0.0.1:${port}/`;
}

interface WsSocket {
  on(event: "message", listener: (data: Uint8Array) => void): void;
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

async function echoOnNode({ WebSocketServer }: Ws): Promise<string> {
  const { hostname: host, port } = HERE;
  const server = new WebSocketServer({ host, port, ...WS_OPTIONS });
  server.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(data));
  });
  await new Promise<void>((resolve) => server.on("listening", () => resolve()));
  return `ws://127.0.0.1:${server.address().port}/`;
}

/** The platform that this process runs on. */
export async function platform(): Promise<Platform> {
  const dial = (url: string) => new WebSocket(url);
  if (Bun !== undefined) {
    const entry = await import("../../src/runtime/bun.ts");
    return { entry, echo: echoOnBun, dial, stalls: false };
  }
  if (Deno !== undefined) {
    const entry = await import("../../src/runtime/deno.ts");
    return { entry, echo: echoOnDeno, dial, stalls: true };
  }
  const ws: Ws = createRequire(import.meta.url)("ws");
  const entry = await import("../../src/runtime/node.ts");
  return {
    entry,
    echo: () => echoOnNode(ws),
    dial: (url) => new ws.WebSocket(url, WS_OPTIONS),
    stalls: false,
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
