import { createHash } from "node:crypto";
import type { SqlValue } from "../../sql/types.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteRow,
} from "../driver/driver.ts";
import { isMachineError } from "../driver/result_codes.ts";
import { quotedName } from "../statement/text.ts";

/** What {@linkcode dumpTables} says, and a hash of what was published: equal on members with equal data. */
export function dumpContents(connection: SqliteConnection): string {
  const sql = "SELECT * FROM main._hql_events ORDER BY n";
  const events = connection.prepare(sql)!.allBigInt(NO_BINDINGS);
  const published = `events: ${events.length} rows, ${hashRows(events)}`;
  return `${dumpTables(connection)}\n${published}`;
}

/**
 * A line per object of the schema and a hash per table, in a canonical order: equal
 * on databases with equal data. Left out are this software's own tables and its view, and the
 * storage of virtual tables, whose layout depends on when they were written.
 */
export function dumpTables(connection: SqliteConnection): string {
  const all = (sql: string): SqliteRow[] =>
    connection.prepare(sql)!.allBigInt(NO_BINDINGS);
  const lines = all(
    `SELECT type, name, tbl_name, sql FROM main.sqlite_schema
     WHERE name NOT LIKE '\\_hql\\_%' ESCAPE '\\' AND tbl_name NOT LIKE '\\_hql\\_%' ESCAPE '\\'
       AND name <> 'hql_locks'
     ORDER BY type, name`,
  ).map((row) => row.map(render).join(" "));
  const tables = all(
    `SELECT name, type, wr FROM pragma_table_list
     WHERE schema = 'main' AND type IN ('table', 'virtual')
       AND name NOT LIKE '\\_hql\\_%' ESCAPE '\\' AND name <> 'sqlite_schema'
     ORDER BY name`,
  );
  for (const [name, type, withoutRowid] of tables) {
    const quoted = quotedName(name as string);
    const hasRowid = type === "virtual" || withoutRowid === 0n;
    try {
      const rows = all(
        hasRowid
          ? `SELECT rowid, * FROM main.${quoted} ORDER BY 1`
          : `SELECT * FROM main.${quoted}`,
      );
      lines.push(`${name}: ${rows.length} rows, ${hashRows(rows)}`);
    } catch (error) {
      // The content of a full-text table may be gone.
      if (isMachineError(error)) throw error;
      lines.push(`${name}: cannot be read`);
    }
  }
  return lines.join("\n");
}

function hashRows(rows: readonly SqliteRow[]): string {
  const hash = createHash("sha256");
  for (const row of rows) hash.update(row.map(render).join("\t") + "\n");
  return hash.digest("hex");
}

function render(value: SqlValue): string {
  if (value instanceof Uint8Array) return `x'${value.toHex()}'`;
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "number" ? `r${value}` : String(value);
}
