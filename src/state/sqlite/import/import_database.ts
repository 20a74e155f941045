import { existsSync } from "node:fs";
import {
  createTables,
  type Position,
  positionWriter,
  START,
} from "../apply/bookkeeping.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteDriver,
  type SqliteRow,
} from "../driver/driver.ts";
import { RESERVED_PREFIX } from "../statement/policy.ts";
import { LOCKS_VIEW } from "../statement/rules.ts";
import { quotedName } from "../statement/text.ts";
import { checkRows, STATISTICS } from "./contents_check.ts";
import { convertMigrations, FOREIGN_TABLES } from "./foreign_tables.ts";
import { refusal } from "./refusal.ts";
import { checkSchema } from "./schema_check.ts";

/** What was imported. */
export interface Imported {
  /** Tables of the user. */
  readonly tables: number;
  /** Migrations of Hiqlite that are known as applied now. */
  readonly migrations: number;
}

/**
 * Makes the state of a new cluster out of any SQLite file: copies `source`, with what is in its WAL, to `target`, and
 * gives the copy this software's tables. Blocks the thread.
 * @throws {HiqliteError} `invalid` if it is damaged, no database, one of ours, or holds what no statement here may make.
 */
export async function importDatabase(
  driver: SqliteDriver,
  source: string,
  target: string,
  nowMs: number,
): Promise<Imported> {
  // SQLite would make one.
  if (!existsSync(source)) throw refusal(source, "there is no such file");
  await copy(driver, source, target);
  const connection = driver.open(target, { readOnly: false });
  try {
    return convert(driver, connection, source, nowMs);
  } finally {
    connection.close();
  }
}

async function copy(
  driver: SqliteDriver,
  source: string,
  target: string,
): Promise<void> {
  try {
    const connection = driver.open(source, { readOnly: true });
    try {
      await connection.backup(target);
    } finally {
      connection.close();
    }
  } catch (error) {
    throw refusal(source, (error as Error).message);
  }
}

function convert(
  driver: SqliteDriver,
  connection: SqliteConnection,
  source: string,
  nowMs: number,
): Imported {
  const all = (sql: string): SqliteRow[] =>
    connection.prepare(sql)!.all(NO_BINDINGS);
  let found: string;
  try {
    connection.exec("PRAGMA journal_mode = DELETE");
    found = String(all("PRAGMA integrity_check(1)")[0]![0]);
  } catch (error) {
    throw refusal(source, (error as Error).message);
  }
  if (found !== "ok") {
    throw refusal(source, `it is damaged: ${found.slice(0, 200)}`);
  }
  const [[encoding]] = all("PRAGMA encoding") as [[string]];
  if (encoding !== "UTF-8") {
    throw refusal(source, `its texts are in ${encoding}, not in UTF-8`);
  }
  const names = all("SELECT name FROM sqlite_schema").map(([name]) =>
    String(name).toLowerCase()
  );
  const own = names.find((name) =>
    name.startsWith(RESERVED_PREFIX) || name === LOCKS_VIEW
  );
  if (own !== undefined) {
    throw refusal(
      source,
      `its ${own} is a name of this software: a backup of ours is restored without --import`,
    );
  }
  const migrations = convertMigrations(connection, source);
  connection.exec("BEGIN");
  for (const table of [...FOREIGN_TABLES, ...STATISTICS]) {
    connection.exec(`DROP TABLE IF EXISTS main.${quotedName(table)}`);
  }
  connection.exec("COMMIT");
  checkSchema(driver, connection, source);
  checkRows(connection, source);
  createTables(connection);
  connection.exec("BEGIN");
  positionWriter(connection)({ ...FIRST, timeMs: nowMs });
  const insert = connection.prepare(
    "INSERT INTO main._hql_migrations VALUES (?, ?, ?, 1, ?)",
  )!;
  for (const { id, name, hash } of migrations) {
    insert.run({
      anonymous: [BigInt(id), name, hash, BigInt(nowMs)],
      named: null,
    });
  }
  connection.exec("COMMIT");
  const [[tables]] = all(
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_hql\\_%' ESCAPE '\\'",
  ) as [[number]];
  return { tables, migrations: migrations.length };
}

/** As if one entry had made all of it. */
const FIRST: Position = { ...START, applied: { term: 1, index: 1 } };
