import { type ByteReader, MalformedBytesError } from "../util/bytes.ts";

/** How the bytes of a value are meant. */
export type ValueKind = "bytes" | "text" | "json";

/** A value as caches and topics hold it. */
export interface StoredValue {
  /** How the bytes are meant. */
  readonly kind: ValueKind;
  /** UTF-8 for `text` and `json`. */
  readonly bytes: Uint8Array;
}

/** Every kind, by its number, which is never used again for another one. */
export const VALUE_KINDS: readonly ValueKind[] = ["bytes", "text", "json"];

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
