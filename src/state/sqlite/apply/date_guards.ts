import type { SqliteConnection } from "../driver/driver.ts";
import { STRICT_FUNCTION } from "../statement/policy.ts";
import {
  atCommas,
  inParentheses,
  quotedName,
  wordsOf,
} from "../statement/text.ts";
import { DATE_FUNCTION_NAMES } from "./determinism.ts";
import type { SchemaTraits } from "./schema_traits.ts";

/**
 * Indexes and generated columns may use the date functions, but must not depend on the current time: an entry of
 * an index would not be found again. SQLite refuses that while it computes them; functions that were
 * overridden cannot tell who calls. So a trigger computes them again for each row that was written, and the
 * functions refuse the current time meanwhile. What that trigger does for a folded table; null if nothing.
 */
export function dateLooks(
  connection: SqliteConnection,
  folded: string,
  { dated, tables, rowidTables }: SchemaTraits,
): string | null {
  const texts = dated.get(folded);
  const table = tables.get(folded);
  if (texts === undefined || table === undefined) return null;
  // The first that refuses says so: in the same order on every member.
  const expressions = [...texts].sort(([one], [other]) => one - other)
    .flatMap(([, sql]) => computedIn(sql)).filter(usesDates);
  if (expressions.length === 0) return null;
  const rowid = rowidTables.get(folded)?.rowid;
  const keys = rowid ? [rowid] : primaryKey(connection, table);
  const row = keys.map((key) => `${key} IS NEW.${key}`).join(" AND ");
  const from = `FROM main.${quotedName(table)} WHERE ${row}`;
  const looks = expressions.map((computed) => `SELECT (${computed}) ${from};`);
  // RAISE never happens; with it SQLite undoes the whole statement when a function fails.
  return `SELECT ${STRICT_FUNCTION}(1); ${
    looks.join(" ")
  } SELECT RAISE(ABORT, 'now') WHERE ${STRICT_FUNCTION}(0);`;
}

function primaryKey(connection: SqliteConnection, table: string): string[] {
  return connection.prepare(
    "SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk",
  )!.all({ anonymous: [table], named: null }).map(([name]) =>
    quotedName(name as string)
  );
}

function usesDates(expression: string): boolean {
  for (const { word, call } of wordsOf(expression)) {
    if (call && DATE_FUNCTION_NAMES.has(word.toLowerCase())) return true;
  }
  return false;
}

/** What the text of an index or a table has SQLite compute for each row. */
function computedIn(sql: string): string[] {
  return /^\s*CREATE\s+TABLE\b/i.test(sql) ? generated(sql) : indexed(sql);
}

/** The expressions of generated columns: what AS stands before. */
function generated(sql: string): string[] {
  const found: string[] = [];
  for (const { word, call, end } of wordsOf(sql)) {
    if (call && word === "AS") found.push(inParentheses(sql, end).inner);
  }
  return found;
}

/** The expressions of an index, and its condition. */
function indexed(sql: string): string[] {
  for (const { word, end } of wordsOf(sql)) {
    if (word !== "ON") continue;
    const { inner, rest } = inParentheses(sql, end);
    const columns = atCommas(inner).map((column) =>
      column.replace(/\s(?:ASC|DESC)\s*$/i, "")
    );
    const where = /^\s*WHERE\b([\s\S]*)$/i.exec(rest);
    return where === null ? columns : [...columns, where[1]!];
  }
  return [];
}
