import type { StatementReference } from "../state/sql/types.ts";

/**
 * A parameter of a transaction's statement: the value of a column (name, or
 * position from 0) of the first row that an earlier statement (position from
 * 0) returned.
 *
 * ```ts
 * import { open, ref } from "@hiqlite/hiqlite";
 *
 * await using db = await open({ dataDir: "data/library" });
 * await db.batch(`
 *   CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT);
 *   CREATE TABLE book (author INTEGER REFERENCES author, title TEXT);
 * `);
 * await db.txn([
 *   { sql: "INSERT INTO author (name) VALUES (?) RETURNING id", params: ["Lem"] },
 *   { sql: "INSERT INTO book VALUES (?, ?)", params: [ref(0, "id"), "Solaris"] },
 * ]);
 * ```
 */
export function ref(
  statement: number,
  column: number | string,
): { readonly $ref: StatementReference } {
  return { $ref: { statement, column } };
}
