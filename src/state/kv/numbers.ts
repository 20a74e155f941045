import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";

const POSITIVE = 0;
const NEGATIVE = 1;
const WIDE = 2;

/** Appends a signed 64-bit integer. */
export function writeInteger(writer: ByteWriter, value: bigint): void {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    writer.u8(WIDE).i64(value);
  } else if (number < 0) {
    writer.u8(NEGATIVE);
    writer.natural(-number);
  } else {
    writer.u8(POSITIVE);
    writer.natural(number);
  }
}

/**
 * Reads what {@linkcode writeInteger} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readInteger(reader: ByteReader): bigint {
  const shape = reader.u8();
  switch (shape) {
    case POSITIVE:
      return BigInt(reader.natural());
    case NEGATIVE:
      return BigInt(-reader.natural());
    case WIDE:
      return reader.i64();
    default:
      throw new MalformedBytesError(`unknown shape of an integer ${shape}`);
  }
}
