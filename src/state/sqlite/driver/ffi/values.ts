import type { SqlValue } from "../../../sql/types.ts";
import { SqliteError } from "../driver.ts";
import {
  Code,
  COPY,
  type Pointer,
  type Sqlite,
  textAt,
  Type,
} from "./library.ts";

/** A longer text gets memory of its own. */
const SCRATCH_BYTES = 64 * 1024;
/** What a UTF-16 unit takes in UTF-8 at most. */
const BYTES_PER_UNIT = 3;
/** SQLite copies what is in it before anything else can come in. */
const scratch = new Uint8Array(SCRATCH_BYTES);
let encodedBytes = 0;
const ENCODER = new TextEncoder();
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Binds a value as what it is: a bigint as INTEGER, a number as REAL.
 * @returns SQLite's result code.
 * @throws {TypeError} for a bigint outside of 64 bits.
 */
export function bindValue(
  sqlite: Sqlite,
  statement: Pointer,
  at: number,
  value: SqlValue,
): number {
  switch (typeof value) {
    case "bigint":
      return sqlite.sqlite3_bind_int64(statement, at, int64(value));
    case "string":
      return bindText(sqlite, statement, at, value);
    case "number":
      return sqlite.sqlite3_bind_double(statement, at, value);
    default:
      return value === null
        ? sqlite.sqlite3_bind_null(statement, at)
        : bindBlob(sqlite, statement, at, value);
  }
}

/** The text as UTF-8, good until the next call; `encodedBytes` tells how much of it. */
function encoded(text: string): Uint8Array<ArrayBuffer> {
  if (text.length * BYTES_PER_UNIT <= SCRATCH_BYTES) {
    encodedBytes = ENCODER.encodeInto(text, scratch).written;
    return scratch;
  }
  const bytes = ENCODER.encode(text);
  encodedBytes = bytes.length;
  return bytes;
}

function bindText(
  sqlite: Sqlite,
  statement: Pointer,
  at: number,
  text: string,
): number {
  const bytes = encoded(text);
  return sqlite.sqlite3_bind_text(statement, at, bytes, encodedBytes, COPY);
}

function bindBlob(
  sqlite: Sqlite,
  statement: Pointer,
  at: number,
  bytes: Uint8Array,
): number {
  // Without bytes there is no address, and SQLite would take it for NULL.
  return bytes.length === 0
    ? sqlite.sqlite3_bind_zeroblob(statement, at, 0)
    : sqlite.sqlite3_bind_blob(
      statement,
      at,
      bytes as Uint8Array<ArrayBuffer>,
      bytes.length,
      COPY,
    );
}

function int64(value: bigint): bigint {
  if (BigInt.asIntN(64, value) === value) return value;
  throw new TypeError(`The integer ${value} has more than 64 bits`);
}

/** A column of the present row; `narrow`: integers as numbers where that loses nothing. */
export function readColumn(
  sqlite: Sqlite,
  statement: Pointer,
  at: number,
  narrow: boolean,
): SqlValue {
  switch (sqlite.sqlite3_column_type(statement, at)) {
    case Type.text: {
      const text = sqlite.sqlite3_column_text(statement, at);
      return text === null ? noMemory() : textAt(text);
    }
    case Type.integer: {
      if (!narrow) return sqlite.sqlite3_column_int64(statement, at);
      const number = sqlite.sqlite3_column_double(statement, at);
      return Number.isSafeInteger(number)
        ? number
        : sqlite.sqlite3_column_int64(statement, at);
    }
    case Type.real:
      return sqlite.sqlite3_column_double(statement, at);
    case Type.blob:
      return copied(
        sqlite.sqlite3_column_blob(statement, at),
        sqlite.sqlite3_column_bytes(statement, at),
      );
    default:
      return null;
  }
}

/** An argument of a function; integers as bigint. Unlike in a row, a text is whole. */
export function readArgument(sqlite: Sqlite, value: Pointer): SqlValue {
  switch (sqlite.sqlite3_value_type(value)) {
    case Type.integer:
      return sqlite.sqlite3_value_int64(value);
    case Type.real:
      return sqlite.sqlite3_value_double(value);
    case Type.text: {
      const text = sqlite.sqlite3_value_text(value);
      if (text === null) return noMemory();
      return UTF8.decode(copied(text, sqlite.sqlite3_value_bytes(value)));
    }
    case Type.blob:
      return copied(
        sqlite.sqlite3_value_blob(value),
        sqlite.sqlite3_value_bytes(value),
      );
    default:
      return null;
  }
}

/** Makes a value the result of a function. @throws {TypeError} for a bigint outside of 64 bits. */
export function giveResult(
  sqlite: Sqlite,
  context: Pointer,
  value: SqlValue,
): void {
  switch (typeof value) {
    case "bigint":
      return sqlite.sqlite3_result_int64(context, int64(value));
    case "number":
      return sqlite.sqlite3_result_double(context, value);
    case "string": {
      const bytes = encoded(value);
      return sqlite.sqlite3_result_text(context, bytes, encodedBytes, COPY);
    }
    default:
      if (value === null) sqlite.sqlite3_result_null(context);
      else if (value.length === 0) sqlite.sqlite3_result_zeroblob(context, 0);
      else {
        sqlite.sqlite3_result_blob(
          context,
          value as Uint8Array<ArrayBuffer>,
          value.length,
          COPY,
        );
      }
  }
}

function copied(
  pointer: Pointer | null,
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (pointer !== null) {
    Deno.UnsafePointerView.copyInto(pointer, bytes);
  }
  return bytes;
}

/** SQLite has nothing where it says that there is something, such as a text: it could not make it. */
export function noMemory(): never {
  throw new SqliteError("out of memory", Code.noMemory);
}
