import type { ShellSession } from "./shell_session.ts";
import { literalOf } from "./value_text.ts";

/** A thing of the schema. */
export interface SchemaItem {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly sql: string;
}

/** What SQLite and members keep for themselves. */
const OWN =
  "name LIKE 'sqlite!_%' ESCAPE '!' OR tbl_name LIKE '!_hql!_%' ESCAPE '!' OR tbl_name = 'hql_locks'";

/** Tables, views, indexes and triggers that users made; of one table, if it is named. */
export async function schemaOf(
  session: ShellSession,
  table?: string,
): Promise<SchemaItem[]> {
  const { rows } = await session.read(
    `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND NOT (${OWN})${
      table === undefined
        ? ""
        : ` AND tbl_name = ${literalOf(table)} COLLATE NOCASE`
    } ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid`,
  );
  return rows.map(([type, name, tableName, sql]) => ({
    type: String(type),
    name: String(name),
    table: String(tableName),
    sql: String(sql),
  }));
}

/** The columns of a table that can be written, in order. */
export async function columnsOf(
  session: ShellSession,
  table: string,
): Promise<string[]> {
  const { rows } = await session.read(
    `SELECT name FROM pragma_table_xinfo(${
      literalOf(table)
    }) WHERE hidden = 0 ORDER BY cid`,
  );
  return rows.map(([name]) => String(name));
}

/** Names of tables, indexes, views, triggers and columns, 10,000 at most. */
export async function namesOf(session: ShellSession): Promise<string[]> {
  const { rows } = await session.read(
    `WITH m AS MATERIALIZED (SELECT name FROM sqlite_schema WHERE NOT (${OWN}))
     SELECT name FROM m UNION SELECT p.name FROM m JOIN pragma_table_info(m.name) AS p LIMIT 10000`,
  );
  return rows.map(([name]) => String(name));
}
