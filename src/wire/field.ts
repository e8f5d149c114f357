/**
 * The kinds of field a message can have: how each is written, read and bounded.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { ProtocolError } from "../base/errors.ts";
import type { Id } from "../id/id.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** What values a field takes: enough to make one up, or to describe it. */
export type Shape =
  | { readonly kind: "integer"; readonly bits: 8 | 16 | 32 | 48 }
  | { readonly kind: "choice"; readonly max: number }
  | { readonly kind: "flag" }
  | { readonly kind: "id" }
  /** Hexadecimal text of exactly so many bytes. */
  | { readonly kind: "hex"; readonly length: number }
  | { readonly kind: "bytes"; readonly min: number; readonly max: number }
  | { readonly kind: "text"; readonly max: number }
  | { readonly kind: "optional"; readonly of: Shape }
  | { readonly kind: "list"; readonly of: Shape; readonly max: number }
  | {
    readonly kind: "record";
    readonly fields: { readonly [name: string]: Shape };
  };

/** One field: both directions of its encoding. */
export interface Field<T> {
  readonly shape: Shape;
  write(writer: Writer, value: T): void;
  /** Throws `ProtocolError`; allocates no more than the bytes it reads. */
  read(reader: Reader): T;
}

/** The value type of a field. */
export type ValueOf<F> = F extends Field<infer T> ? T : never;

/** An integer below 2^8. */
export const u8: Field<number> = {
  shape: { kind: "integer", bits: 8 },
  write: (writer, value) => writer.u8(value),
  read: (reader) => reader.u8(),
};

/** An integer below 2^16. */
export const u16: Field<number> = {
  shape: { kind: "integer", bits: 16 },
  write: (writer, value) => writer.u16(value),
  read: (reader) => reader.u16(),
};

/** An integer below 2^32. */
export const u32: Field<number> = {
  shape: { kind: "integer", bits: 32 },
  write: (writer, value) => writer.u32(value),
  read: (reader) => reader.u32(),
};

/** An integer below 2^48. */
export const u48: Field<number> = {
  shape: { kind: "integer", bits: 48 },
  write: (writer, value) => writer.u48(value),
  read: (reader) => reader.u48(),
};

/** A node, a position or a key's hash: 16 bytes. */
export const id: Field<Id> = {
  shape: { kind: "id" },
  write: (writer, value) => writer.id(value),
  read: (reader) => reader.id(),
};

/** One byte from 0 to `max`. */
export function choice<T extends number = number>(max: T): Field<number> {
  return {
    shape: { kind: "choice", max },
    write: (writer, value) => writer.u8(value),
    read: (reader) => {
      const value = reader.u8();
      if (value > max) {
        throw new ProtocolError(
          `Cannot read a choice: it is ${value}, at most ${max} is known`,
        );
      }
      return value;
    },
  };
}

const bit = choice(1);

/** True or false, in one byte that is 1 or 0. */
export const flag: Field<boolean> = {
  shape: { kind: "flag" },
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read: (reader) => bit.read(reader) === 1,
};

/** Exactly `length` bytes. */
export function fixed(length: number): Field<Bytes> {
  return {
    shape: { kind: "bytes", min: length, max: length },
    write: (writer, value) => writer.raw(value),
    read: (reader) => reader.raw(length),
  };
}

/** From `min` to `max` bytes. */
export function bytes(max: number, what: string, min = 0): Field<Bytes> {
  return {
    shape: { kind: "bytes", min, max },
    write: (writer, value) => writer.bytes(value),
    read: (reader) => {
      const value = reader.bytes(max, what);
      if (value.length >= min) return value;
      throw new ProtocolError(
        `Cannot read ${what}: it has ${value.length} bytes, at least ${min} ` +
          `are needed`,
      );
    },
  };
}

/** Up to `max` bytes of UTF-8. */
export function text(max: number, what: string): Field<string> {
  return {
    shape: { kind: "text", max },
    write: (writer, value) => writer.text(value),
    read: (reader) => reader.text(max, what),
  };
}

/** A field that may be missing: one byte says whether it is there. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    shape: { kind: "optional", of: field.shape },
    write: (writer, value) => {
      flag.write(writer, value !== undefined);
      if (value !== undefined) field.write(writer, value);
    },
    read: (reader) => flag.read(reader) ? field.read(reader) : undefined,
  };
}

/** Up to `max` values of one kind. */
export function list<T>(
  field: Field<T>,
  max: number,
  what: string,
): Field<readonly T[]> {
  return {
    shape: { kind: "list", of: field.shape, max },
    write: (writer, values) => {
      writer.size(values.length);
      for (const value of values) field.write(writer, value);
    },
    read: (reader) => {
      // Grows as it reads: a count alone takes no memory.
      const values: T[] = [];
      for (let left = reader.size(max, what); left > 0; left--) {
        values.push(field.read(reader));
      }
      return values;
    },
  };
}

/** The fields of a record, in the order in which they are written. */
// deno-lint-ignore no-explicit-any -- the one place that holds any field
export type Fields = { readonly [name: string]: Field<any> };

/** The record that a set of fields describes. */
export type RecordOf<F extends Fields> = {
  readonly [Name in keyof F]: ValueOf<F[Name]>;
};

/**
 * Several fields as one.
 *
 * @param read reads them all in their order, for a record so frequent that
 * names which are only known at run time are felt
 */
export function record<F extends Fields>(
  fields: F,
  read?: (reader: Reader) => RecordOf<F>,
): Field<RecordOf<F>> {
  // Two plain lists: this is where most of the time of a codec goes.
  const names = Object.keys(fields);
  const parts = Object.values(fields);
  const shapes = names.map((name, i) => [name, parts[i]!.shape] as const);
  return {
    shape: { kind: "record", fields: Object.fromEntries(shapes) },
    write: (writer, value) => {
      for (let i = 0; i < names.length; i++) {
        parts[i]!.write(writer, value[names[i]!]);
      }
    },
    read: read ?? ((reader) => {
      const value: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) {
        value[names[i]!] = parts[i]!.read(reader);
      }
      return value as RecordOf<F>;
    }),
  };
}
