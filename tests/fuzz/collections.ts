/**
 * Which maps and sets code makes, and how large they become.
 *
 * @module
 */

/** A map or a set, and where it was made. */
export interface Collection {
  readonly size: number;
  /** The file, and the line. */
  readonly place: string;
}

const STACK_FRAMES = 4;

/** Runs `work`; gives what it gives, and every map and set it made. */
export function watched<T>(work: () => T): [T, Collection[]] {
  const made: Collection[] = [];
  const { Map: PlainMap, Set: PlainSet } = globalThis;
  const { stackTraceLimit } = Error;
  const note = (collection: { readonly size: number }) => {
    Error.stackTraceLimit = STACK_FRAMES;
    const [, at = "somewhere"] =
      /\/(src\/[\w/]+\.ts:\d+):\d+/.exec(`${new Error().stack}`) ?? [];
    Error.stackTraceLimit = stackTraceLimit;
    made.push({
      get size() {
        return collection.size;
      },
      place: at,
    });
  };
  const noting = <C extends new (...args: never[]) => { size: number }>(
    plain: C,
  ): C =>
    new Proxy(plain, {
      construct: (target, args, newTarget) => {
        const collection = Reflect.construct(target, args, newTarget);
        note(collection as { size: number });
        return collection;
      },
    });
  globalThis.Map = noting(PlainMap as never) as never;
  globalThis.Set = noting(PlainSet as never) as never;
  try {
    return [work(), made];
  } finally {
    globalThis.Map = PlainMap;
    globalThis.Set = PlainSet;
  }
}
