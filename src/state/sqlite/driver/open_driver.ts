import type { SqliteDriver, SqliteDriverSpec } from "./driver.ts";
import { nodeDriver } from "./node_driver.ts";

/** The library that `spec` names. */
export function openDriver(spec: SqliteDriverSpec): SqliteDriver {
  switch (spec.kind) {
    case "node":
      return nodeDriver;
  }
}
