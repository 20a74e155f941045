import type { SqlValue } from "../../sql/types.ts";

/** The oldest SQLite that is accepted: every version from 3.7.0 to 3.51.2 can lose commits when a WAL is reset. */
export const OLDEST_SQLITE = "3.51.3";

/** The largest text, blob or row, in bytes; equal on every member since it decides results. */
export const SQL_VALUE_BYTES_MAX = 64 * 1024 * 1024;

/** So many pages of a database are copied in one go: 4 MiB of the usual ones. */
export const COPIED_PAGES = 1024;

/** An error of SQLite itself. */
export class SqliteError extends Error {
  override readonly name = "SqliteError";
  /** The extended result code; 1 where SQLite gave none. */
  readonly code: number;
  /** SQLite's own message. */
  constructor(message: string, code: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
  /** The primary result code. */
  get primary(): number {
    return this.code & 0xff;
  }
}

/**
 * A row as values by column position; integers are bigint where the statement was told so.
 * A text ends at its first NUL, and what is no UTF-8 in it is U+FFFD, with every driver:
 * members with different ones answer the same.
 */
export type SqliteRow = SqlValue[];

/** What a statement did to the database. */
export interface RunResult {
  /** Rows changed by the last INSERT, UPDATE or DELETE of the connection: stale for any other statement. */
  readonly changes: number;
  /** The rowid of the last row inserted by the connection. */
  readonly lastInsertRowid: bigint;
}

/** Parameters in SQLite's numbering: those without a name in order, the others by full name. */
export interface Bindings {
  readonly anonymous: readonly SqlValue[];
  readonly named: Readonly<Record<string, SqlValue>> | null;
}

/** The bindings of a statement without parameters. */
export const NO_BINDINGS: Bindings = { anonymous: [], named: null };

/** A prepared statement. */
export interface SqliteStatement {
  /** The text that was compiled: the first statement of what was given. */
  readonly source: string;
  /** Names of the columns it returns; empty if it returns none. */
  readonly columns: readonly string[];
  /** Whether it changes nothing itself; only with the capability `statementTraits`. */
  readonly readOnly?: boolean;
  /** The declared types of its columns, null for those that are no column of a table; only with `statementTraits`. */
  declaredTypes?(): (string | null)[];
  /** Runs it and drops its rows. */
  run(bindings: Bindings): RunResult;
  /** All its rows; integers that a number cannot hold as bigint. Without `rowErrors` it may be run twice for that, so it must only read. */
  all(bindings: Bindings): SqliteRow[];
  /** All its rows with every integer as bigint. */
  allBigInt(bindings: Bindings): SqliteRow[];
  /**
   * Row by row, integers as bigint. `spend` hears of every value, and may throw: of each as soon as it was read where the
   * library reads values one by one. Without the capability `rowErrors` an error after the first row may look like the end of the rows.
   */
  rows(bindings: Bindings, spend?: SpendValue): Iterable<SqliteRow>;
  /** Frees what it holds; it is compiled again if it is used after that. */
  release(): void;
}

/** Hears of a value that was read. */
export type SpendValue = (value: SqlValue) => void;

/** Decides on an action while a statement is compiled; the arguments are those of `sqlite3_set_authorizer`. */
export type Authorizer = (
  action: number,
  first: string | null,
  second: string | null,
  database: string | null,
  trigger: string | null,
) => boolean;

/** A value, or `FAIL` to make the statement fail. */
export type FunctionResult = SqlValue | typeof FAIL;

/** What a function returns to make its statement fail; a `SqliteError` that it throws is the statement's. */
export const FAIL: unique symbol = Symbol("fail");

/** What a library can do beyond the least; each is asked for, never the library's name. */
export interface SqliteCapabilities {
  /** `SqliteConnection.handle` and `SqliteDriver.interrupt` are there. */
  readonly interrupt: boolean;
  /** `SqliteDriver.limitHeap` is there. */
  readonly heapLimit: boolean;
  /** An error between rows is thrown, so that a statement need not run twice to be sure of them. */
  readonly rowErrors: boolean;
  /** `SqliteConnection.owesForeignKeys` is there. */
  readonly owedForeignKeys: boolean;
  /** `SqliteStatement.readOnly` and `declaredTypes` are there. */
  readonly statementTraits: boolean;
}

/** One connection. Every method may throw {@linkcode SqliteError}. */
export interface SqliteConnection {
  readonly capabilities: SqliteCapabilities;
  /** Whether a transaction is open. */
  readonly inTransaction: boolean;
  /** Names it to {@linkcode SqliteDriver.interrupt}; only with the capability `interrupt`. */
  readonly handle?: bigint;
  /** Runs one or more statements without parameters. Its errors may lack the extended code. */
  exec(sql: string): void;
  /** Runs a statement that comes again and again, such as `COMMIT`: it stays compiled. */
  command(sql: string): void;
  /** Compiles the first statement of a text; null if there is none in it. */
  prepare(sql: string): SqliteStatement | null;
  /** Defines or overrides a function for any number of arguments; `exactly`: for as many as `call` has parameters. */
  define(
    name: string,
    deterministic: boolean,
    call: (...args: SqlValue[]) => FunctionResult,
    exactly?: boolean,
  ): void;
  /** Sets what compiling may do. */
  authorize(authorizer: Authorizer): void;
  /** Whether shadow tables and the schema's own are defended against what is compiled; on from the start. */
  defend(active: boolean): void;
  /** Sets the largest text, blob or row and the longest statement, in bytes. */
  limit(valueBytes: number, sqlBytes: number): void;
  /** Whether the open transaction owes rows to deferred foreign keys, so that COMMIT would fail; only with the capability `owedForeignKeys`. */
  owesForeignKeys?(): boolean;
  /**
   * Copies all of it, as the open transaction sees it, into a new file. Blocks the thread. `between` is called after each
   * {@linkcode COPIED_PAGES} pages, and must not throw; without it all is copied in one go.
   */
  backup(target: string, between?: () => void): Promise<void>;
  close(): void;
}

/** A SQLite library. */
export interface SqliteDriver {
  /** What people call it: `node:sqlite`, `libsqlite3`. */
  readonly name: string;
  readonly capabilities: SqliteCapabilities;
  /** Its version, like `3.53.2`. */
  readonly version: string;
  /** Opens or (unless `readOnly`) creates a database file, or one in memory (`:memory:`). */
  open(path: string, options: { readonly readOnly: boolean }): SqliteConnection;
  /** Ends what the connection with this handle runs, from any thread; the connection must be open. */
  interrupt?(handle: bigint): void;
  /** Whether an interrupt ends a function that compares long texts (`instr`, `LIKE`, …), too, and does not wait for it; only with the capability `interrupt`. */
  readonly hearsInside?: boolean;
  /** Bounds what all connections of the process that use this library may hold, in bytes; 0: no bound. Beyond it statements fail with 7 (NOMEM). */
  limitHeap?(bytes: number): void;
}

/**
 * Which library a connection uses, as plain data: every thread and process opens
 * its own by `openDriver`.
 */
export type SqliteDriverSpec =
  | { readonly kind: "node" }
  /** A `libsqlite3` at a path. */
  | { readonly kind: "ffi"; readonly library: string };

/**
 * Checks that a library is new enough.
 * @throws {Error} naming its version if it is older than {@linkcode OLDEST_SQLITE}.
 */
export function requireSqlite(version: string): void {
  const have = version.split(".").map(Number);
  const need = OLDEST_SQLITE.split(".").map(Number);
  for (let i = 0; i < need.length; i++) {
    const difference = (have[i] ?? 0) - need[i]!;
    if (difference > 0) return;
    if (difference < 0 || Number.isNaN(difference)) {
      throw new Error(
        `SQLite ${version} can lose commits when it resets its WAL; ${OLDEST_SQLITE} or newer is needed`,
      );
    }
  }
}
