/**
 * Stands in for `@std/encoding` where JSR cannot be reached: the same names and
 * arguments, over `node:buffer`, so that nothing has to be downloaded.
 *
 * @module
 */
import { Buffer } from "node:buffer";

type Encoding = "hex" | "base64" | "base64url";
type Source = string | ArrayBuffer | Uint8Array;

function encode(source: Source, encoding: Encoding): string {
  if (typeof source === "string") return Buffer.from(source).toString(encoding);
  const bytes = new Uint8Array(source);
  return Buffer.from(bytes).toString(encoding);
}

function decode(text: string, encoding: Encoding): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(Buffer.from(text, encoding));
  // `Buffer` stops silently at the first character that it does not know.
  const again = encode(bytes, encoding);
  if (again.replace(/=+$/, "") !== canonical(text, encoding)) {
    throw new TypeError(`Cannot decode as ${encoding}: "${text}"`);
  }
  return bytes;
}

function canonical(text: string, encoding: Encoding): string {
  return encoding === "hex" ? text.toLowerCase() : text.replace(/=+$/, "");
}

export function encodeHex(source: Source): string {
  return encode(source, "hex");
}

export function decodeHex(text: string): Uint8Array<ArrayBuffer> {
  return decode(text, "hex");
}

export function encodeBase64(source: Source): string {
  return encode(source, "base64");
}

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return decode(text, "base64");
}

export function encodeBase64Url(source: Source): string {
  return encode(source, "base64url");
}

export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return decode(text, "base64url");
}
