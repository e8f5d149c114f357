/**
 * Which layer each file of `src` belongs to. Imports go to the same layer or to
 * one below; what is below `PORTS` is pure.
 *
 * @module
 */

/** From here on code may await and use what the platform gives. */
export const PORTS = 4;
/** From here on code may name the globals of one runtime. */
export const PLATFORMS = 6;

/** Drivers that live beside the machine they drive. */
const DRIVERS = /^src\/(mesh|dict)\/(\w+_socket|driver\/\w+)\.ts$/;

/** First match wins. Fractions order the parts of one layer. */
const TABLE: readonly (readonly [RegExp, number])[] = [
  [/^src\/base\//, 0],
  [/^src\/id\//, 1],
  [/^src\/wire\//, 2],
  [/^src\/ring\//, 2.5],
  [DRIVERS, 5],
  [/^src\/mesh\//, 3],
  [/^src\/dict\//, 3.5],
  [/^src\/(transport|store)\//, 4],
  [/^src\/runtime\//, PLATFORMS],
  [/^src\/testing\//, 5.5],
  [/^src\/\w+\.ts$/, 5],
  [/^mod\.ts$/, 5.5],
  [/^(scripts|tests)\//, 7],
];

/** The layer of a file, by its path from the root; `undefined`: it has none. */
export function layerOf(path: string): number | undefined {
  return TABLE.find(([pattern]) => pattern.test(path))?.[1];
}

/** The path from the root that a relative specifier in `path` leads to. */
export function targetOf(path: string, specifier: string): string {
  const url = new URL(specifier, `file:///${path}`);
  return url.pathname.slice(1);
}
