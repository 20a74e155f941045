import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { VALUE_BYTES_MAX } from "./limits.ts";
import { readNatural, writeNatural } from "./numbers.ts";
import type { KvValue, ValueKind } from "./types.ts";

/** Every kind, by its number, which is never used again for another one. */
export const VALUE_KINDS: readonly ValueKind[] = ["bytes", "text", "json"];

/** Appends a value: a byte for its kind, its length, its bytes. */
export function writeKvValue(writer: ByteWriter, value: KvValue): void {
  writer.u8(VALUE_KINDS.indexOf(value.kind));
  writeNatural(writer, value.bytes.length);
  writer.raw(value.bytes);
}

/**
 * Reads what {@linkcode writeKvValue} wrote; the bytes are a view into the input.
 * @throws {MalformedBytesError} for anything else.
 */
export function readKvValue(reader: ByteReader): KvValue {
  const kind = readValueKind(reader);
  return { kind, bytes: reader.raw(readNatural(reader, VALUE_BYTES_MAX)) };
}

/**
 * Reads the byte of a value's kind.
 * @throws {MalformedBytesError} for an unknown one.
 */
export function readValueKind(reader: ByteReader): ValueKind {
  const code = reader.u8();
  const kind = VALUE_KINDS[code];
  if (kind === undefined) {
    throw new MalformedBytesError(`unknown kind of value ${code}`);
  }
  return kind;
}

/** Whether two values are of one kind and have the same bytes. */
export function sameValue(a: KvValue, b: KvValue): boolean {
  const { length } = a.bytes;
  if (a.kind !== b.kind || length !== b.bytes.length) return false;
  for (let i = 0; i < length; i++) if (a.bytes[i] !== b.bytes[i]) return false;
  return true;
}
