import {
  type SqliteConnection,
  SqliteError,
} from "../../../src/state/sqlite/driver/driver.ts";

const SQLITE_INTERRUPT = 9;

/** A connection on which `hits` says which commands an interrupt hits. */
export function interrupted(
  connection: SqliteConnection,
  hits: (sql: string) => boolean,
): SqliteConnection {
  return new Proxy(connection, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (
          (key === "command" || key === "prepare") && hits(String(args[0]))
        ) throw new SqliteError("interrupted", SQLITE_INTERRUPT);
        return value.apply(target, args);
      };
    },
  });
}
