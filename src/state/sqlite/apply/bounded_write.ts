import { NO_BINDINGS, type SqliteConnection } from "../driver/driver.ts";

/** The largest database that SQLite makes, in pages. */
const PAGES_MAX = 4_294_967_294;

/**
 * Lets the database grow by at most `bytes` until the function that it returns is called: a statement that
 * needs more fails with SQLITE_FULL, whatever room the file system has, before the disk is full of a WAL that is
 * never committed. Pages that were free before do not count. Of one member alone: others need not agree.
 */
export function boundedWrite(
  connection: SqliteConnection,
  bytes: number,
): () => void {
  const read = (pragma: string): number => {
    const [[value]] = connection.prepare(`PRAGMA main.${pragma}`)!
      .all(NO_BINDINGS) as [[number]];
    return value;
  };
  const most = read("page_count") + Math.ceil(bytes / read("page_size"));
  read(`max_page_count = ${Math.min(most, PAGES_MAX)}`);
  return () => void read(`max_page_count = ${PAGES_MAX}`);
}
