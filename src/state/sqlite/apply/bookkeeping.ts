import { type LogId, ZERO_LOG_ID } from "../../../raft/types.ts";
import {
  ByteReader,
  ByteWriter,
  encode,
  NO_BYTES,
} from "../../../util/bytes.ts";
import {
  type ClusterFacts,
  FIRST_FACTS,
  readFacts,
  writeFacts,
} from "../../cluster_facts.ts";
import { ENVELOPE_START, type EnvelopePosition } from "../../exactly_once.ts";
import {
  NOTHING_RETAINED,
  readRetained,
  type RetainedEvents,
  writeRetained,
} from "../../topics/event.ts";
import { EVENTS_TABLE } from "../topics/topic_store.ts";
import type { SqliteConnection, SqliteDriver } from "../driver/driver.ts";
import { AUDIT_TABLES } from "../audit/hosted_audit.ts";
import { BACKUP_TABLE } from "../backups/hosted_backups.ts";
import { LOCK_TABLES } from "../locks/schema.ts";
import { TOKENS_TABLE } from "../tokens/schema.ts";

/** The format of the tables below, and of the entries that a log keeps for them. */
const FORMAT = 11;

const TABLES = `
CREATE TABLE main._hql_meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  format INTEGER NOT NULL,
  term INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  time INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  horizon INTEGER NOT NULL,
  hash INTEGER NOT NULL,
  config BLOB NOT NULL,
  facts BLOB NOT NULL,
  retained BLOB NOT NULL
);
CREATE TABLE main._hql_sessions (
  id INTEGER PRIMARY KEY,
  used INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  below INTEGER NOT NULL
);
CREATE TABLE main._hql_answers (
  first INTEGER PRIMARY KEY,
  data BLOB NOT NULL
);
CREATE TABLE main._hql_scan (n INTEGER PRIMARY KEY, value);
CREATE TABLE main._hql_migrations (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  idx INTEGER NOT NULL,
  time INTEGER NOT NULL
);
${EVENTS_TABLE}
${LOCK_TABLES}
${TOKENS_TABLE}
${BACKUP_TABLE}
${AUDIT_TABLES}
INSERT INTO main._hql_meta VALUES (1, ${FORMAT}, 0, 0, 0, 0, 0, 0, x'', x'', x'');
`;

/** How far a database has come. */
export interface Position extends EnvelopePosition {
  readonly applied: LogId;
  /** A checksum over what members agree about in every answer so far: members whose states differ have answered differently, sooner or later. */
  readonly hash: number;
  /** The encoded configuration as of `applied`; empty before the first. */
  readonly config: Uint8Array;
  /** What is kept of the events that were published. */
  readonly retained: RetainedEvents;
}

/** The position of a database without entries. */
export const START: Position = {
  ...ENVELOPE_START,
  applied: ZERO_LOG_ID,
  hash: 0,
  config: NO_BYTES,
  retained: NOTHING_RETAINED,
};

/** Creates the tables of this software in a new database. */
export function createTables(connection: SqliteConnection): void {
  connection.exec(`BEGIN; ${TABLES} COMMIT`);
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
  const [first] = connection.prepare("SELECT format FROM main._hql_meta")!
    .all(none);
  if (first === undefined) throw new Error("The table _hql_meta is empty");
  const [format] = first;
  if (format !== FORMAT) {
    throw new Error(
      `The database has format ${format}, this release reads format ${FORMAT}: start the release that wrote it, or begin with an empty data directory`,
    );
  }
  const [row] = connection.prepare(
    "SELECT term, idx, time, clock, horizon, hash, config, facts, retained FROM main._hql_meta",
  )!.all(none);
  const [term, index, timeMs, clockMs, horizon, hash, config, facts, kept] =
    row!;
  return {
    applied: { term: term as number, index: index as number },
    timeMs: timeMs as number,
    clockMs: clockMs as number,
    horizon: horizon as number,
    hash: hash as number,
    config: config as Uint8Array,
    facts: factsOf(facts as Uint8Array),
    retained: retainedOf(kept as Uint8Array),
  };
}

/** None are stored before the first position. */
function factsOf(bytes: Uint8Array): ClusterFacts {
  return bytes.length === 0 ? FIRST_FACTS : readFacts(new ByteReader(bytes));
}

function retainedOf(bytes: Uint8Array): RetainedEvents {
  return bytes.length === 0
    ? NOTHING_RETAINED
    : readRetained(new ByteReader(bytes));
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

function encodeFacts(facts: ClusterFacts): Uint8Array {
  const writer = new ByteWriter(64);
  writeFacts(writer, facts);
  return writer.finish();
}

/** A function that stores the position in the open transaction. */
export function positionWriter(
  connection: SqliteConnection,
): (position: Position) => void {
  const statement = connection.prepare(
    "UPDATE main._hql_meta SET term = ?, idx = ?, time = ?, clock = ?, horizon = ?, hash = ?, config = ?, facts = ?, retained = ?",
  )!;
  let last: ClusterFacts | null = null;
  let bytes = NO_BYTES;
  let lastRetained: RetainedEvents = NOTHING_RETAINED;
  let retainedBytes = NO_BYTES;
  return (position) => {
    const { applied, timeMs, clockMs, horizon, hash, config } = position;
    const { facts, retained } = position;
    // Encoded when they change, not with every batch.
    if (facts !== last) bytes = encodeFacts(facts);
    last = facts;
    if (retained !== lastRetained) {
      retainedBytes = encode((writer) => writeRetained(writer, retained));
      lastRetained = retained;
    }
    statement.run({
      anonymous: [
        BigInt(applied.term),
        BigInt(applied.index),
        BigInt(timeMs),
        BigInt(clockMs),
        BigInt(horizon),
        BigInt(hash),
        config,
        bytes,
        retainedBytes,
      ],
      named: null,
    });
  };
}
