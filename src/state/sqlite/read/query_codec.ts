import type { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { readStatement, writeStatement } from "../../sql/command.ts";
import type { QueryLimits, Statement } from "../../sql/types.ts";
import type { SqliteDriverSpec } from "../driver/driver.ts";

/** What a reader Worker can be asked: to run a query, or to go on with another file. */
export const ReaderRequest = { query: 1, open: 2 } as const;

/** Appends which database a reader process shall read, and with what. */
export function writeOpening(
  writer: ByteWriter,
  driver: SqliteDriverSpec,
  path: string,
): void {
  writer.text(JSON.stringify(driver)).text(path);
}

/** Reads what {@linkcode writeOpening} wrote. */
export function readOpening(
  reader: ByteReader,
): { driver: SqliteDriverSpec; path: string } {
  return { driver: JSON.parse(reader.text()), path: reader.text() };
}

/** What of a query's limits its reader can keep; whoever waits keeps the time. */
export type ReadLimits = Pick<QueryLimits, "maxRows" | "maxBytes">;

/** Appends a query. */
export function writeQuery(
  writer: ByteWriter,
  statement: Statement,
  limits: ReadLimits | null,
): void {
  writeStatement(writer, statement);
  writer.u8(limits === null ? 0 : 1);
  if (limits !== null) writer.u53(limits.maxRows).u53(limits.maxBytes);
}

/** Reads what {@linkcode writeQuery} wrote. */
export function readQuery(
  reader: ByteReader,
): { statement: Statement; limits: ReadLimits | null } {
  const statement = readStatement(reader);
  const limits = reader.u8() === 0
    ? null
    : { maxRows: reader.u53(), maxBytes: reader.u53() };
  return { statement, limits };
}
