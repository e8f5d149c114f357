/**
 * Reads numbers and bytes out of what a peer sent, and trusts none of it.
 *
 * @module
 */
import { type Bytes, fromUtf8, toHex } from "../base/bytes.ts";
import { ProtocolError } from "../base/errors.ts";
import { type Id, ID_BYTES, idFromBytes } from "../id/id.ts";

/** Every method throws `ProtocolError` at the end of the bytes. */
export class Reader {
  readonly #bytes: Bytes;
  readonly #end: number;
  #at: number;

  /** Reads `bytes` from `at` to before `end`. */
  constructor(bytes: Bytes, at = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** A reader of the next `length` bytes, which are passed over here. */
  part(length: number): Reader {
    const at = this.#take(length);
    return new Reader(this.#bytes, at, at + length);
  }

  /** What is left, as a view that this leaves to be read. */
  get rest(): Bytes {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    const at = this.#take(2);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  u48(): number {
    return this.u16() * 0x1_0000_0000 + this.u32();
  }

  /** A length or count, refused above `max` and in any but its shortest form. */
  size(max: number, what: string): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.u8();
      value += (byte & 127) << shift;
      if (byte < 128) {
        if (byte === 0 && shift > 0) break;
        if (value > max) {
          throw new ProtocolError(
            `Cannot read ${what}: its size is ${value}, at most ${max} is allowed`,
          );
        }
        return value;
      }
    }
    throw new ProtocolError(`Cannot read ${what}: its size is malformed`);
  }

  id(): Id {
    return idFromBytes(this.#bytes, this.#take(ID_BYTES));
  }

  /** So many bytes as hexadecimal text. */
  hex(length: number): string {
    return toHex(this.#bytes, this.#take(length), length);
  }

  /** A view, not a copy: whoever keeps it longer than the frame copies it. */
  raw(length: number): Bytes {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Bytes after their length; a view, not a copy. */
  bytes(max: number, what: string): Bytes {
    return this.raw(this.size(max, what));
  }

  text(max: number, what: string): string {
    const bytes = this.bytes(max, what);
    try {
      return fromUtf8(bytes);
    } catch {
      throw new ProtocolError(`Cannot read ${what}: it is not UTF-8`);
    }
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#end) {
      throw new ProtocolError(
        `Cannot read ${count} bytes: ${this.left} of the message are left; ` +
          `it is cut off or malformed`,
      );
    }
    this.#at = at + count;
    return at;
  }
}
