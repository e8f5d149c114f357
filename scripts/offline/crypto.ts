/**
 * Stands in for `@std/crypto` where JSR cannot be reached: the digests of
 * `crypto.subtle`, with the synchronous one over `node:crypto`.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** The digests that both `@std/crypto` and `node:crypto` know by these names. */
export type DigestAlgorithm =
  | "MD5"
  | "SHA-1"
  | "SHA-224"
  | "SHA-256"
  | "SHA-384"
  | "SHA-512";

type Data = BufferSource | Iterable<BufferSource>;

/** `SubtleCrypto` with more ways to digest. */
export interface StdSubtleCrypto extends Omit<SubtleCrypto, "digest"> {
  digest(
    algorithm: DigestAlgorithm,
    data: Data | AsyncIterable<BufferSource>,
  ): Promise<ArrayBuffer>;
  digestSync(algorithm: DigestAlgorithm, data: Data): ArrayBuffer;
}

/** `Crypto` with more ways to digest. */
export interface StdCrypto extends Omit<Crypto, "subtle"> {
  readonly subtle: StdSubtleCrypto;
}

function view(data: BufferSource): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

function isBuffer(data: unknown): data is BufferSource {
  return ArrayBuffer.isView(data) || data instanceof ArrayBuffer;
}

async function digest(
  algorithm: DigestAlgorithm,
  data: Data | AsyncIterable<BufferSource>,
): Promise<ArrayBuffer> {
  const hash = createHash(algorithm.replace("-", "").toLowerCase());
  if (isBuffer(data)) hash.update(view(data));
  else for await (const part of data) hash.update(view(part));
  return new Uint8Array(hash.digest()).buffer;
}

function digestSync(algorithm: DigestAlgorithm, data: Data): ArrayBuffer {
  const hash = createHash(algorithm.replace("-", "").toLowerCase());
  for (const part of isBuffer(data) ? [data] : data) hash.update(view(part));
  return new Uint8Array(hash.digest()).buffer;
}

// Methods of the platform's own objects work on those objects only.
const bound = <T extends object>(target: T, extra: object): T =>
  new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(extra, name)) return Reflect.get(extra, name);
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

/** The platform's `crypto`, with `subtle.digestSync`. */
export const crypto: StdCrypto = bound(globalThis.crypto, {
  subtle: bound(globalThis.crypto.subtle, { digest, digestSync }),
}) as unknown as StdCrypto;
