import type { WriterThread } from "./apply/writer_thread.ts";
import type { SqliteDriverSpec } from "./driver/driver.ts";
import type { DatabaseFiles } from "./files/files.ts";
import type { Losses } from "./losses.ts";
import type { Readers } from "./read/readers.ts";
import type { SchemaEpoch } from "./thread/schema_epoch.ts";

/** What a `SqliteMachine` is made of. */
export interface SqliteMachineParts {
  readonly files: DatabaseFiles;
  readonly writer: WriterThread;
  readonly readers: Readers;
  readonly schemaEpoch: SchemaEpoch;
  readonly driver: SqliteDriverSpec;
  readonly losses: Losses;
}
