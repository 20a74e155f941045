import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { NO_BINDINGS, type SqliteConnection } from "./driver.ts";

/** A file system that takes so many bytes more has room: some may have been freed since the error. */
const ROOM_BYTES = 8 * 1024 * 1024;
const CHUNK = new Uint8Array(1024 * 1024).fill(1);
/** As many pages as SQLite can count: no bound. A smaller one was set, and stands for a full disk. */
export const PAGES_MAX = 4_294_967_294;

/**
 * Whether the database of `connection` could have grown: then what looked like a full disk was
 * something else that is used up, such as rowids, in the data and so on every member. The file system is
 * asked by writing a file beside the database, since that heeds quotas and needs no further permission.
 */
export function hasRoom(connection: SqliteConnection): boolean {
  const ask = (sql: string): unknown =>
    connection.prepare(sql)!.all(NO_BINDINGS)[0]![0];
  if (ask("PRAGMA main.max_page_count") !== PAGES_MAX) return false;
  const path = ask("SELECT file FROM pragma_database_list WHERE name = 'main'");
  return path === "" || path === null || takesMore(path as string);
}

/** Whether the file system of a database takes more. */
export function takesMore(database: string): boolean {
  const path = `${database}-room`;
  try {
    const file = openSync(path, "w", 0o600);
    try {
      for (let written = 0; written < ROOM_BYTES;) {
        written += writeSync(file, CHUNK);
      }
    } finally {
      closeSync(file);
    }
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { force: true });
  }
}
