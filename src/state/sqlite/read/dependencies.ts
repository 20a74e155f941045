import { PHYSICAL_TABLES } from "../statement/rules.ts";
import { namesIn } from "../statement/text.ts";

/** How queries begin whose answer follows from the tables that they name. */
const READING_KEYWORDS: ReadonlySet<string> = new Set([
  "SELECT",
  "WITH",
  "VALUES",
]);

/** PRAGMAs as tables whose answer follows from the rows of all tables, or from the file. The others follow from the schema. */
const PRAGMAS_OF_ALL: ReadonlySet<string> = new Set([
  "pragma_foreign_key_check",
  "pragma_integrity_check",
  "pragma_quick_check",
  "pragma_page_count",
  "pragma_freelist_count",
]);

/** Tables of SQLite that no event names: entries keep the sequence of a table as they write the table. */
const UNTOLD_TABLES: ReadonlySet<string> = new Set([
  "sqlite_sequence",
  "sqlite_stat1",
  "sqlite_stat4",
]);

/** What of a schema says which tables a query depends on beside those that compiling it showed. */
export interface SchemaNames {
  /** The text of each virtual table, by its folded name. */
  readonly virtual: ReadonlyMap<string, string>;
  /** What reading a view shows, folded; the name itself if it is none. */
  readsOf(name: string): Iterable<string>;
}

/**
 * The tables whose events tell that a query may answer something else, folded; null: any event may. There may be too many:
 * names that are no table, such as those of views and common table expressions, do no harm. Changes of the schema are not considered.
 */
export function dependenciesOf(
  keyword: string,
  reads: Iterable<string>,
  { virtual, readsOf }: SchemaNames,
): readonly string[] | null {
  if (!READING_KEYWORDS.has(keyword)) return null;
  const found = new Set<string>();
  const pending = [...reads];
  for (let name; (name = pending.pop()) !== undefined;) {
    if (found.has(name)) continue;
    if (dependsOnAll(name)) return null;
    found.add(name);
    // What a virtual table keeps its data in: writes are told of under the name of the virtual table.
    for (const owner of virtual.keys()) {
      if (name.startsWith(`${owner}_`)) pending.push(owner);
    }
    const text = virtual.get(name);
    if (text === undefined) continue;
    // It reads the table or view that its text names when nobody looks.
    for (const other of namesIn(text)) pending.push(other, ...readsOf(other));
  }
  return [...found];
}

function dependsOnAll(name: string): boolean {
  return PHYSICAL_TABLES.has(name) || PRAGMAS_OF_ALL.has(name) ||
    UNTOLD_TABLES.has(name);
}
