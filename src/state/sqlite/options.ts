import type { Logger } from "../../util/logger.ts";
import type { WriterPlace } from "./apply/writer_host.ts";
import type { SqliteDriverSpec } from "./driver/driver.ts";

/** How a `SqliteMachine` is opened. */
export interface SqliteMachineOptions {
  /** The folder that it owns; made if it is missing. */
  readonly dir: string;
  /** Name of the database file in it. */
  readonly filename: string;
  /** The SQLite library. @default {{ kind: "node" }} */
  readonly driver?: SqliteDriverSpec;
  /** Where the writer runs. @default a process where the driver cannot be interrupted and one may be started, else a Worker */
  readonly writer?: WriterPlace;
  /** Reader Workers, at most. @default {4} */
  readonly readPoolSize?: number;
  /** Prepared statements kept per connection. @default {1024} */
  readonly statementCacheCapacity?: number;
  /** By how much one write may make the database grow before it is refused, bytes; twice as much at most. @default {1 GiB} */
  readonly writeBytesMax?: number;
  /** How long nobody may ask for the next rows of a stream before it is ended, ms. @default {300_000} */
  readonly rowsIdleMs?: number;
  /** Log the text of applied statements. @default {false} */
  readonly logStatements?: boolean;
  /** The newest feature level that this release knows. @default {LEVEL} */
  readonly level?: number;
  readonly logger: Logger;
}
