import type { BackupStore } from "../backup/object_store.ts";
import type { NodeConfig } from "../config/types.ts";
import type { Parsed } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

/** What a command does that looks after a store of backups. */
export interface BackupTask {
  readonly config: NodeConfig;
  readonly store: BackupStore;
  readonly name: string | undefined;
  readonly flags: Parsed["flags"];
  readonly terminal: Terminal;
}
