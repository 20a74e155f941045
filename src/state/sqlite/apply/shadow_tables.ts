import { HiqliteError } from "../../../errors.ts";
import { namesIn } from "../statement/text.ts";
import type { SchemaTraits } from "./schema_traits.ts";

/**
 * Why a write must not be compiled that names a shadow table, or null. Where virtual tables keep
 * their data differs between members. They read it themselves, so it is the text that must not
 * name it; views and triggers show nothing else when they are made.
 */
export function refuseShadows(
  { shadowTables }: SchemaTraits,
  keyword: string,
  sql: string,
  reads: ReadonlySet<string>,
): string | null {
  if (shadowTables.size === 0) return null;
  for (const name of namesIn(sql)) {
    if (!shadowTables.has(name)) continue;
    if (keyword === "CREATE" || reads.has(name)) return differs(name);
  }
  return null;
}

/**
 * Looks for a view or trigger, among `texts`, that names what a new virtual table keeps its data in.
 * @throws {HiqliteError} `forbidden` if there is one.
 */
export function checkShadows(
  texts: readonly string[],
  { shadowTables }: SchemaTraits,
): void {
  if (shadowTables.size === 0) return;
  for (const sql of texts) {
    for (const name of namesIn(sql)) {
      if (shadowTables.has(name)) {
        throw new HiqliteError("forbidden", differs(name));
      }
    }
  }
}

function differs(table: string): string {
  return `${table} is not allowed in a write: members differ in it`;
}
