/**
 * Listeners by event name.
 *
 * @module
 */

/** An event's name and the arguments of its listeners. */
export type Listeners<Events> = {
  readonly [Name in keyof Events]: readonly unknown[];
};

interface Listener {
  // `never`: what any listener takes; `emit` knows the arguments.
  readonly run: (...args: never) => void;
  readonly isOnce: boolean;
}

/** Calls listeners in the order in which they were added. */
export class Emitter<Events extends Listeners<Events>> {
  readonly #listeners = new Map<keyof Events, Listener[]>();
  readonly #onThrow: (error: unknown, name: keyof Events) => void;

  /** @param onThrow is told what a listener threw; the others still run */
  constructor(onThrow: (error: unknown, name: keyof Events) => void) {
    this.#onThrow = onThrow;
  }

  /** How many listeners an event has. */
  count(name: keyof Events): number {
    return this.#listeners.get(name)?.length ?? 0;
  }

  on<Name extends keyof Events>(
    name: Name,
    run: (...args: Events[Name]) => void,
    isOnce = false,
  ): void {
    if (typeof run !== "function") {
      throw new TypeError(
        `Cannot listen for "${String(name)}" with a listener of type ` +
          `${typeof run}: give a function`,
      );
    }
    const listener: Listener = { run, isOnce };
    // A new array, so that whoever is being called is not disturbed.
    const others = this.#listeners.get(name) ?? [];
    this.#listeners.set(name, [...others, listener]);
  }

  /** Removes one listener that was added with `run`, if there is any. */
  off<Name extends keyof Events>(
    name: Name,
    run: (...args: Events[Name]) => void,
  ): void {
    const listeners = this.#listeners.get(name) ?? [];
    this.#remove(
      name,
      listeners.findIndex((listener) => Object.is(listener.run, run)),
    );
  }

  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      if (listener.isOnce) {
        this.#remove(name, this.#listeners.get(name)!.indexOf(listener));
      }
      try {
        const result: unknown = listener.run(...args as never);
        if (typeof (result as PromiseLike<unknown>)?.then === "function") {
          (result as PromiseLike<unknown>)
            .then(undefined, (error) => this.#onThrow(error, name));
        }
      } catch (error) {
        this.#onThrow(error, name);
      }
    }
  }

  #remove(name: keyof Events, at: number): void {
    if (at === -1) return;
    this.#listeners.set(name, this.#listeners.get(name)!.toSpliced(at, 1));
  }
}
