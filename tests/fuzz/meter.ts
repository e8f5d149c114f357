/**
 * Counts what code takes while it runs: bytes of arrays, slots of lists, steps
 * of the reader. Counted work is the same on every machine, however busy.
 *
 * @module
 */
import { Reader } from "../../src/wire/reader.ts";

const BYTES_PER_SLOT = 8;

const STEPS = [
  "u8",
  "u16",
  "u32",
  "u48",
  "size",
  "id",
  "raw",
  "bytes",
  "text",
] as const;

/** Counts from when it is made until it is disposed of. */
export class Meter implements Disposable {
  /** Bytes of the arrays that were made since the last reset. */
  allocated = 0;
  /** Calls of a reader's methods since the last reset. */
  steps = 0;
  readonly #undo: (() => void)[] = [];

  constructor() {
    this.#countArrays("Uint8Array", 1);
    this.#countArrays("ArrayBuffer", 1);
    this.#countArrays("Array", BYTES_PER_SLOT);
    const { prototype } = Object.getPrototypeOf(Uint8Array);
    this.#replace(prototype, "slice", (slice) => {
      // deno-lint-ignore no-this-alias -- the function below has its own
      const meter = this;
      return function (this: Uint8Array, ...args: unknown[]): unknown {
        const copy = slice.apply(this, args);
        meter.allocated += copy.byteLength;
        return copy;
      };
    });
    const reader = Reader.prototype as unknown as Record<string, AnyFunction>;
    for (const name of STEPS) {
      this.#replace(reader, name, (step) => {
        // deno-lint-ignore no-this-alias -- the function below has its own
        const meter = this;
        return function (this: Reader, ...args: unknown[]): unknown {
          meter.steps++;
          return step.apply(this, args);
        };
      });
    }
  }

  reset(): void {
    this.allocated = 0;
    this.steps = 0;
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  /** Counts what is made by `new` of a length, or copied from something. */
  #countArrays(name: string, unitBytes: number): void {
    const count = (length: unknown) => {
      if (typeof length === "number") this.allocated += unitBytes * length;
    };
    this.#replace(globalThis as never, name, (made) =>
      new Proxy(made, {
        apply: (target, self, args) => {
          count(args[0]);
          return Reflect.apply(target, self, args);
        },
        construct: (target, args, newTarget) => {
          const [first] = args;
          count(ArrayBuffer.isView(first) ? first.byteLength : first);
          return Reflect.construct(
            target,
            args,
            newTarget.name === name ? target : newTarget,
          );
        },
        get: (target, property, receiver) => {
          const value = Reflect.get(target, property, receiver);
          if (property !== "from") return value;
          return (source: { length?: unknown }, ...rest: unknown[]) => {
            count(source.length);
            return value.call(target, source, ...rest);
          };
        },
      }));
  }

  #replace(
    on: Record<string, AnyFunction>,
    name: string,
    change: (before: AnyFunction) => AnyFunction,
  ): void {
    const before = on[name]!;
    on[name] = change(before);
    this.#undo.push(() => on[name] = before);
  }
}

// deno-lint-ignore no-explicit-any -- any function of anybody
type AnyFunction = (...args: any[]) => any;
