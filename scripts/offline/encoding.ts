/**
 * Stands in for `@std/encoding` where JSR cannot be reached: a port of the very
 * same sources, published on npm.
 *
 * @module
 */
export * from "npm:byte-encodings@1.0.11";
