import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { COMMAND_LIMITS } from "../../sql/types.ts";
import { BatchApplier } from "./batch_applier.ts";
import {
  NO_BINDINGS,
  SQL_VALUE_BYTES_MAX,
  type SqliteConnection,
  type SqliteDriver,
  type SqliteStatement,
} from "../driver/driver.ts";
import { takesMore } from "../driver/room.ts";
import { trimWal } from "../driver/wal.ts";
import { syncPath } from "../../../util/durable_file.ts";
import type { Interrupts } from "../thread/interrupts.ts";
import type { SchemaChanges } from "../thread/schema_epoch.ts";

const BUSY_TIMEOUT_MS = 5000;
const JOURNAL_BYTES_KEPT = 64 * 1024 * 1024;
/** The WAL is copied into the main file when it has grown by so many pages (16 MiB). */
const CHECKPOINT_PAGES = 4096;
/** The size of the WAL is looked at after so many batches, or so long, since one batch can write a lot. */
const BATCHES_PER_LOOK = 64;
const LOOK_MS = 50;
/** The WAL may be so much longer than what is committed in it, bytes: room that the next transactions use again. */
const WAL_BYTES_SPARED = CHECKPOINT_PAGES * 4096;

/** Opens the one connection that writes, with the settings that every member shares. */
export function openWriterConnection(
  driver: SqliteDriver,
  path: string,
): SqliteConnection {
  const connection = driver.open(path, { readOnly: false });
  // The schema is trusted: overridden functions would otherwise be refused in DEFAULTs, triggers and views, and none reaches outside.
  connection.exec(
    `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};
     PRAGMA journal_mode = WAL;
     PRAGMA synchronous = NORMAL;
     PRAGMA wal_autocheckpoint = 0;
     PRAGMA journal_size_limit = ${JOURNAL_BYTES_KEPT};
     PRAGMA foreign_keys = ON;
     PRAGMA recursive_triggers = OFF;
     PRAGMA trusted_schema = ON;
     PRAGMA cell_size_check = ON;
     PRAGMA temp_store = FILE;`,
  );
  return connection;
}

/** Opens the connection that keeps SQLite's own functions, for arguments and results of any size that the writer allows. */
export function openOriginals(driver: SqliteDriver): SqliteConnection {
  const connection = driver.open(":memory:", { readOnly: false });
  connection.limit(SQL_VALUE_BYTES_MAX, COMMAND_LIMITS.sqlBytes);
  return connection;
}

/** The writer's connection: applies entries and owns every checkpoint. */
export class Writer {
  readonly #connection: SqliteConnection;
  readonly #originals: SqliteConnection;
  readonly #path: string;
  readonly #walSize: SqliteStatement;
  #batches = 0;
  #lookedAt = 0;
  #folderSynced = false;
  /** Applies entries. */
  readonly applier: BatchApplier;

  /** Opens the database at `path`, or creates it. */
  constructor(
    driver: SqliteDriver,
    path: string,
    options: {
      readonly statementCacheCapacity: number;
      readonly schemaEpoch: SchemaChanges;
      readonly level: number;
      /** See `WriterOptions`. @default as SQLite has it */
      readonly heapBytes?: number;
      readonly growthBytesMax: number;
      readonly interrupts: Interrupts;
    },
  ) {
    this.#path = path;
    this.#connection = openWriterConnection(driver, path);
    if (options.heapBytes !== undefined) {
      this.#connection.exec(`PRAGMA hard_heap_limit = ${options.heapBytes}`);
    }
    this.#originals = openOriginals(driver);
    this.#walSize = this.#connection.prepare("PRAGMA wal_checkpoint(NOOP)")!;
    this.applier = new BatchApplier(this.#connection, this.#originals, {
      ...options,
      hasRoom: () => takesMore(path),
    });
    // A member that was killed left what its last transaction wrote.
    this.trim(false);
  }

  /** Gives back what a transaction that was undone left in the WAL: all of it if the disk is full. */
  trim(full: boolean): void {
    trimWal(this.#connection, this.#path, full ? 0 : WAL_BYTES_SPARED);
  }

  /** The writing connection, for looking only. */
  get connection(): SqliteConnection {
    return this.#connection;
  }

  /** Keeps the WAL short; called between batches. */
  maintain(): void {
    // A transaction that waits to be committed keeps the WAL as it is.
    if (this.#connection.inTransaction) return;
    const now = performance.now();
    const due = ++this.#batches >= BATCHES_PER_LOOK ||
      now - this.#lookedAt >= LOOK_MS;
    if (!due) return;
    this.#batches = 0;
    this.#lookedAt = now;
    const [row] = this.#walSize.all(NO_BINDINGS);
    const [, frames, copied] = row as number[];
    if (frames! - copied! > CHECKPOINT_PAGES) this.#copy();
  }

  /**
   * Makes everything applied durable. The WAL is synced on its own too, since a reader
   * of an old state keeps a checkpoint from finishing, and from syncing.
   */
  checkpoint(): number {
    const { applied } = this.applier.position;
    this.#copy();
    const wal = `${this.#path}-wal`;
    if (existsSync(wal)) syncPath(wal); // without one nothing was written since the file was closed, durably
    if (!this.#folderSynced) syncPath(dirname(this.#path));
    this.#folderSynced = true;
    return applied.index;
  }

  /** Closes the file, after a last checkpoint by SQLite itself. */
  close(): void {
    this.#connection.close();
    this.#originals.close();
  }

  #copy(): void {
    this.#connection.prepare("PRAGMA wal_checkpoint(PASSIVE)")!
      .all(NO_BINDINGS);
  }
}
