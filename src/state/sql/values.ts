import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { HiqliteError } from "../../errors.ts";
import { fitsInt64 } from "../../util/int64.ts";
import type { SqlValue } from "./types.ts";

const Tag = { null: 0, integer: 1, real: 2, text: 3, blob: 4 } as const;

/** The first tag that codecs built on this one may use for their own kinds of value. */
export const FIRST_FREE_TAG = 5;

const TWO_32 = 2 ** 32;

/** The value as number if that loses nothing, else as bigint. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A row's integers as numbers, where that loses nothing. */
export function narrowRow(row: readonly SqlValue[]): SqlValue[] {
  return row.map((value) => typeof value === "bigint" ? narrow(value) : value);
}

/** What a value counts for in the limits of answers, in bytes. */
export function sizeOf(value: SqlValue): number {
  if (typeof value === "string") return 8 + value.length;
  return value instanceof Uint8Array ? 8 + value.length : 8;
}

/**
 * Appends a value. Safe integers (and -0) are stored as INTEGER, other numbers as
 * REAL, NaN as NULL, as SQLite does.
 * @throws {HiqliteError} `invalid` for a bigint outside of 64 bits.
 */
export function writeValue(writer: ByteWriter, value: SqlValue): void {
  if (value === null) {
    writer.u8(Tag.null);
  } else if (typeof value === "number") {
    writeNumber(writer, value);
  } else if (typeof value === "string") {
    writer.u8(Tag.text).text(value);
  } else if (typeof value === "bigint") {
    if (!fitsInt64(value)) {
      throw new HiqliteError(
        "invalid",
        `Integer outside of 64 bits: ${value}`,
      );
    }
    writer.u8(Tag.integer).i64(value);
  } else {
    writer.u8(Tag.blob).bytes(value);
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isSafeInteger(value)) {
    writer.u8(Tag.integer).u32(value >>> 0)
      .u32(Math.floor(value / TWO_32) >>> 0);
  } else if (Number.isNaN(value)) {
    writer.u8(Tag.null);
  } else {
    writer.u8(Tag.real).f64(value);
  }
}

/** Reads what {@linkcode writeValue} wrote; blobs are copies. */
export function readValue(reader: ByteReader): SqlValue {
  return readTagged(reader, reader.u8());
}

/** Reads a value whose tag has been read. */
export function readTagged(reader: ByteReader, tag: number): SqlValue {
  switch (tag) {
    case Tag.null:
      return null;
    case Tag.integer: {
      const low = reader.u32();
      const high = reader.u32() | 0;
      const value = high * TWO_32 + low;
      return Number.isSafeInteger(value)
        ? value
        : (BigInt(high) << 32n) | BigInt(low);
    }
    case Tag.real:
      return reader.f64();
    case Tag.text:
      return reader.text();
    case Tag.blob:
      return reader.bytes().slice();
    default:
      throw new MalformedBytesError(
        `unknown kind of value ${tag} before ${reader.offset}`,
      );
  }
}

/** Reads a count of items that take at least `minimum` bytes each, so that a wrong count allocates nothing. */
export function readCount(reader: ByteReader, minimum: number): number {
  const count = reader.u32();
  if (count * minimum > reader.remaining) {
    throw new MalformedBytesError(
      `${count} items in ${reader.remaining} bytes before ${reader.offset}`,
    );
  }
  return count;
}
