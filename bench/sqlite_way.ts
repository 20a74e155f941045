import type { SqliteDriverSpec } from "../src/state/sqlite/driver/driver.ts";

/** How members run SQLite. */
export const SQLITE_WAYS = ["worker", "process", "ffi"] as const;

/** `worker`: the runtime's, in a thread. `process`: the runtime's, in a process of its own. `ffi`: a library, in a thread. */
export type SqliteWay = typeof SQLITE_WAYS[number];

const LIBRARY = new URL("../dist/libsqlite3.so", import.meta.url).pathname;

/** What a process needs to run SQLite so. */
export const PERMISSIONS: Record<SqliteWay, readonly string[]> = {
  worker: [],
  process: ["--allow-run=deno"],
  ffi: ["--allow-ffi"],
};

/** The driver, as a state machine is told. @throws {Error} if the library was not built. */
export function driverOf(way: SqliteWay): SqliteDriverSpec {
  if (way !== "ffi") return { kind: "node" };
  try {
    Deno.statSync(LIBRARY);
  } catch {
    throw new Error(`--sqlite ffi: ${LIBRARY} is missing: deno task sqlite`);
  }
  return { kind: "ffi", library: LIBRARY };
}
