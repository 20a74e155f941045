import { statSync, truncateSync } from "node:fs";
import { NO_BINDINGS, type SqliteConnection } from "./driver.ts";

/** Of the WAL's format: before the first frame, and before the page of each. */
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/**
 * Cuts from the WAL what is behind its last commit, if that is more than `sparedBytes`: a transaction that
 * was larger than the disk left it there, and SQLite would only write over it one day. `connection` must be
 * able to write, and have no transaction open. Frames behind the last commit are in no state that anybody
 * reads, and with the lock for writing held nobody adds to them.
 */
export function trimWal(
  connection: SqliteConnection,
  database: string,
  sparedBytes: number,
): void {
  const ask = (sql: string): number[] =>
    connection.prepare(sql)!.all(NO_BINDINGS)[0] as number[];
  const [, frames] = ask("PRAGMA wal_checkpoint(NOOP)");
  const [pageBytes] = ask("PRAGMA page_size");
  const used = frames! > 0
    ? WAL_HEADER_BYTES + frames! * (FRAME_HEADER_BYTES + pageBytes!)
    : 0;
  const wal = `${database}-wal`;
  const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0;
  if (size - used <= sparedBytes) return;
  const [before] = ask("PRAGMA data_version");
  connection.command("BEGIN IMMEDIATE");
  try {
    // Else the writer of a member that has just died committed something meanwhile.
    const [now] = ask("PRAGMA data_version");
    if (now === before) truncateSync(wal, used);
  } finally {
    connection.command("ROLLBACK");
  }
}
