/**
 * Lets so many through at once, and so many bytes; the others wait their turn.
 *
 * @module
 */
import { Queue } from "../../mesh/queue.ts";

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/** A gate; one that is too large for it goes through alone. */
export class Gate {
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #waiting = new Queue<Waiting>();
  #count = 0;
  #bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Goes through, at once (`undefined`) or once the promise resolves. */
  enter(bytes: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#hasRoomFor(bytes)) {
      this.#count++;
      this.#bytes += bytes;
      return undefined;
    }
    return new Promise((enter) => this.#waiting.push({ bytes, enter }));
  }

  /** Must follow each `enter`, with the same number. */
  leave(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    for (;;) {
      const next = this.#waiting.peek();
      if (next === undefined || !this.#hasRoomFor(next.bytes)) return;
      this.#waiting.shift();
      this.#count++;
      this.#bytes += next.bytes;
      next.enter();
    }
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#count === 0 ||
      (this.#count < this.#countMax && this.#bytes + bytes <= this.#bytesMax);
  }
}
