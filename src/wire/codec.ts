/**
 * Messages to bytes and back.
 *
 * @module
 */
import type { Bytes, Parts } from "../base/bytes.ts";
import { ProtocolError } from "../base/errors.ts";
import type { Field } from "./field.ts";
import { declarations, type Lane, type Message } from "./messages.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

interface Kind {
  readonly kind: number;
  readonly type: string;
  readonly lane: Lane;
  readonly body: Field<unknown>;
}

const byType = new Map<string, Kind>();
const byKind: (Kind | undefined)[] = [];
for (const declaration of declarations) {
  byType.set(declaration.type, declaration);
  byKind[declaration.kind] = declaration;
}

const writer = new Writer();

/** The lane in which messages of a type travel. */
export function laneOf(type: Message["type"]): Lane {
  return byType.get(type)!.lane;
}

/** One message as bytes: its kind, then its fields. */
export function encode(message: Message): Bytes {
  write(message);
  return writer.take();
}

/** The same; large fields are the message's own arrays, not copies. */
export function encodeParts(message: Message): Parts {
  write(message);
  return writer.takeParts();
}

function write(message: Message): void {
  const { kind, body } = byType.get(message.type)!;
  writer.clear();
  writer.u8(kind);
  body.write(writer, message);
}

/**
 * The message that `bytes` are, all of them. Byte fields are views into
 * `bytes`: whoever keeps one copies it.
 *
 * @throws {ProtocolError} If they are anything but one well-formed message
 */
export function decode(bytes: Bytes): Message {
  return readMessage(new Reader(bytes));
}

/** The message that a reader has left, likewise. */
export function readMessage(reader: Reader): Message {
  const kind = reader.u8();
  const declaration = byKind[kind];
  if (declaration === undefined) {
    throw new ProtocolError(
      `Cannot read a message of the unknown kind ${kind}`,
    );
  }
  const message = declaration.body.read(reader) as Record<string, unknown>;
  if (reader.left > 0) {
    throw new ProtocolError(
      `Cannot read a message "${declaration.type}": ${reader.left} bytes ` +
        `are left over`,
    );
  }
  message.type = declaration.type;
  return message as unknown as Message;
}

/** One value that travels inside another message's bytes. */
export function encodeField<T>(field: Field<T>, value: T): Bytes {
  writer.clear();
  field.write(writer, value);
  return writer.take();
}

/**
 * The value that `bytes` are, all of them.
 *
 * @throws {ProtocolError} If they are anything else
 */
export function decodeField<T>(field: Field<T>, bytes: Bytes): T {
  const reader = new Reader(bytes);
  const value = field.read(reader);
  if (reader.left === 0) return value;
  throw new ProtocolError(`Cannot read a field: ${reader.left} bytes are left`);
}
