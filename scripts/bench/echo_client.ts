/**
 * The client of a bare WebSocket echo: what every operation is compared with.
 *
 * @module
 */
import type { Platform } from "./platform.ts";

/**
 * Sizes of messages on which a WebSocket that Deno dialled stalls for 40 ms: a
 * late acknowledgement that Nagle's algorithm waits for. That is no limit to
 * compare with, so there the server sends as many bytes in answer to the four
 * that ask for them: the same latency, with the value on the wire once.
 */
const STALLS_FROM_BYTES = 1024;
const STALLS_TO_BYTES = 65_536;
/** Length of a message that asks for so many bytes. */
export const ASK_BYTES = 4;

/** A big-endian number of 32 bits. */
function ask(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ASK_BYTES);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

/** Sends, and waits for the same bytes to come back. */
export class EchoClient {
  readonly #socket: WebSocket;
  readonly #stalls: boolean;
  readonly #waiting: (() => void)[] = [];
  #first = 0;

  constructor({ dial, stalls }: Platform, url: string) {
    this.#socket = dial(url);
    this.#stalls = stalls;
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onmessage = () => this.#onMessage();
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#socket.onopen = () => resolve();
    });
  }

  echo(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { length } = bytes;
    const asks = this.#stalls && length > STALLS_FROM_BYTES &&
      length < STALLS_TO_BYTES;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.send(asks ? ask(length) : bytes);
    });
  }

  #onMessage(): void {
    this.#waiting[this.#first++]!();
    if (this.#first < this.#waiting.length) return;
    this.#waiting.length = this.#first = 0;
  }
}
