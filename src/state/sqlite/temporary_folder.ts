import type { SqliteDriver } from "./driver/driver.ts";
import { temporaryFolder } from "./thread/child_command.ts";

/** SQLite's own choice may be read-only, or full: its temporary files go where the database is. */
export function useTemporaryFolder(library: SqliteDriver, dir: string): void {
  const folder = temporaryFolder(dir).replaceAll("'", "''");
  const connection = library.open(":memory:", { readOnly: false });
  try {
    connection.exec(`PRAGMA temp_store_directory = '${folder}'`);
  } catch {
    // A library built without it finds a folder of its own.
  }
  connection.close();
}
