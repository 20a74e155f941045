import { HiqliteError } from "../../errors.ts";
import { quotedName } from "../../state/sqlite/statement/text.ts";
import { columnsOf, type SchemaItem, schemaOf } from "./schema.ts";
import type { ShellSession } from "./shell_session.ts";
import { literalOf } from "./value_text.ts";

/**
 * SQL that makes tables again: what makes them, their rows, then indexes, views and triggers. The rows of each table
 * are of one moment, those of two tables may not be; a backup is of one moment.
 * @throws {HiqliteError} `not_found` for a name that no table or view has, before the first line.
 */
export async function* dump(
  session: ShellSession,
  names: readonly string[],
): AsyncGenerator<string> {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const all = await schemaOf(session);
  const items = wanted.size === 0
    ? all
    : all.filter(({ table }) => wanted.has(table.toLowerCase()));
  const missing = names.find((name) =>
    !all.some(({ table }) => table.toLowerCase() === name.toLowerCase())
  );
  if (missing !== undefined) {
    throw new HiqliteError(
      "not_found",
      `There is no table or view ${
        JSON.stringify(missing)
      }; .tables lists them`,
    );
  }
  const shadows = await shadowsOf(session);
  const made = items.filter(({ table }) => !shadows.has(table));
  yield "BEGIN TRANSACTION;";
  // Rows may come before those that they refer to.
  yield "PRAGMA defer_foreign_keys = ON;";
  yield* made.filter(isBeforeRows).map(({ sql }) => `${sql};`);
  for (const { type, name, sql } of made) {
    if (type === "table" && hasRows(sql)) yield* rowsOf(session, name, sql);
  }
  yield* sequencesOf(session, made);
  yield* made.filter((item) => !isBeforeRows(item)).map(({ sql }) => `${sql};`);
  yield "COMMIT;";
}

/** Tables, and what a foreign key may refer to. */
function isBeforeRows({ type, sql }: SchemaItem): boolean {
  return type === "table" || /^\s*CREATE\s+UNIQUE\b/i.test(sql);
}

/** The tables that virtual tables keep themselves. */
async function shadowsOf(session: ShellSession): Promise<Set<string>> {
  const { rows } = await session.read(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'",
  );
  return new Set(rows.map(([name]) => String(name)));
}

function isVirtual(sql: string): boolean {
  return /^\s*CREATE\s+VIRTUAL\b/i.test(sql);
}

/** Of virtual tables those have rows of their own that search texts, or places. */
function hasRows(sql: string): boolean {
  return !isVirtual(sql) || /\bUSING\s+(?:fts[345]|rtree)\b/i.test(sql);
}

async function* rowsOf(
  session: ShellSession,
  table: string,
  sql: string,
): AsyncGenerator<string> {
  const columns = await columnsOf(session, table);
  const names = columns.map(quotedName);
  const values = names.map((name) => `quote(${name})`);
  // Other tables refer to rows of virtual ones by their rowid.
  const virtual = isVirtual(sql);
  const head = `INSERT INTO ${quotedName(table)} (${
    (virtual ? ["rowid", ...names] : names).join(", ")
  }) VALUES (`;
  // In the order of the table: rows that follow one another are written fastest.
  const rows = session.stream(
    `SELECT ${
      (virtual ? ["rowid", ...values] : values)
        // Rows come by the names of their columns.
        .map((value, at) => `${value} AS c${at}`).join(", ")
    } FROM ${quotedName(table)} NOT INDEXED`,
  );
  for await (const row of rows) {
    yield `${head}${Object.values(row).join(", ")});`;
  }
}

/** What tables with AUTOINCREMENT gave out last, also to rows that are gone. */
async function* sequencesOf(
  session: ShellSession,
  made: readonly SchemaItem[],
): AsyncGenerator<string> {
  const { rows: there } = await session.read(
    "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'",
  );
  if (there.length === 0) return;
  const { rows } = await session.read("SELECT name, seq FROM sqlite_sequence");
  for (const [name, last] of rows) {
    const isMade = made.some((item) =>
      item.type === "table" && item.name === name
    );
    if (!isMade) continue;
    const named = literalOf(name!);
    yield `DELETE FROM sqlite_sequence WHERE name = ${named};`;
    yield `INSERT INTO sqlite_sequence (name, seq) VALUES (${named}, ${
      literalOf(last!)
    });`;
  }
}
