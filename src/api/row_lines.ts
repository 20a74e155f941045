import { HiqliteError } from "../errors.ts";
import type { RowStream } from "../node/port.ts";
import type { SqlValue } from "../state/sql/types.ts";
import { type ErrorBody, errorOf } from "./error_body.ts";
import { rowsFromJson, valueToJson } from "./json.ts";

/** The type of a body of lines of JSON. */
export const LINES_TYPE = "application/x-ndjson";

/** What comes before the rows. */
export type RowsHead = Pick<RowStream, "columns" | "count" | "index">;

/** The first line. */
export function headLine({ columns, count, index }: RowsHead): string {
  return `${JSON.stringify({ columns, count, index })}\n`;
}

/** Rows, a line each. */
export function rowLines(rows: readonly (readonly SqlValue[])[]): string {
  let text = "";
  for (const row of rows) {
    const json = row.map((value) => valueToJson(value, "row"));
    text += `${JSON.stringify(json)}\n`;
  }
  return text;
}

/** The last line where the rows that are left cannot be had. */
export function errorLine({ code, message }: HiqliteError): string {
  const body: ErrorBody = { error: { code, message } };
  return `${JSON.stringify(body)}\n`;
}

/** What the first line says; null if it says something else. */
export function headOf(line: string): RowsHead | null {
  const json = parsed(line);
  const right = typeof json === "object" && json !== null &&
    "columns" in json && Array.isArray(json.columns) &&
    "count" in json && typeof json.count === "number" &&
    "index" in json && typeof json.index === "number";
  return right ? json as RowsHead : null;
}

/** The row of another line. @throws {HiqliteError} what the member said instead; `invalid` */
export function rowOf(line: string): readonly SqlValue[] {
  const json = parsed(line);
  const told = errorOf(json);
  if (told !== undefined) throw new HiqliteError(told.code, told.message);
  return rowsFromJson([json])[0]!;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
