import { INT64_MAX } from "../../../util/int64.ts";
import { Catalog } from "../apply/catalog.ts";
import {
  isChecked,
  refusalOf,
  refusedIn,
  SEQUENCES,
  USED_UP_SEQUENCE,
} from "../apply/rowid_guards.ts";
import { NO_BINDINGS, type SqliteConnection } from "../driver/driver.ts";
import { quotedName } from "../statement/text.ts";
import { refusal } from "./refusal.ts";

/** What ANALYZE leaves. A connection reads it with the schema and not again, so that plans would depend on when a member was started. */
export const STATISTICS = [
  "sqlite_stat1",
  "sqlite_stat2",
  "sqlite_stat3",
  "sqlite_stat4",
] as const;

/**
 * Looks for what no statement may put into a table here, since members would differ after it: rows under the
 * largest rowid, sequences that are used up, and settings of full-text search. `connection` must hold no tables of ours yet.
 * @throws {HiqliteError} `invalid`
 */
export function checkRows(connection: SqliteConnection, source: string): void {
  const some = (table: string, where: string): boolean =>
    connection.prepare(
      `SELECT 1 FROM main.${quotedName(table)} WHERE ${where} LIMIT 1`,
    )!.all(NO_BINDINGS).length > 0;
  const catalog = new Catalog(connection);
  catalog.read();
  const { rowidTables, shadowTables } = catalog.traits;
  for (const { name, rowid, virtual } of rowidTables.values()) {
    if (virtual || !some(name, `${rowid} = ${INT64_MAX}`)) continue;
    throw refusal(
      source,
      `a row of its table ${name} has the rowid ${INT64_MAX}, after which SQLite chooses rowids at random. Give it another`,
    );
  }
  for (const shadow of shadowTables) {
    if (!isChecked(shadow) || !some(shadow, refusedIn(shadow))) continue;
    throw refusal(
      source,
      `of its table ${shadow}: ${refusalOf(shadow).message}`,
    );
  }
  if (!some("sqlite_schema", `name = '${SEQUENCES}'`)) return;
  if (!some(SEQUENCES, USED_UP_SEQUENCE)) return;
  throw refusal(
    source,
    "one of its AUTOINCREMENT tables has used up its rowids (sqlite_sequence). Set its seq to what the table holds",
  );
}
