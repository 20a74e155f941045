import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";

const POSITIVE = 0;
const NEGATIVE = 1;
const WIDE = 2;

/** Appends a safe integer from 0 on, seven bits a byte: most of them are short. */
export function writeNatural(writer: ByteWriter, value: number): void {
  while (value >= 0x80) {
    writer.u8(value & 0x7f | 0x80);
    value = Math.floor(value / 0x80);
  }
  writer.u8(value);
}

/**
 * Reads what {@linkcode writeNatural} wrote.
 * @throws {MalformedBytesError} above `max`, and for a longer way to write the same.
 */
export function readNatural(
  reader: ByteReader,
  max = Number.MAX_SAFE_INTEGER,
): number {
  let byte = reader.u8();
  if (byte < 0x80 && byte <= max) return byte;
  let value = byte & 0x7f;
  for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
    byte = reader.u8();
    value += (byte & 0x7f) * scale;
    if (value > max) break;
  }
  if (value > max || byte === 0) {
    throw new MalformedBytesError(
      `not a natural number up to ${max}, before ${reader.offset}`,
    );
  }
  return value;
}

/** Appends a signed 64-bit integer. */
export function writeInteger(writer: ByteWriter, value: bigint): void {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    writer.u8(WIDE).i64(value);
  } else if (number < 0) {
    writer.u8(NEGATIVE);
    writeNatural(writer, -number);
  } else {
    writer.u8(POSITIVE);
    writeNatural(writer, number);
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
      return BigInt(readNatural(reader));
    case NEGATIVE:
      return BigInt(-readNatural(reader));
    case WIDE:
      return reader.i64();
    default:
      throw new MalformedBytesError(`unknown shape of an integer ${shape}`);
  }
}
