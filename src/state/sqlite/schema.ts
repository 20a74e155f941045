import { DATE_FUNCTION_NAMES } from "./determinism.ts";
import type { Row, SqliteConnection } from "./driver.ts";
import { foldName, wordsOf } from "./sql_text.ts";

const NO_BINDINGS = { anonymous: [], named: null };

/** What the schema says about how entries must be applied. */
export interface SchemaTraits {
  /** Foreign keys are checked at COMMIT: every entry needs its own transaction. */
  readonly defersForeignKeys: boolean;
  /** A constraint or trigger may keep part of a failed statement's work (`FAIL`). */
  readonly mayFailPartly: boolean;
  /** A constraint or trigger may end the whole transaction (`ROLLBACK`). */
  readonly mayRollBack: boolean;
  /** A trigger, view or default may ask for `changes()` or `last_insert_rowid()`. */
  readonly readsCounters: boolean;
  /** Date functions that an index or a generated column depends on. */
  readonly pureFunctions: ReadonlySet<string>;
  /** Tables with rowids, also virtual ones, folded, and the names under which their rowid may be set. */
  readonly rowidTables: ReadonlyMap<string, readonly string[]>;
  /** Where virtual tables keep their data, folded: how they do differs between members. */
  readonly shadowTables: ReadonlySet<string>;
}

/** Reads the traits from a connection that may read everything. */
export function readSchema(connection: SqliteConnection): SchemaTraits {
  const all = (sql: string): Row[] => connection.prepare(sql)!.all(NO_BINDINGS);
  const texts = all(
    "SELECT sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_hql\\_%' ESCAPE '\\'",
  ).map((row) => row[0] as string);
  const mentions = (pattern: RegExp) => texts.some((sql) => pattern.test(sql));
  const pureFunctions = new Set<string>();
  for (const sql of texts) {
    for (const name of datesDependedOn(sql)) pureFunctions.add(name);
  }
  const rowidTables = new Map<string, readonly string[]>();
  const tables = all(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND wr = 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  );
  const shadows = all(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'",
  );
  const keys = connection.prepare(
    "SELECT name FROM pragma_table_info(?) WHERE pk > 0",
  )!;
  for (const [name] of tables) {
    const columns = keys.all({ anonymous: [name!], named: null })
      .map((row) => foldName(row[0] as string));
    rowidTables.set(foldName(name as string), [...columns, "rowid"]);
  }
  return {
    defersForeignKeys: mentions(/\bDEFERRED\b/i),
    mayFailPartly: mentions(/\bFAIL\b/i),
    mayRollBack: mentions(/\bROLLBACK\b/i),
    readsCounters: mentions(/last_insert_rowid|changes/i),
    pureFunctions,
    rowidTables,
    shadowTables: new Set(shadows.map(([name]) => foldName(name as string))),
  };
}

/** The date functions that appear in the index or in a generated column of a CREATE statement. */
export function datesDependedOn(sql: string): string[] {
  const found: string[] = [];
  let first = "";
  let second = "";
  let depends = false;
  for (const { word, call } of wordsOf(sql)) {
    if (first === "") first = word;
    else if (second === "") second = word;
    if (first === "CREATE" && (second === "INDEX" || second === "UNIQUE")) {
      depends = true;
    }
    // In CREATE TABLE only a generated column has AS before a parenthesis.
    if (second !== "VIEW" && second !== "TRIGGER" && word === "AS" && call) {
      depends = true;
    }
    const name = word.toLowerCase();
    if (depends && call && DATE_FUNCTION_NAMES.has(name)) found.push(name);
  }
  return found;
}
