import type { Statement } from "../src/state/sql/types.ts";

/** The table of Hiqlite's own bench. */
export const CREATE =
  "CREATE TABLE _bench (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, name TEXT NOT NULL)";

/** One row. */
export const INSERT = "INSERT INTO _bench (id, ts, name) VALUES (?, ?, ?)";

/** One row by key. */
export const SELECT = "SELECT id, ts, name FROM _bench WHERE id = ?";

/** All rows. */
export const SCAN = "SELECT id, ts, name FROM _bench";

/** Empties the table before each phase, as Hiqlite's bench does. */
export const CLEAR = "DELETE FROM _bench";

/** The parameters of row `id`. */
export function row(id: number): [number, number, string] {
  return [id, 1_700_000_000_000 + id, `benchmark row ${id}`];
}

/** The insert of row `id`. */
export function insert(id: number): Statement {
  return { sql: INSERT, params: row(id) };
}
