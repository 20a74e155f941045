import type { SqlParameter } from "../state/sql/types.ts";

/**
 * A parameter of a transaction's statement: the value of a column (name, or
 * position from 0) of the first row that an earlier statement (position from
 * 0) returned.
 *
 * ```ts ignore
 * await client.txn([
 *   { sql: "INSERT INTO author (name) VALUES (?) RETURNING id", params: ["Lem"] },
 *   { sql: "INSERT INTO book (author) VALUES (?)", params: [ref(0, "id")] },
 * ]);
 * ```
 */
export function ref(statement: number, column: number | string): SqlParameter {
  return { $ref: { statement, column } };
}
