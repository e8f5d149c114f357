/**
 * WebSockets that the platform hands over in ways of its own, in the one shape
 * that nodes take.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { ConnectionError } from "../../base/errors.ts";
import type { WebSocketConstructor } from "../../system.ts";
import { CODE_ABNORMAL } from "../../transport/channel.ts";
import type {
  WebSocketEvent,
  WebSocketLike,
} from "../../transport/websocket.ts";
import type { UpgradeResponse, WorkerdWebSocket } from "./platform.ts";

type Listener = (event: WebSocketEvent) => void;

const CONNECTING = 0;
const CLOSING = 2;
const CLOSED = 3;

/** Listeners, whoever tells them. */
class Listeners {
  readonly #byType = new Map<string, Listener[]>();

  addEventListener(type: string, listener: Listener): void {
    const listeners = this.#byType.get(type);
    if (listeners === undefined) this.#byType.set(type, [listener]);
    else listeners.push(listener);
  }

  tell(event: WebSocketEvent): void {
    for (const listener of this.#byType.get(event.type) ?? []) listener(event);
  }
}

/**
 * An end that the object accepted in a way that outlives its time in memory:
 * its events come as calls of the object's methods.
 */
export class KeptWebSocket extends Listeners implements WebSocketLike {
  /** Messages come as array buffers whatever this says. */
  binaryType = "arraybuffer";
  readonly #end: WorkerdWebSocket;

  constructor(end: WorkerdWebSocket) {
    super();
    this.#end = end;
  }

  get readyState(): number {
    return this.#end.readyState;
  }

  get bufferedAmount(): number {
    return this.#end.bufferedAmount;
  }

  send(data: Bytes): void {
    this.#end.send(data);
  }

  close(code?: number, reason?: string): void {
    this.#end.close(code, reason);
  }
}

/** A WebSocket that a fetch is to give. */
class FetchedWebSocket extends Listeners implements WebSocketLike {
  binaryType = "arraybuffer";
  #end: WorkerdWebSocket | undefined;
  /** Of the time without an end. */
  #state: number = CONNECTING;
  #closing: { code?: number | undefined; reason?: string | undefined } = {};

  constructor(url: string, fetchPeer: FetchPeer) {
    super();
    this.#dial(url, fetchPeer).catch((error) => {
      this.#state = CLOSED;
      const message = error instanceof Error ? error.message : String(error);
      this.tell({ type: "error", message });
      this.tell({ type: "close", code: CODE_ABNORMAL, reason: message });
    });
  }

  get readyState(): number {
    return this.#end?.readyState ?? this.#state;
  }

  get bufferedAmount(): number {
    return this.#end?.bufferedAmount ?? 0;
  }

  send(data: Bytes): void {
    this.#end?.send(data);
  }

  close(code?: number, reason?: string): void {
    if (this.#end !== undefined) return this.#end.close(code, reason);
    this.#state = CLOSING;
    this.#closing = { code, reason };
  }

  async #dial(url: string, fetchPeer: FetchPeer): Promise<void> {
    // "ws:" becomes "http:", "wss:" becomes "https:".
    const request = new Request(url.replace(/^ws/, "http"), {
      headers: { upgrade: "websocket" },
    });
    const { status, webSocket } = await fetchPeer(request) as UpgradeResponse;
    const end = webSocket as WorkerdWebSocket | null | undefined;
    if (!end) {
      throw new ConnectionError(
        `Cannot dial ${url}: it answered ${status}, wanted is an upgrade; ` +
          `check that a node listens there`,
      );
    }
    end.binaryType = this.binaryType;
    for (const type of ["message", "error", "close"] as const) {
      end.addEventListener(type, (event: WebSocketEvent) => this.tell(event));
    }
    const isWanted = this.#state === CONNECTING;
    this.#end = end;
    end.accept();
    if (isWanted) this.tell({ type: "open" });
    else end.close(this.#closing.code, this.#closing.reason);
  }
}

/** Sends a request to whoever listens at its url. */
export type FetchPeer = (request: Request) => Promise<Response>;

/**
 * Dials by `fetch`: by that of a binding, and so without leaving the platform,
 * where the peer is behind one.
 *
 * @returns the value for the option `webSocket` of a socket
 *
 * @example A Worker that reaches objects by their binding
 * ```ts
 * import { ChordSocket } from "@chord/dict";
 * import { dialBy } from "@chord/dict/workerd";
 *
 * // As a Worker is handed it; here, an object that takes nobody.
 * const stub = { fetch: () => Promise.resolve(new Response("no")) };
 * await using sock = new ChordSocket({
 *   webSocket: dialBy(() => stub.fetch()),
 * });
 * await sock.connect("wss://example.com/members/0").catch(() => {});
 * ```
 */
export function dialBy(fetchPeer: FetchPeer): WebSocketConstructor {
  return class extends FetchedWebSocket {
    constructor(url: string) {
      super(url, fetchPeer);
    }
  };
}
