import type { QueryResult } from "../state/sql/types.ts";
import type { Row } from "./client.ts";

/** Rows by column name. */
export function rowsByName({ columns, rows }: QueryResult): Row[] {
  // Assigning to `__proto__` would set the prototype, so such rows are defined.
  if (columns.includes("__proto__")) {
    return rows.map((row) =>
      Object.fromEntries(columns.map((name, at) => [name, row[at]!]))
    );
  }
  const count = columns.length;
  return rows.map((values) => {
    const row: Row = {};
    for (let at = 0; at < count; at++) row[columns[at]!] = values[at]!;
    return row;
  });
}
