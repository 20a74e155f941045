import { createHash } from "node:crypto";
import { type ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { readStatement, writeStatement } from "../../sql/command.ts";
import { readRows, writeRows } from "../../sql/result.ts";
import type { AnalysisRequest } from "../../sql/analysis.ts";
import type { QueryLimits, QueryResult, Statement } from "../../sql/types.ts";
import type { SqliteDriverSpec } from "../driver/driver.ts";

/** What a reader can be asked: to run a query; to go on with another file; to run a query and keep its rows; for the next of them. */
export const ReaderRequest = { query: 1, open: 2, spool: 3, page: 4 } as const;

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
export type ReadLimits = Pick<
  QueryLimits,
  "maxRows" | "maxBytes" | "firstRows"
>;

/** A query for a reader. */
export interface ReadRequest {
  readonly statement: Statement;
  readonly limits: ReadLimits | null;
  /** Given if it is to be observed: the hash of the answer that is known already, or "". */
  readonly known?: string;
  /** Given if it is not to be run; see `Analyzer`. */
  readonly analysis?: AnalysisRequest;
}

/** What a reader answers; of an answer that was known neither columns nor rows. */
export interface ReadAnswer extends QueryResult {
  /** Given if the query was observed. */
  readonly observed?: {
    /** See `Observation`. */
    readonly tables: readonly string[] | null;
    readonly hash: string;
    /** Its answer was known. */
    readonly same: boolean;
  };
}

const PLAIN = 0;
const OBSERVED = 1;
const ANALYZED = 2;

/** Appends a query. */
export function writeQuery(
  writer: ByteWriter,
  { statement, limits, known, analysis }: ReadRequest,
): void {
  writeStatement(writer, statement);
  writer.u8(limits === null ? 0 : 1);
  if (limits !== null) {
    const { maxRows, maxBytes, firstRows = 0 } = limits;
    writer.u53(maxRows).u53(maxBytes).u53(firstRows);
  }
  if (analysis !== undefined) writer.u8(ANALYZED).u8(analysis.plan ? 1 : 0);
  else if (known === undefined) writer.u8(PLAIN);
  else writer.u8(OBSERVED).text(known);
}

/** Reads what {@linkcode writeQuery} wrote. */
export function readQuery(reader: ByteReader): ReadRequest {
  const statement = readStatement(reader);
  const limits = reader.u8() === 0 ? null : readLimits(reader);
  switch (reader.u8()) {
    case PLAIN:
      return { statement, limits };
    case ANALYZED:
      return { statement, limits, analysis: { plan: reader.u8() === 1 } };
    default:
      return { statement, limits, known: reader.text() };
  }
}

function readLimits(reader: ByteReader): ReadLimits {
  const most = { maxRows: reader.u53(), maxBytes: reader.u53() };
  const firstRows = reader.u53();
  return firstRows === 0 ? most : { ...most, firstRows };
}

/** Appends the answer to a query. */
export function writeAnswer(
  writer: ByteWriter,
  { columns, rows, index = 0 }: QueryResult,
): void {
  writer.u8(PLAIN).u53(index);
  writeRows(writer, columns, rows);
}

/** Appends the answer to an observed query; its rows only if their hash is not the known one. */
export function writeObserved(
  writer: ByteWriter,
  { columns, rows, index = 0 }: QueryResult,
  tables: readonly string[] | null,
  known: string,
): void {
  const table = new ByteWriter(4096);
  writeRows(table, columns, rows);
  const rowBytes = table.view();
  const hash = hashOf(rowBytes);
  writer.u8(OBSERVED).u53(index).text(hash).u8(hash === known ? 1 : 0);
  writer.u8(tables === null ? 0 : 1).u32(tables?.length ?? 0);
  for (const name of tables ?? []) writer.text(name);
  if (hash !== known) writer.raw(rowBytes);
}

/** Reads what {@linkcode writeAnswer} or {@linkcode writeObserved} wrote. */
export function readAnswer(reader: ByteReader): ReadAnswer {
  const observed = reader.u8() === OBSERVED;
  const index = reader.u53();
  const at = index === 0 ? {} : { index };
  if (!observed) return { ...readRows(reader), ...at };
  const hash = reader.text();
  const same = reader.u8() === 1;
  const limited = reader.u8() === 1;
  const names = Array.from({ length: reader.u32() }, () => reader.text());
  const tables = limited ? names : null;
  const rows = same ? { columns: [], rows: [] } : readRows(reader);
  return { ...rows, ...at, observed: { tables, hash, same } };
}

/** 128 bits: whoever wants to hide a change from a live query must be able to write rows as they like, and gains nothing. */
function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 32);
}
