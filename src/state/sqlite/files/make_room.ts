import type { SqliteDriverSpec } from "../driver/driver.ts";
import { openDriver } from "../driver/open_driver.ts";
import { trimWal } from "../driver/wal.ts";
import { DatabaseFiles } from "./files.ts";

/**
 * Gives back what a member that ended on a full disk left below `dir` and nobody needs: files of transfers, and
 * what a transaction that was never committed wrote into the WAL. For the start, before anything is written.
 */
export function makeRoom(
  driver: SqliteDriverSpec,
  dir: string,
  filename: string,
): void {
  const { path } = new DatabaseFiles(dir, filename);
  const connection = openDriver(driver).open(path, { readOnly: false });
  try {
    connection.exec("PRAGMA busy_timeout = 5000");
    trimWal(connection, path, 0);
  } finally {
    connection.close();
  }
}
