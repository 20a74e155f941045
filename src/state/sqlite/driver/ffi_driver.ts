import type { SqliteDriver } from "./driver.ts";
import { CAPABILITIES, openConnection } from "./ffi/connection.ts";
import { loadLibrary } from "./ffi/library.ts";

/**
 * A `libsqlite3` that the process loads: it can be interrupted, bound in memory, and tells its errors as they are.
 * @throws {Error} naming the path, if it cannot be loaded or is too old.
 */
export function ffiDriver(path: string): SqliteDriver {
  const { sqlite, version, hearsInside } = loadLibrary(path);
  return {
    name: "libsqlite3",
    version,
    capabilities: CAPABILITIES,
    open: (file, { readOnly }) => openConnection(sqlite, file, readOnly),
    interrupt: (handle) =>
      sqlite.sqlite3_interrupt(Deno.UnsafePointer.create(handle)),
    hearsInside,
    limitHeap: (bytes) => {
      sqlite.sqlite3_hard_heap_limit64(BigInt(bytes));
    },
  };
}
