import type { SqliteConnection } from "../driver/driver.ts";
import { foldName, quotedName } from "../statement/text.ts";

/** A table with rowids. */
export interface RowidTable {
  readonly name: string;
  readonly virtual: boolean;
  /** What names its rowid in SQL; null if columns have all those names and none of them is the rowid. */
  readonly rowid: string | null;
  /** The columns of its primary key, folded: one of them may be the rowid. */
  readonly keys: readonly string[];
}

/** What kind of table SQLite says it is. */
export type TableKind = "table" | "virtual" | "shadow";

const ROWID_NAMES = ["rowid", "_rowid_", "oid"];

/** What the table of this name is, and its rowid if it has one that users can set; null if there is none. */
export function describeTable(
  connection: SqliteConnection,
  name: string,
): { kind: TableKind; rowidTable: RowidTable | null } | null {
  const bindings = { anonymous: [name], named: null };
  const [listed] = connection.prepare(
    "SELECT type, wr FROM pragma_table_list(?) WHERE schema = 'main'",
  )!.all(bindings) as [TableKind, number][];
  if (listed === undefined) return null;
  const [kind, withoutRowid] = listed;
  const without = kind === "shadow" || withoutRowid === 1 ||
    /^sqlite_/i.test(name);
  if (without) return { kind, rowidTable: null };
  const columns = connection.prepare(
    "SELECT name, pk FROM pragma_table_xinfo(?)",
  )!.all(bindings);
  const names = columns.map(([column]) => foldName(column as string));
  const rowidTable: RowidTable = {
    name,
    virtual: kind === "virtual",
    rowid: ROWID_NAMES.find((alias) => !names.includes(alias)) ??
      rowidColumn(connection, name),
    keys: names.filter((_, i) => columns[i]![1] !== 0),
  };
  return { kind, rowidTable };
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
