import { DATE_FUNCTION_NAMES } from "./determinism.ts";
import type { RowidTable } from "./rowid_table.ts";
import { wordsOf } from "../statement/text.ts";

/** What the schema says about how entries must be applied. */
export interface SchemaTraits {
  /** Foreign keys are checked at COMMIT: every entry needs its own transaction. */
  readonly defersForeignKeys: boolean;
  /** A constraint or trigger may keep part of a failed statement's work (`FAIL`). */
  readonly mayFailPartly: boolean;
  /** A trigger, view or default may ask for `changes()` or `last_insert_rowid()`. */
  readonly readsCounters: boolean;
  /** The texts of indexes, and of tables with generated columns, that depend on dates, by folded table and row of the schema. */
  readonly dated: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** All tables of users, also virtual ones: their names by folded name. */
  readonly tables: ReadonlyMap<string, string>;
  /** Tables with rowids, also virtual ones, by folded name. */
  readonly rowidTables: ReadonlyMap<string, RowidTable>;
  /** Virtual tables, folded. */
  readonly virtualTables: ReadonlySet<string>;
  /** Where virtual tables keep their data, folded: how they do differs between members. */
  readonly shadowTables: ReadonlySet<string>;
  /** Tables whose rowids nothing names in SQL: their names by folded name. */
  readonly nameless: ReadonlyMap<string, string>;
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
