import { crc32 } from "node:zlib";
import {
  ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import type { Answer } from "../answer.ts";
import { readCount, readValue, writeValue } from "./values.ts";
import type {
  CommandFailure,
  CommandResult,
  QueryResult,
  SqlValue,
  StatementResult,
} from "./types.ts";

/** Whether it is a result or a failure, and which. */
const FAILURE_HEAD_BYTES = 2;

const FAILURE_CODES: readonly CommandFailure["code"][] = [
  "sql",
  "constraint",
  "invalid",
  "forbidden",
  "too_large",
  "conflict",
  "fenced",
];

/** Appends what a command did. */
export function writeResult(writer: ByteWriter, result: CommandResult): void {
  writer.u8(result.ok ? 1 : 0);
  if (!result.ok) writeFailure(writer, result.error);
  writer.u32(result.results.length);
  for (const statement of result.results) {
    writeStatementResult(writer, statement);
  }
}

/**
 * Decodes what {@linkcode writeResult} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function decodeResult(bytes: Uint8Array): CommandResult {
  const reader = new ByteReader(bytes);
  const error = reader.u8() === 1 ? undefined : readFailure(reader);
  const count = readCount(reader, 17);
  const results: StatementResult[] = [];
  for (let i = 0; i < count; i++) results.push(readStatementResult(reader));
  reader.end();
  return error === undefined
    ? { ok: true, results }
    : { ok: false, error, results };
}

/**
 * What an entry's answer means for whoever sent a command.
 * @throws {MalformedBytesError} if the machine's part is not a result.
 */
export function resultOf({ refusal, body }: Answer): CommandResult {
  return refusal === null
    ? decodeResult(body)
    : { ok: false, error: refusal, results: [] };
}

/** Whether members must agree about all of what {@linkcode writeResult} wrote from `start` on. */
export function agreesWholly(bytes: Uint8Array, start: number): boolean {
  return bytes.length > start && bytes[start] !== 0;
}

/** A hash of what members must agree about in what {@linkcode writeResult} wrote, from `start` on: all but the message of an error, which is SQLite's own. */
export function hashResult(bytes: Uint8Array, start: number): number {
  if (bytes.length === 0 || bytes[0] !== 0) return crc32(bytes, start);
  const reader = new ByteReader(bytes, FAILURE_HEAD_BYTES);
  reader.text();
  const head = crc32(bytes.subarray(0, FAILURE_HEAD_BYTES), start);
  return crc32(reader.raw(reader.remaining), head);
}

function writeFailure(writer: ByteWriter, error: CommandFailure): void {
  writer.u8(FAILURE_CODES.indexOf(error.code)).text(error.message);
  writer.u32(error.statement === undefined ? 0 : error.statement + 1);
}

function readFailure(reader: ByteReader): CommandFailure {
  const at = reader.u8();
  const code = FAILURE_CODES[at];
  if (code === undefined) {
    throw new MalformedBytesError(`unknown kind of failure ${at}`);
  }
  const message = reader.text();
  const statement = reader.u32();
  return statement === 0
    ? { code, message }
    : { code, message, statement: statement - 1 };
}

function writeStatementResult(
  writer: ByteWriter,
  result: StatementResult,
): void {
  writer.u53(result.rowsAffected);
  writeValue(writer, result.lastInsertRowid);
  writeRows(writer, result.columns, result.rows);
}

function readStatementResult(reader: ByteReader): StatementResult {
  const rowsAffected = reader.u53();
  const rowid = readValue(reader);
  if (
    rowid !== null && typeof rowid !== "bigint" &&
    !Number.isSafeInteger(rowid)
  ) {
    throw new MalformedBytesError(`not a rowid before ${reader.offset}`);
  }
  return {
    rowsAffected,
    lastInsertRowid: rowid as number | bigint | null,
    ...readRows(reader),
  };
}

/** Appends a table of values. */
export function writeRows(
  writer: ByteWriter,
  columns: readonly string[],
  rows: readonly (readonly SqlValue[])[],
): void {
  writer.u32(columns.length);
  for (const column of columns) writer.text(column);
  writer.u32(rows.length);
  for (const row of rows) {
    for (const value of row) writeValue(writer, value);
  }
}

/** Reads what {@linkcode writeRows} wrote. */
export function readRows(reader: ByteReader): QueryResult {
  const width = readCount(reader, 4);
  const columns: string[] = [];
  for (let i = 0; i < width; i++) columns.push(reader.text());
  const height = readCount(reader, width);
  if (width === 0 && height > 0) {
    throw new MalformedBytesError("rows without columns");
  }
  const rows: SqlValue[][] = [];
  for (let r = 0; r < height; r++) {
    const row: SqlValue[] = [];
    for (let c = 0; c < width; c++) row.push(readValue(reader));
    rows.push(row);
  }
  return { columns, rows };
}
