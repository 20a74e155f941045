import type { HiqliteError } from "../../../errors.ts";
import { NO_BINDINGS, type SqliteConnection } from "../driver/driver.ts";
import { refusal } from "./refusal.ts";

/** What Hiqlite keeps of itself in a database. */
export const FOREIGN_TABLES = ["_metadata", "_migrations"] as const;

const COLUMNS = ["id", "name", "ts", "hash"];
const SHA256 = /^[0-9a-f]{64}$/i;

/** A migration that was applied. */
interface AppliedMigration {
  readonly id: number;
  readonly name: string;
  /** SHA-256 of its text, hex. */
  readonly hash: string;
}

/**
 * The migrations that Hiqlite has noted in a database; none if it has not been there.
 * @throws {HiqliteError} `invalid` if a table of that name is something else.
 */
export function convertMigrations(
  connection: SqliteConnection,
  source: string,
): AppliedMigration[] {
  const [, table] = FOREIGN_TABLES;
  const columns = connection.prepare(
    `SELECT name FROM pragma_table_info('${table}') ORDER BY cid`,
  )!.all(NO_BINDINGS).map(([name]) => String(name));
  if (columns.length === 0) return [];
  const wrong = (detail: string): HiqliteError =>
    refusal(
      source,
      `its table ${table} is not Hiqlite's (${detail}). Rename it first`,
    );
  if (columns.toSorted().join() !== COLUMNS.toSorted().join()) {
    throw wrong(`its columns are ${columns.join(", ")}`);
  }
  const rows = connection.prepare(
    `SELECT id, name, hash FROM main.${table} ORDER BY id`,
  )!.all(NO_BINDINGS);
  return rows.map(([id, name, hash], at) => {
    if (id !== at + 1) throw wrong(`migration ${at + 1} is missing`);
    if (typeof name !== "string") throw wrong(`migration ${id} has no name`);
    if (typeof hash !== "string" || !SHA256.test(hash)) {
      throw wrong(`migration ${id} has no SHA-256`);
    }
    return { id, name, hash: hash.toLowerCase() };
  });
}
