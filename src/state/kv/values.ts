import type { ByteReader, ByteWriter } from "../../util/bytes.ts";
import { readValueKind, VALUE_KINDS } from "../stored_value.ts";
import { VALUE_BYTES_MAX } from "./limits.ts";
import type { KvValue } from "./types.ts";

/** Appends a value: a byte for its kind, its length, its bytes. */
export function writeKvValue(writer: ByteWriter, value: KvValue): void {
  writer.u8(VALUE_KINDS.indexOf(value.kind));
  writer.natural(value.bytes.length);
  writer.raw(value.bytes);
}

/**
 * Reads what {@linkcode writeKvValue} wrote; the bytes are a view into the input.
 * @throws {MalformedBytesError} for anything else.
 */
export function readKvValue(reader: ByteReader): KvValue {
  const kind = readValueKind(reader);
  return { kind, bytes: reader.raw(reader.natural(VALUE_BYTES_MAX)) };
}

/** Whether two values are of one kind and have the same bytes. */
export function sameValue(a: KvValue, b: KvValue): boolean {
  const { length } = a.bytes;
  if (a.kind !== b.kind || length !== b.bytes.length) return false;
  for (let i = 0; i < length; i++) if (a.bytes[i] !== b.bytes[i]) return false;
  return true;
}
