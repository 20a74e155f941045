import { HiqliteError } from "../../../errors.ts";
import { narrowRow, sizeOf } from "../../sql/values.ts";
import {
  COMMAND_LIMITS,
  type QueryResult,
  type SqlParameters,
  type SqlValue,
} from "../../sql/types.ts";
import { bind, refuseReference } from "../statement/bindings.ts";
import {
  type Bindings,
  NO_BINDINGS,
  SQL_VALUE_BYTES_MAX,
  type SqliteConnection,
  type SqliteDriver,
  type SqliteRow,
  type SqliteStatement,
} from "../driver/driver.ts";
import { readFailure } from "../driver/result_codes.ts";
import { Policy } from "../statement/policy.ts";
import { openVirtualTables } from "../statement/open_virtual_tables.ts";
import type { ReadLimits } from "./query_codec.ts";
import type { SchemaEpoch } from "../thread/schema_epoch.ts";
import { StatementCache } from "../statement/cache.ts";

const BUSY_TIMEOUT_MS = 5000;

/** A read-only connection with its statements. */
export class Reader {
  readonly #connection: SqliteConnection;
  readonly #policy = new Policy({ readOnly: true });
  readonly #cache: StatementCache;
  readonly #epoch: SchemaEpoch | null;
  readonly #position: SqliteStatement;
  readonly #virtual: SqliteStatement;
  #cachedEpoch = -1;

  /** Opens the database at `path`; without `epoch` nothing is cached. */
  constructor(
    driver: SqliteDriver,
    path: string,
    options: {
      readonly statementCacheCapacity: number;
      readonly schemaEpoch: SchemaEpoch | null;
      /** The most that SQLite's heap may hold in this process, bytes. @default as it is */
      readonly heapBytes?: number;
    },
  ) {
    this.#connection = driver.open(path, { readOnly: true });
    this.#connection.exec(
      `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA query_only = ON;
       PRAGMA trusted_schema = ON; PRAGMA cell_size_check = ON;
       PRAGMA temp_store = FILE;`,
    );
    if (options.heapBytes !== undefined) {
      this.#connection.exec(`PRAGMA hard_heap_limit = ${options.heapBytes}`);
    }
    // What a write could store can be read, and no more.
    this.#connection.limit(SQL_VALUE_BYTES_MAX, COMMAND_LIMITS.sqlBytes);
    this.#connection.authorize(this.#policy.authorize);
    this.#position = this.#connection.prepare(
      "SELECT idx FROM main._hql_meta",
    )!;
    this.#virtual = this.#connection.prepare(
      "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage = 0",
    )!;
    this.#epoch = options.schemaEpoch;
    this.#cache = new StatementCache(
      this.#connection,
      this.#policy,
      options.schemaEpoch === null ? 0 : options.statementCacheCapacity,
      refuseKeyword,
    );
  }

  /**
   * Runs one statement that only reads.
   * @throws {HiqliteError} `sql`, `invalid`, `forbidden`, `too_large`; `storage` for the machine's errors.
   * @throws {StateDamagedError} if SQLite found the file damaged.
   */
  query(
    sql: string,
    params: SqlParameters | undefined,
    limits: ReadLimits | null,
  ): QueryResult {
    try {
      return this.#query(sql, params, limits);
    } catch (error) {
      throw readFailure(error, this.#policy.refusal);
    }
  }

  /** See `Served`. */
  get interruptHandle(): bigint {
    return this.#connection.handle ?? 0n;
  }

  /** Releases the file. */
  close(): void {
    this.#connection.close();
  }

  #query(
    sql: string,
    params: SqlParameters | undefined,
    limits: ReadLimits | null,
  ): QueryResult {
    const epoch = this.#epoch;
    if (epoch === null) return this.#queryInOneView(sql, params, limits);
    const before = epoch.value;
    if (before !== this.#cachedEpoch) {
      this.#refreshSchema();
      this.#cachedEpoch = before;
    }
    if (before % 2 === 0) {
      const result = this.#run(sql, params, limits);
      if (epoch.value === before) return result;
    }
    return this.#queryInOneView(sql, params, limits);
  }

  /** The statement is compiled and run in one view of the database, so that its columns are those of its rows. */
  #queryInOneView(
    sql: string,
    params: SqlParameters | undefined,
    limits: ReadLimits | null,
  ): QueryResult {
    this.#connection.command("BEGIN");
    try {
      const index = this.#refreshSchema();
      const result = { ...this.#run(sql, params, limits), index };
      this.#connection.command("COMMIT");
      return result;
    } catch (error) {
      // Some errors have ended the transaction already.
      if (this.#connection.inTransaction) this.#connection.command("ROLLBACK");
      throw error;
    } finally {
      this.#cachedEpoch = -1;
    }
  }

  /** Compiling trusts the schema in memory; only running a statement notices that it is old. Answers how far the view is. */
  #refreshSchema(): number {
    const [row] = this.#position.all(NO_BINDINGS);
    this.#cache.clear();
    const virtual = this.#virtual.all(NO_BINDINGS).map(([name]) => `${name}`);
    openVirtualTables(this.#connection, virtual);
    return row![0] as number;
  }

  #run(
    sql: string,
    params: SqlParameters | undefined,
    limits: ReadLimits | null,
  ): QueryResult {
    const compiled = this.#cache.get(sql);
    const bindings = bind(compiled.slots, params, refuseReference);
    this.#policy.enter(compiled.keyword, compiled.observed, null);
    try {
      return this.#rows(compiled.statement, bindings, limits);
    } finally {
      this.#policy.leave();
    }
  }

  #rows(
    statement: SqliteStatement,
    bindings: Bindings,
    limits: ReadLimits | null,
  ): QueryResult {
    const { columns } = statement;
    if (limits === null || columns.length === 0) {
      return { columns, rows: statement.all(bindings) };
    }
    if (this.#connection.capabilities.rowErrors) {
      const rows: SqlValue[][] = [];
      for (const row of boundedRows(statement, bindings, limits)) {
        rows.push(narrowRow(row));
      }
      return { columns, rows };
    }
    // A first pass that holds one row at a time; it may end early, at an error that the second pass reports.
    for (const _ of boundedRows(statement, bindings, limits)) continue;
    return { columns, rows: statement.all(bindings) };
  }
}

/** Rows as they come. @throws {HiqliteError} `too_large` when there are too many, or they are too large. */
function* boundedRows(
  statement: SqliteStatement,
  bindings: Bindings,
  { maxRows, maxBytes }: ReadLimits,
): Generator<SqliteRow> {
  let rows = 0;
  let bytes = 0;
  const spend = (value: SqlValue): void => {
    bytes += sizeOf(value);
    if (bytes <= maxBytes) return;
    throw new HiqliteError(
      "too_large",
      `The answer has more than ${maxBytes} bytes`,
    );
  };
  for (const row of statement.rows(bindings, spend)) {
    if (++rows > maxRows) {
      throw new HiqliteError(
        "too_large",
        `The answer has more than ${maxRows} rows`,
      );
    }
    yield row;
  }
}

function refuseKeyword(keyword: string): string | null {
  return keyword === "VACUUM" ? "VACUUM is not allowed" : null;
}
