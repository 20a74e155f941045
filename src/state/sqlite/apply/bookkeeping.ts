import { type LogId, type LogIndex, ZERO_LOG_ID } from "../../../raft/types.ts";
import { NO_BYTES } from "../../../util/bytes.ts";
import type { SqliteConnection, SqliteDriver } from "../driver/driver.ts";

/** The format of the tables below. */
const FORMAT = 2;
/** The one before, without `age`; it is brought up to date. */
const FORMAT_WITHOUT_AGE = 1;

const TABLES = `
CREATE TABLE main._hql_meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  format INTEGER NOT NULL,
  term INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  time INTEGER NOT NULL,
  horizon INTEGER NOT NULL,
  hash INTEGER NOT NULL,
  config BLOB NOT NULL,
  age INTEGER NOT NULL
);
CREATE TABLE main._hql_sessions (
  id INTEGER PRIMARY KEY,
  used INTEGER NOT NULL,
  time INTEGER NOT NULL,
  below INTEGER NOT NULL
);
CREATE TABLE main._hql_answers (
  first INTEGER PRIMARY KEY,
  data BLOB NOT NULL
);
CREATE TABLE main._hql_migrations (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  idx INTEGER NOT NULL,
  time INTEGER NOT NULL
);
INSERT INTO main._hql_meta VALUES (1, ${FORMAT}, 0, 0, 0, 0, 0, x'', 0);
`;

/** How far a database has come. */
export interface Position {
  readonly applied: LogId;
  /** The latest entry time, ms since the epoch. */
  readonly timeMs: number;
  /** What the ages of remembered answers are counted by; see `Sessions.expire`. */
  readonly ageMs: number;
  /** See `Sessions.horizon`. */
  readonly horizon: LogIndex;
  /** A checksum over every answer so far: members whose states differ have answered differently, sooner or later. */
  readonly hash: number;
  /** The encoded configuration as of `applied`; empty before the first. */
  readonly config: Uint8Array;
}

/** The position of a database without entries. */
export const START: Position = {
  applied: ZERO_LOG_ID,
  timeMs: 0,
  ageMs: 0,
  horizon: 0,
  hash: 0,
  config: NO_BYTES,
};

/** Creates the tables of this software in a new database. */
export function createTables(connection: SqliteConnection): void {
  connection.exec(`BEGIN; ${TABLES} COMMIT`);
}

/** Brings tables of the last format up to date; without effect on others. */
export function upgradeTables(connection: SqliteConnection): void {
  const none = { anonymous: [], named: null };
  const [row] = connection.prepare("SELECT format FROM main._hql_meta")!
    .all(none);
  if (row?.[0] !== FORMAT_WITHOUT_AGE) return;
  connection.exec(
    `BEGIN; ALTER TABLE main._hql_meta ADD COLUMN age INTEGER NOT NULL DEFAULT 0; UPDATE main._hql_meta SET age = time, format = ${FORMAT}; COMMIT`,
  );
}

/**
 * Reads the position; null if the database has never been used by this software.
 * @throws {Error} if it was written in another format.
 */
export function readPosition(connection: SqliteConnection): Position | null {
  const none = { anonymous: [], named: null };
  const [tables] = connection.prepare(
    "SELECT count(*) FROM main.sqlite_schema WHERE name = '_hql_meta'",
  )!.all(none);
  if (tables![0] === 0) return null;
  const [row] = connection.prepare(
    "SELECT format, term, idx, time, horizon, hash, config FROM main._hql_meta",
  )!.all(none);
  if (row === undefined) throw new Error("The table _hql_meta is empty");
  const [format, term, index, timeMs, horizon, hash, config] = row;
  if (format !== FORMAT && format !== FORMAT_WITHOUT_AGE) {
    throw new Error(
      `The database has format ${format}, this version knows ${FORMAT}`,
    );
  }
  const [age] = format === FORMAT
    ? connection.prepare("SELECT age FROM main._hql_meta")!.all(none)
    : [[timeMs!]];
  return {
    applied: { term: term as number, index: index as number },
    timeMs: timeMs as number,
    ageMs: age![0] as number,
    horizon: horizon as number,
    hash: hash as number,
    config: config as Uint8Array,
  };
}

/**
 * Reads the position of the database at `path`.
 * @throws {Error} if it is none of this software's, or was written in another format.
 */
export function readPositionAt(driver: SqliteDriver, path: string): Position {
  const connection = driver.open(path, { readOnly: true });
  try {
    const position = readPosition(connection);
    if (position === null) throw new Error("The snapshot is no state of ours");
    return position;
  } finally {
    connection.close();
  }
}

/** A function that stores the position in the open transaction. */
export function positionWriter(
  connection: SqliteConnection,
): (position: Position) => void {
  const statement = connection.prepare(
    "UPDATE main._hql_meta SET term = ?, idx = ?, time = ?, horizon = ?, hash = ?, config = ?, age = ?",
  )!;
  return ({ applied, timeMs, horizon, hash, config, ageMs }) => {
    statement.run({
      anonymous: [
        BigInt(applied.term),
        BigInt(applied.index),
        BigInt(timeMs),
        BigInt(horizon),
        BigInt(hash),
        config,
        BigInt(ageMs),
      ],
      named: null,
    });
  };
}
