import { LEVEL } from "../level.ts";
import type { StateRecovery } from "../port.ts";
import { WriterThread } from "./apply/writer_thread.ts";
import { openDriver } from "./driver/open_driver.ts";
import { DatabaseFiles } from "./files/files.ts";
import { configurationOf } from "./files/snapshot_files.ts";
import { Losses } from "./losses.ts";
import { SqliteMachine } from "./machine.ts";
import type { SqliteMachineOptions } from "./options.ts";
import { Readers } from "./read/readers.ts";
import { SchemaEpoch } from "./thread/schema_epoch.ts";
import { useTemporaryFolder } from "./temporary_folder.ts";

/**
 * Opens the database in a folder, or makes it.
 * @throws {Error} if the folder or the file cannot be used.
 */
export async function openSqliteMachine(
  options: SqliteMachineOptions,
): Promise<{ machine: SqliteMachine; recovery: StateRecovery }> {
  const files = new DatabaseFiles(options.dir, options.filename);
  const schemaEpoch = new SchemaEpoch();
  const { driver = { kind: "node" }, statementCacheCapacity = 1024 } = options;
  const library = openDriver(driver);
  useTemporaryFolder(library, options.dir);
  if (library.hearsInside === false) {
    options.logger.warn(
      "the SQLite library was not built by deno task sqlite: a write that compares tens of MB with tens of MB (instr, replace, trim, LIKE, GLOB, json_patch) can end this member",
    );
  }
  const { writer, found } = await WriterThread.start({
    options: {
      driver,
      statementCacheCapacity,
      level: options.level ?? LEVEL,
      growthBytesMax: options.writeBytesMax ?? 1024 ** 3,
    },
    path: () => files.path,
    driver: library,
    folder: options.dir,
    schema: schemaEpoch,
    logger: options.logger,
    place: options.writer,
  });
  const readers = new Readers({
    ...{ driver, path: files.path, folder: options.dir, schemaEpoch },
    ...{ statementCacheCapacity, rowsIdleMs: options.rowsIdleMs },
    poolSize: options.readPoolSize ?? 4,
    logger: options.logger,
  });
  const losses = new Losses(options.dir, found.applied.index);
  const parts = { files, writer, readers, schemaEpoch, driver, losses };
  return {
    machine: new SqliteMachine(parts, found, options),
    recovery: {
      applied: found.applied,
      config: configurationOf(found.config),
    },
  };
}
