import { HiqliteError } from "../../../errors.ts";
import { StateDamagedError } from "../../port.ts";
import { CacheDatabase } from "./database.ts";

/** How the file is laid out; it grows with each change that older releases cannot read. */
const CACHE_FILE_FORMAT = 1;
/** Memory for pages; SQLite drops the others. */
const CACHE_KIB = 32 * 1024;
/** How long a transaction waits for the Worker's lock, ms. Whoever asks `ready` first never waits. */
const BUSY_MS = 5000;

/** From this size on the WAL is written into the file and begun anew. */
export const WAL_BYTES = 64 * 1024 * 1024;

/** Tables of small records: where the store stands, its caches, removed numbers, sessions. */
export const RECORD_TABLES = [
  "state",
  "caches",
  "removed",
  "sessions",
  "answers",
] as const;

/**
 * Entries lie in the order in which they came, and an index leads to them: their values may be large, and a
 * tree that holds values in its nodes is deep. A counter is as small as what would lead to it.
 */
const SCHEMA = `
CREATE TABLE entries(
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  key BLOB NOT NULL,
  deadline INTEGER NOT NULL,
  version INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  evicts INTEGER NOT NULL,
  bytes_crc INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  UNIQUE(number, key)
);
CREATE INDEX entries_due ON entries(number, deadline, key) WHERE deadline > 0;
CREATE INDEX entries_age ON entries(number, version) WHERE evicts = 1;
CREATE TABLE counters(
  number INTEGER NOT NULL,
  key BLOB NOT NULL,
  deadline INTEGER NOT NULL,
  value INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY(number, key)
) WITHOUT ROWID;
CREATE INDEX counters_due ON counters(number, deadline, key) WHERE deadline > 0;
CREATE TABLE restarts(count INTEGER NOT NULL);
INSERT INTO restarts VALUES (0);
${
  RECORD_TABLES.map((name) =>
    `CREATE TABLE ${name}(
  id INTEGER PRIMARY KEY,
  crc INTEGER NOT NULL,
  record BLOB NOT NULL
);`
  ).join("\n")
}
PRAGMA user_version = ${CACHE_FILE_FORMAT};
`;

/** Whether what is written is worth anything after a crash. */
export type FileUse = "durable" | "draft";

/** Makes an empty file; durable at once, unless it is a draft. */
export function createCacheFile(path: string, use: FileUse): CacheDatabase {
  return withDatabase(path, (database) => {
    if (use === "draft") asDraft(database);
    database.exec(`PRAGMA synchronous = ${use === "draft" ? "OFF" : "FULL"}`);
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
    if (use === "durable") useWal(database);
  });
}

/**
 * Opens a file that was made before.
 * @throws {StateDamagedError} if it is damaged, or empty.
 * @throws {HiqliteError} `storage` if another release wrote it.
 */
export function openCacheFile(path: string): CacheDatabase {
  return withDatabase(path, (database) => {
    const format = Number(database.value("PRAGMA user_version"));
    if (format === 0) {
      throw new StateDamagedError(
        `The caches' file ${path} is damaged: it is empty, or was cut off`,
      );
    }
    if (format !== CACHE_FILE_FORMAT) {
      throw new HiqliteError(
        "storage",
        `The caches' file ${path} has format ${format}, this release reads format ${CACHE_FILE_FORMAT}: start the release that wrote it`,
      );
    }
    useWal(database);
  });
}

/**
 * Has every commit go into a WAL from now on. Nothing of it waits for the disk but the first commit after the
 * WAL was begun anew: checkpoints belong to the Worker.
 */
export function useWal(database: CacheDatabase): void {
  const mode = database.value("PRAGMA journal_mode = WAL");
  if (mode !== "wal") {
    throw new HiqliteError(
      "storage",
      `The caches' file cannot be written through a WAL, its mode stays ${mode}: put it on a local file system`,
    );
  }
  database.exec(`
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = ${WAL_BYTES}`);
}

/** A draft is worth nothing before it is adopted: nothing of it has to wait for the disk, or to be written twice. */
function asDraft(database: CacheDatabase): void {
  database.exec("PRAGMA journal_mode = MEMORY");
}

function withDatabase(
  path: string,
  prepare: (database: CacheDatabase) => void,
): CacheDatabase {
  const database = new CacheDatabase(path);
  try {
    database.exec(`
      PRAGMA busy_timeout = ${BUSY_MS};
      PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA temp_store = MEMORY;
      PRAGMA cell_size_check = ON`);
    prepare(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
