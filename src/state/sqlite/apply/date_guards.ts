import { NO_BINDINGS, type SqliteConnection } from "../driver/driver.ts";
import { STRICT_FUNCTION } from "../statement/policy.ts";
import {
  atCommas,
  foldName,
  inParentheses,
  quotedName,
  wordsOf,
} from "../statement/text.ts";
import { DATE_FUNCTION_NAMES } from "./determinism.ts";
import type { SchemaTraits } from "./schema_traits.ts";

/** When a trigger refuses, and how it says so. */
export interface Guard {
  readonly event: string;
  /** @default {"true"} */
  readonly when?: string;
  readonly body: string;
}

/**
 * Indexes and generated columns may use the date functions, but must not depend on the current time: an entry of
 * an index would not be found again. SQLite refuses that while it computes them; functions that were
 * overridden cannot tell who calls. So a trigger computes them again for each row that was written, and the
 * functions refuse the current time meanwhile. By folded table.
 */
export function dateGuards(
  connection: SqliteConnection,
  { pureFunctions, tables, rowidTables }: SchemaTraits,
): Map<string, Guard[]> {
  const found = new Map<string, Guard[]>();
  if (pureFunctions.size === 0) return found;
  const texts = connection.prepare(
    "SELECT tbl_name, type, sql FROM main.sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL",
  )!.all(NO_BINDINGS) as [string, string, string][];
  const expressions = new Map<string, string[]>();
  for (const [table, type, sql] of texts) {
    const dated = (type === "index" ? indexed(sql) : generated(sql))
      .filter(usesDates);
    const folded = foldName(table);
    const known = expressions.get(folded) ?? [];
    if (dated.length > 0) expressions.set(folded, [...known, ...dated]);
  }
  for (const [folded, list] of expressions) {
    const table = tables.get(folded);
    if (table === undefined) continue;
    const rowid = rowidTables.get(folded)?.rowid;
    const keys = rowid ? [rowid] : primaryKey(connection, table);
    const row = keys.map((key) => `${key} IS NEW.${key}`).join(" AND ");
    const from = `FROM main.${quotedName(table)} WHERE ${row}`;
    const looks = list.map((expression) => `SELECT (${expression}) ${from};`);
    // RAISE never happens; with it SQLite undoes the whole statement when a function fails.
    const body = `SELECT ${STRICT_FUNCTION}(1); ${
      looks.join(" ")
    } SELECT RAISE(ABORT, 'now') WHERE ${STRICT_FUNCTION}(0);`;
    found.set(folded, [{ event: "INSERT", body }, { event: "UPDATE", body }]);
  }
  return found;
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
