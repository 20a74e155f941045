import { HiqliteError } from "../../../errors.ts";
import { NO_BINDINGS, type SqliteConnection } from "../driver/driver.ts";
import type { Policy } from "../statement/policy.ts";
import { foldName, namesIn, quotedName } from "../statement/text.ts";
import type { SchemaTraits } from "./schema_traits.ts";

/** Why a virtual table must not be made as its text asks, or null. */
export function refuseVirtualTable(
  keyword: string,
  sql: string,
): string | null {
  if (keyword !== "CREATE" || !/\bvirtual\b/i.test(sql)) return null;
  return /compress\s*=/i.test(sql)
    ? "compress= and uncompress= are not allowed: they call functions that the statement does not show"
    : null;
}

/** The virtual tables and what they keep their data in, folded; null if there are none. */
export function storageOf(
  { rowidTables, shadowTables }: SchemaTraits,
): ReadonlySet<string> | null {
  const found = new Set(shadowTables);
  for (const [name, { virtual }] of rowidTables) if (virtual) found.add(name);
  return found.size === 0 ? null : found;
}

/**
 * Full-text search reads the table or view that its `content=` names when nobody looks, so every name
 * in its text must be one that it may read.
 * @throws {HiqliteError} `forbidden` if it may not.
 */
export function checkContents(
  connection: SqliteConnection,
  policy: Policy,
): void {
  const texts = connection.prepare(
    "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%content%'",
  )!.all(NO_BINDINGS) as [string][];
  if (texts.length === 0) return;
  const readable = new Set(
    connection.prepare(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'",
    )!.all(NO_BINDINGS).map(([name]) => foldName(name as string)),
  );
  for (const [sql] of texts) {
    for (const name of namesIn(sql)) {
      const physical = name.startsWith("pragma_") ||
        name === "sqlite_master" || name === "sqlite_schema";
      if (!physical && !readable.has(name)) continue;
      const refusal = policy.refusedUnseen(() =>
        connection.prepare(`SELECT * FROM ${quotedName(name)}`)
      );
      if (refusal === null) continue;
      throw new HiqliteError(
        "forbidden",
        `${name} cannot be the content of a virtual table: ${refusal}`,
      );
    }
  }
}
