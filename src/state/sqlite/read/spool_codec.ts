import type { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { readStatement, writeStatement } from "../../sql/command.ts";
import { readRows, writeRows } from "../../sql/result.ts";
import type { SqlValue, Statement } from "../../sql/types.ts";
import type { Spool } from "./spool.ts";

/** A query whose rows are to be kept. */
export interface SpoolRequest {
  readonly statement: Statement;
  /** The most that its rows may take, bytes. */
  readonly bytesMax: number;
}

/** What is kept. */
export interface Spooled {
  readonly columns: readonly string[];
  /** How many rows there are. */
  readonly count: number;
  /** The log index at which they are true. */
  readonly index: number;
}

/** Appends a request. */
export function writeSpoolRequest(
  writer: ByteWriter,
  { statement, bytesMax }: SpoolRequest,
): void {
  writer.u53(bytesMax);
  writeStatement(writer, statement);
}

/** Reads what {@linkcode writeSpoolRequest} wrote. */
export function readSpoolRequest(reader: ByteReader): SpoolRequest {
  const bytesMax = reader.u53();
  return { bytesMax, statement: readStatement(reader) };
}

/** Appends what is kept. */
export function writeSpooled(
  writer: ByteWriter,
  { columns, count }: Spool,
  index: number,
): void {
  writer.u53(index).u53(count);
  writeRows(writer, columns, []);
}

/** Reads what {@linkcode writeSpooled} wrote. */
export function readSpooled(reader: ByteReader): Spooled {
  const [index, count] = [reader.u53(), reader.u53()];
  return { index, count, columns: readRows(reader).columns };
}

/** Appends a page. */
export function writePage(
  writer: ByteWriter,
  rows: readonly (readonly SqlValue[])[],
): void {
  // Each row has as many values as there are names.
  writeRows(writer, rows[0]?.map(() => "") ?? [], rows);
}

/** Reads what {@linkcode writePage} wrote. */
export function readPage(
  reader: ByteReader,
): readonly (readonly SqlValue[])[] {
  return readRows(reader).rows;
}
