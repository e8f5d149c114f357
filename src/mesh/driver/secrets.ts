/**
 * The secrets of a socket: checked, copied, and handed to nobody but what
 * computes with them. No message of an error holds any part of one.
 *
 * @module
 */
import { type Bytes, utf8 } from "../../base/bytes.ts";
import {
  SECRET_BYTES_MAX,
  SECRET_BYTES_MIN,
  SECRETS_MAX,
} from "../../base/limits.ts";

/** The options that say what peers must know. */
export interface SecretOptions {
  /**
   * Only nodes that know it are let in, and each proves it to the other: text
   * or bytes, 16 to 1,024 of them, from a good source of chance. It never
   * travels. It keeps strangers out and hides nothing: use `wss:` for that.
   */
  readonly secret?: string | Uint8Array;
  /**
   * In place of `secret` while it is being changed: the new one and those that
   * it replaces, up to 8. Two nodes meet if they have one in common.
   */
  readonly secrets?: readonly (string | Uint8Array)[];
}

/**
 * What the options give as secrets, as copies.
 *
 * @throws {TypeError} If they are not text or bytes, or both options are given
 * @throws {RangeError} If one is too short or too long, or they are too many
 */
export function checkSecrets({ secret, secrets }: SecretOptions): Bytes[] {
  if (secret !== undefined && secrets !== undefined) {
    throw new TypeError(
      'Cannot use both "secret" and "secrets": give one of them',
    );
  }
  if (secrets === undefined) {
    return secret === undefined ? [] : [checkSecret(secret)];
  }
  if (!Array.isArray(secrets)) {
    throw new TypeError(
      `Cannot use "secrets" of type ${typeof secrets}: give an array`,
    );
  }
  if (secrets.length < 1 || secrets.length > SECRETS_MAX) {
    throw new RangeError(
      `Cannot use ${secrets.length} secrets: give 1 to ${SECRETS_MAX}`,
    );
  }
  return secrets.map(checkSecret);
}

function checkSecret(secret: unknown): Bytes {
  if (typeof secret !== "string" && !(secret instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot use a secret of type ${typeof secret}: give a string or a ` +
        `Uint8Array`,
    );
  }
  const bytes = typeof secret === "string" ? utf8(secret) : secret.slice();
  if (bytes.length >= SECRET_BYTES_MIN && bytes.length <= SECRET_BYTES_MAX) {
    return bytes;
  }
  throw new RangeError(
    `Cannot use a secret of ${bytes.length} bytes: give ${SECRET_BYTES_MIN} ` +
      `to ${SECRET_BYTES_MAX}`,
  );
}
