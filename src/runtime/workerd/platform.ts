/**
 * What is used of workerd, so that nothing here needs its types.
 *
 * @module
 */
import type { WebSocketLike } from "../../transport/websocket.ts";

/** A WebSocket of workerd: silent until it is accepted. */
export interface WorkerdWebSocket extends WebSocketLike {
  accept(): void;
}

/** What a fetch that asked for an upgrade gives. */
export interface UpgradeResponse {
  readonly status: number;
  readonly webSocket?: unknown;
}

/** The end of a connection that outlives its object's time in memory. */
export interface AcceptedWebSocket {
  readonly readyState: number;
  close(code?: number, reason?: string): void;
}

/** The part of an object's storage that is used here. */
export interface ObjectStorage {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  delete(keys: string[]): Promise<number>;
  deleteAll(): Promise<void>;
  list(options: {
    readonly prefix: string;
    readonly startAfter?: string;
    readonly limit: number;
  }): Promise<Map<string, unknown>>;
  setAlarm(atWallMs: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}

/** The first argument of an object's constructor. */
export interface ObjectState {
  readonly storage: ObjectStorage;
  blockConcurrencyWhile<T>(run: () => Promise<T>): Promise<T>;
  acceptWebSocket(webSocket: never): void;
  getWebSockets(): AcceptedWebSocket[];
}

/** The answer to a request that must be an upgrade and is none. */
export function upgradeRequired(): Response {
  return new Response("Only WebSocket connections are taken here.\n", {
    status: 426,
    headers: { upgrade: "websocket", connection: "upgrade" },
  });
}

/** Whether somebody wants to speak WebSocket. */
export function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** A new connection: the end to answer with, and the end to keep. */
export function webSocketPair(): [
  client: WorkerdWebSocket,
  server: WorkerdWebSocket,
] {
  const { WebSocketPair } = globalThis as unknown as {
    readonly WebSocketPair: new () => Record<"0" | "1", WorkerdWebSocket>;
  };
  const pair = new WebSocketPair();
  return [pair[0], pair[1]];
}

/** The answer that makes a request a WebSocket. */
export function upgraded(webSocket: WorkerdWebSocket): Response {
  return new Response(
    null,
    { status: 101, webSocket } as ResponseInit,
  );
}
