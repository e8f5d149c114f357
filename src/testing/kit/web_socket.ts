/**
 * One end of a simulated link, in the shape of a WebSocket: what lets the very
 * socket of an application run on a network that is none.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { WebSocketConstructor } from "../../system.ts";
import type {
  WebSocketEvent,
  WebSocketLike,
} from "../../transport/websocket.ts";
import type { Endpoint } from "../link.ts";
import type { Network } from "../network.ts";

/** What a WebSocket needs of the process that it belongs to. */
export interface Carrier {
  readonly network: Network;
  /** Does something now, or when the pause of the process ends. */
  hand(what: () => void): void;
}

type Listener = (event: WebSocketEvent) => void;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
/** What WebSockets report for a dial that failed. */
const FAILED = 1006;

/** A WebSocket over one link of the simulated network. */
export class SimulatedWebSocket implements WebSocketLike {
  binaryType = "arraybuffer";
  readonly #carrier: Carrier;
  readonly #listeners = new Map<string, Listener[]>();
  #state = CONNECTING;
  #end: Endpoint | undefined;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  get readyState(): number {
    return this.#state;
  }

  get bufferedAmount(): number {
    return this.#end?.bytesInFlight ?? 0;
  }

  addEventListener(type: string, listener: Listener): void {
    const listeners = this.#listeners.get(type);
    if (listeners === undefined) this.#listeners.set(type, [listener]);
    else listeners.push(listener);
  }

  send(data: Bytes): void {
    const end = this.#end;
    if (end === undefined || this.#state !== OPEN) return;
    const frame = data.slice(); // What is sent is the sender's to use again.
    this.#carrier.hand(() => {
      if (end.isOpen) this.#carrier.network.send(end, { type: "frame", frame });
    });
  }

  close(code = 1000, reason = ""): void {
    if (this.#state >= CLOSING) return;
    this.#state = CLOSING;
    const end = this.#end;
    if (end === undefined) return queueMicrotask(() => this.failed(reason));
    this.#carrier.hand(() => this.#carrier.network.close(end, code, reason));
  }

  pause(): void {
    if (this.#end !== undefined) this.#carrier.network.pause(this.#end);
  }

  resume(): void {
    if (this.#end !== undefined) this.#carrier.network.resume(this.#end);
  }

  /** The link is there. */
  opened(end: Endpoint): void {
    if (this.#state !== CONNECTING) {
      return this.#carrier.network.close(end, FAILED, "the dial was given up");
    }
    this.#end = end;
    this.#state = OPEN;
    this.#tell({ type: "open" });
  }

  /** A frame came out of the link. */
  received(frame: Bytes): void {
    if (this.#state !== OPEN) return;
    this.#tell({ type: "message", data: frame.buffer });
  }

  /** The link has ended, or there will be none. */
  closed(code: number, reason: string): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#tell({ type: "close", code, reason });
  }

  /** Nobody can be reached. */
  failed(reason: string): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#tell({ type: "error", message: reason });
    this.#tell({ type: "close", code: FAILED, reason });
  }

  #tell(event: WebSocketEvent): void {
    for (const listener of this.#listeners.get(event.type) ?? []) {
      listener(event);
    }
  }
}

/** The `WebSocket` that one process dials with; `dial` is told of each. */
export function dialling(
  carrier: Carrier,
  dial: (url: string, made: SimulatedWebSocket) => void,
): WebSocketConstructor {
  return class extends SimulatedWebSocket {
    constructor(url: string) {
      super(carrier);
      dial(url, this);
    }
  };
}
