/**
 * What a run leaves behind: one number by which two runs are compared, and a
 * text to read when that number is not enough.
 *
 * @module
 */

/** Folds everything that reached a node into one hash, in order. */
export class Trace {
  readonly #print: ((line: string) => void) | undefined;
  #low = 0x811c_9dc5;
  #high = 0x9e37_79b9;
  #events = 0;

  /** @param print receives a line for each event; leave out for speed */
  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  /** How many events reached nodes. */
  get events(): number {
    return this.#events;
  }

  /** Sixteen hexadecimal digits; equal for equal runs. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  /** Takes in one event at one node. */
  event(atMs: number, node: number, kind: number, bytes?: Uint8Array): void {
    this.#events++;
    // Microseconds: a difference below one is no difference worth a failure.
    this.#fold(Math.round(atMs * 1000) >>> 0);
    this.#fold(node * 16 + kind);
    if (bytes === undefined) return;
    this.#fold(bytes.length);
    this.#foldBytes(bytes);
  }

  /** A line for people; what builds it runs only when somebody reads. */
  line(atMs: number, build: () => string): void {
    this.#print?.(`${(atMs / 1000).toFixed(6).padStart(12)} ${build()}`);
  }

  /** Four bytes at a time: this sees every byte that any node receives. */
  #foldBytes(bytes: Uint8Array): void {
    let low = this.#low;
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) |
        (bytes[i + 3]! << 24);
      low = Math.imul(low ^ word, 0x0100_0193) ^ (low >>> 15);
    }
    for (let i = whole; i < bytes.length; i++) {
      low = Math.imul(low ^ bytes[i]!, 0x0100_0193);
    }
    this.#low = low;
  }

  #fold(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x0100_0193);
    this.#high = Math.imul(this.#high ^ this.#low, 0x85eb_ca6b) ^ word;
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
