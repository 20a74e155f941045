import {
  type SqliteConnection,
  SqliteError,
} from "../../../src/state/sqlite/driver/driver.ts";

const SQLITE_INTERRUPT = 9;

/** A connection on which `hits` says which commands an interrupt hits, and `code` what they make of it. */
export function interrupted(
  connection: SqliteConnection,
  hits: (sql: string) => boolean,
  code = SQLITE_INTERRUPT,
): SqliteConnection {
  return new Proxy(connection, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (
          (key === "command" || key === "prepare") && hits(String(args[0]))
        ) throw new SqliteError("interrupted", code);
        return value.apply(target, args);
      };
    },
  });
}
