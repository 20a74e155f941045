import type { SqliteDriver, SqliteDriverSpec } from "./driver.ts";
import { ffiDriver } from "./ffi_driver.ts";
import { nodeDriver } from "./node_driver.ts";

/**
 * The library that `spec` names.
 * @throws {Error} if it cannot be loaded, or is too old.
 */
export function openDriver(spec: SqliteDriverSpec): SqliteDriver {
  switch (spec.kind) {
    case "node":
      return nodeDriver;
    case "ffi":
      return ffiDriver(spec.library);
  }
}
