import {
  arrayOf,
  INTEGER,
  type NamedSchemas,
  object,
  reference,
  TEXT,
} from "./json_schema.ts";
import {
  rowsFromJson,
  rowsToJson,
  valueFromJson,
  valueToJson,
} from "./json.ts";
import type { StatementResult } from "../state/sql/types.ts";

/** Schemas of what a write did. */
export const RESULT_SCHEMAS: NamedSchemas = {
  Rows: arrayOf(arrayOf(reference("Value"))),
  Result: object({
    rows_affected: INTEGER,
    last_insert_rowid: reference("Value"),
    columns: arrayOf(TEXT),
    rows: reference("Rows"),
  }, ["rows_affected", "last_insert_rowid"]),
  Index: {
    type: "integer",
    description: "Log index; as `min_index` it reads this write anywhere.",
  },
};

/** What a statement did, in JSON. `columns` and `rows` are there if it returned columns. */
export interface JsonResult {
  readonly rows_affected: number;
  readonly last_insert_rowid: unknown;
  readonly columns?: readonly string[];
  readonly rows?: unknown;
}

/** The JSON form of a statement's result. */
export function resultToJson(result: StatementResult): JsonResult {
  return {
    rows_affected: result.rowsAffected,
    last_insert_rowid: valueToJson(result.lastInsertRowid, "rowid"),
    ...(result.columns.length > 0
      ? { columns: result.columns, rows: rowsToJson(result.rows) }
      : {}),
  };
}

/** A statement's result from JSON. */
export function resultFromJson(json: JsonResult): StatementResult {
  return {
    rowsAffected: json.rows_affected,
    lastInsertRowid: valueFromJson(json.last_insert_rowid, "rowid") as
      | number
      | bigint
      | null,
    columns: json.columns ?? [],
    rows: json.rows === undefined ? [] : rowsFromJson(json.rows),
  };
}
