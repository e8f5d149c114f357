/**
 * Messages as JSON, so that vectors can be read by people and by other code:
 * bytes are `{ "hex": "…" }`, and what is missing is left out.
 *
 * @module
 */
import { decodeHex, encodeHex } from "@std/encoding";
import type { Shape } from "../../src/wire/field.ts";
import { declarations, type Message } from "../../src/wire/messages.ts";

/** One message with its bytes, as the files in `tests/vectors` hold it. */
export interface Vector {
  readonly message: { readonly type: string };
  readonly hex: string;
}

/** For `JSON.stringify`. */
export function toJson(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { hex: encodeHex(value) } : value;
}

function fromJson(json: unknown, shape: Shape): unknown {
  switch (shape.kind) {
    case "bytes":
      return decodeHex((json as { hex: string }).hex);
    case "optional":
      return json === undefined ? undefined : fromJson(json, shape.of);
    case "list":
      return (json as unknown[]).map((item) => fromJson(item, shape.of));
    case "record":
      return Object.fromEntries(
        Object.entries(shape.fields).map(([name, of]) => [
          name,
          fromJson((json as Record<string, unknown>)[name], of),
        ]),
      );
    default:
      return json;
  }
}

/** The message of a vector. */
export function messageFromJson(json: { readonly type: string }): Message {
  const declared = declarations.find(({ type }) => type === json.type);
  if (declared === undefined) throw new TypeError(`Cannot find ${json.type}`);
  const fields = fromJson(json, declared.body.shape) as object;
  return { ...fields, type: json.type } as Message;
}
