import type { SqliteConnection } from "../driver/driver.ts";
import { isMomentary } from "../driver/result_codes.ts";
import { quotedName } from "./text.ts";

/**
 * Has SQLite open virtual tables, which compile statements of their own then: they must not be taken
 * for what a user's statement does, and only by chance is it the first that needs the table.
 */
export function openVirtualTables(
  connection: SqliteConnection,
  names: Iterable<string>,
): void {
  for (const name of names) {
    try {
      connection.prepare(`SELECT 1 FROM main.${quotedName(name)}`);
    } catch (error) {
      if (isMomentary(error)) throw error;
      // It cannot be opened: neither will it be for the statement.
    }
  }
}
