import { DatabaseSync, type StatementSync } from "node:sqlite";
import { StateDamagedError } from "../../port.ts";
import { SqliteError } from "../../sqlite/driver/driver.ts";
import { stateFailure } from "../../sqlite/driver/result_codes.ts";
import { toSqliteError } from "../../sqlite/driver/node_driver.ts";

/** A value that is bound. Numbers are stored as integers: all columns have that affinity. */
export type Bound = number | bigint | Uint8Array;
/** A row of a statement that reads numbers. What is damaged may be anything. */
export type FoundRow = readonly unknown[];

/** An integer that no number can hold, where none was ever written. */
const OUT_OF_RANGE = "ERR_OUT_OF_RANGE";
const SQLITE_ERROR = 1;
const SQLITE_CONSTRAINT = 19;
const STRANGE =
  /^malformed database schema|^no such|has no column|syntax error|unrecognized token|ON CONFLICT clause does not match|no query solution|mismatch|values for \d+ columns/;

/** What the typings of node:sqlite lack. */
interface ArrayStatement extends StatementSync {
  setReturnArrays(enabled: boolean): void;
}

/** A prepared statement. None stays open after a call: a read that is pinned would keep the WAL from being reset. */
export class CacheStatement {
  readonly #statement: StatementSync;

  /** Reads rows as arrays; `bigInts`: integers as bigint. */
  constructor(statement: StatementSync, bigInts: boolean) {
    (statement as ArrayStatement).setReturnArrays(true);
    statement.setReadBigInts(bigInts);
    this.#statement = statement;
  }

  /** The first row. */
  get(...values: Bound[]): FoundRow | undefined {
    try {
      return this.#statement.get(...values) as FoundRow | undefined;
    } catch (error) {
      throw failureOfCaches(error);
    }
  }

  /** All rows. */
  all(...values: Bound[]): readonly FoundRow[] {
    try {
      return this.#statement.all(...values) as unknown as FoundRow[];
    } catch (error) {
      throw failureOfCaches(error);
    }
  }

  /** Changes something; how many rows. */
  run(...values: Bound[]): number {
    try {
      return Number(this.#statement.run(...values).changes);
    } catch (error) {
      throw failureOfCaches(error);
    }
  }
}

/** A connection to a file of caches. */
export class CacheDatabase {
  readonly #database: DatabaseSync;

  /** Opens a file, which is made if it is missing. */
  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path);
    } catch (error) {
      throw failureOfCaches(error);
    }
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Runs statements that answer nothing. */
  exec(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch (error) {
      throw failureOfCaches(error);
    }
  }

  /** Compiles a statement. */
  prepare(sql: string, { bigInts = false } = {}): CacheStatement {
    try {
      return new CacheStatement(this.#database.prepare(sql), bigInts);
    } catch (error) {
      throw failureOfCaches(error);
    }
  }

  /** The first value that a statement answers. */
  value(sql: string): unknown {
    return this.prepare(sql).get()?.[0];
  }

  /** Closes the file; what was not committed is gone. */
  close(): void {
    this.#database.close();
  }
}

/** What went wrong, as the port of stores tells it: damage, a full disk, or the error as it is. */
function failureOfCaches(error: unknown): unknown {
  if ((error as { code?: unknown }).code === OUT_OF_RANGE) {
    return damagedFile("a number in it was never written", error);
  }
  const failure = toSqliteError(error);
  if (failure instanceof SqliteError && isStrange(failure)) {
    return damagedFile(failure.message, error);
  }
  return stateFailure(failure);
}

/** Whether SQLite does not understand what is always the same: then its schema, or an index, is another one. */
function isStrange({ primary, message }: SqliteError): boolean {
  return primary === SQLITE_CONSTRAINT ||
    (primary === SQLITE_ERROR && STRANGE.test(message));
}

function damagedFile(what: string, cause: unknown): StateDamagedError {
  return new StateDamagedError(`The caches' file is damaged: ${what}`, {
    cause,
  });
}
