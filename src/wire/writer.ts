/**
 * Appends numbers and bytes to a buffer that grows.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { type Id, ID_BYTES, writeId } from "../id/id.ts";

const BUFFER_BYTES_START = 512;
/** A buffer that was larger is not used again. */
const BUFFER_BYTES_KEPT_MAX = 4 * 1024;
const encoder = new TextEncoder();

/** A buffer to write one message into; used again for the next. */
export class Writer {
  #bytes: Bytes = new Uint8Array(BUFFER_BYTES_START);
  #length = 0;

  /** What was written since the last call; nothing else writes into it. */
  take(): Bytes {
    const length = this.#length;
    this.#length = 0;
    if (length <= BUFFER_BYTES_KEPT_MAX) return this.#bytes.slice(0, length);
    // A large message is handed over instead of copied.
    const bytes = this.#bytes.subarray(0, length);
    this.#bytes = new Uint8Array(BUFFER_BYTES_START);
    return bytes;
  }

  /** Forgets what was written: a message that broke off half-way. */
  clear(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    this.#bytes[this.#length++] = value >>> 8;
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value);
  }

  /** An integer up to 2^48, as wall clocks in milliseconds are. */
  u48(value: number): void {
    this.u16(Math.floor(value / 0x1_0000_0000));
    this.u32(value >>> 0);
  }

  /** A length or count: 7 bits a byte, lowest first, up to 2^28. */
  size(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.u8((rest & 127) | 128);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  id(id: Id): void {
    this.#room(ID_BYTES);
    writeId(id, this.#bytes, this.#length);
    this.#length += ID_BYTES;
  }

  /** Bytes without their length. */
  raw(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** Bytes after their length. */
  bytes(value: Uint8Array): void {
    this.size(value.length);
    this.raw(value);
  }

  /** UTF-8 after its length in bytes. */
  text(value: string): void {
    this.bytes(encoder.encode(value));
  }

  #room(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    // After one large value there is seldom more to come than a few bytes.
    const larger = new Uint8Array(
      Math.max(wanted + BUFFER_BYTES_START, this.#bytes.length * 2),
    );
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
