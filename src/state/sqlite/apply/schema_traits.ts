import { DATE_FUNCTION_NAMES } from "./determinism.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteRow,
} from "../driver/driver.ts";
import { foldName, quotedName, wordsOf } from "../statement/text.ts";

/** What the schema says about how entries must be applied. */
export interface SchemaTraits {
  /** Foreign keys are checked at COMMIT: every entry needs its own transaction. */
  readonly defersForeignKeys: boolean;
  /** A constraint or trigger may keep part of a failed statement's work (`FAIL`). */
  readonly mayFailPartly: boolean;
  /** A trigger, view or default may ask for `changes()` or `last_insert_rowid()`. */
  readonly readsCounters: boolean;
  /** Date functions that an index or a generated column depends on. */
  readonly pureFunctions: ReadonlySet<string>;
  /** All tables of users, also virtual ones: their names by folded name. */
  readonly tables: ReadonlyMap<string, string>;
  /** Tables with rowids, also virtual ones, by folded name. */
  readonly rowidTables: ReadonlyMap<string, RowidTable>;
  /** Where virtual tables keep their data, folded: how they do differs between members. */
  readonly shadowTables: ReadonlySet<string>;
}

/** A table with rowids. */
export interface RowidTable {
  readonly name: string;
  readonly virtual: boolean;
  /** What names its rowid in SQL; null if columns have all those names and none of them is the rowid. */
  readonly rowid: string | null;
  /** The columns of its primary key, folded: one of them may be the rowid. */
  readonly keys: readonly string[];
}

const ROWID_NAMES = ["rowid", "_rowid_", "oid"];

/** Reads the traits from a connection that may read everything. */
export function readSchema(connection: SqliteConnection): SchemaTraits {
  const all = (sql: string): SqliteRow[] =>
    connection.prepare(sql)!.all(NO_BINDINGS);
  const texts = all(
    "SELECT sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_hql\\_%' ESCAPE '\\'",
  ).map((row) => row[0] as string);
  const mentions = (pattern: RegExp) => texts.some((sql) => pattern.test(sql));
  const pureFunctions = new Set<string>();
  for (const sql of texts) {
    for (const name of datesDependedOn(sql)) pureFunctions.add(name);
  }
  const shadows = all(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'",
  );
  return {
    defersForeignKeys: mentions(/\bDEFERRED\b/i),
    mayFailPartly: mentions(/\bFAIL\b/i),
    readsCounters: mentions(/last_insert_rowid|changes/i),
    pureFunctions,
    tables: new Map(
      all(
        `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_hql\\_%' ESCAPE '\\'`,
      ).map(([name]) => [foldName(name as string), name as string]),
    ),
    rowidTables: readRowidTables(connection),
    shadowTables: new Set(shadows.map(([name]) => foldName(name as string))),
  };
}

function readRowidTables(
  connection: SqliteConnection,
): Map<string, RowidTable> {
  const found = new Map<string, RowidTable>();
  const tables = connection.prepare(
    "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND wr = 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  )!.all(NO_BINDINGS);
  const columnsOf = connection.prepare(
    "SELECT name, pk FROM pragma_table_xinfo(?)",
  )!;
  for (const [name, type] of tables as [string, string][]) {
    const columns = columnsOf.all({ anonymous: [name], named: null });
    const names = columns.map(([column]) => foldName(column as string));
    const keys = names.filter((_, i) => columns[i]![1] !== 0);
    found.set(foldName(name), {
      name,
      virtual: type === "virtual",
      rowid: ROWID_NAMES.find((alias) => !names.includes(alias)) ??
        rowidColumn(connection, name),
      keys,
    });
  }
  return found;
}

/** The INTEGER PRIMARY KEY, which is the rowid: any other primary key of a table with rowids has an index. */
function rowidColumn(
  connection: SqliteConnection,
  table: string,
): string | null {
  const found = connection.prepare(
    `SELECT name FROM pragma_table_xinfo(?1) WHERE pk = 1
     AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')`,
  )!.all({ anonymous: [table], named: null });
  const name = found[0]?.[0];
  return name === undefined ? null : quotedName(name as string);
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
