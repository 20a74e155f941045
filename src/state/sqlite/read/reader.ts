import { HiqliteError } from "../../../errors.ts";
import { sizeOf } from "../../sql/values.ts";
import type { QueryResult, SqlParameters } from "../../sql/types.ts";
import { bind } from "../statement/bindings.ts";
import {
  type Bindings,
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteDriver,
  type SqliteStatement,
} from "../driver/driver.ts";
import { readFailure } from "../driver/result_codes.ts";
import { Policy } from "../statement/policy.ts";
import type { ReadLimits } from "./query_codec.ts";
import type { SchemaEpoch } from "../thread/schema_epoch.ts";
import { type Compiled, StatementCache } from "../statement/cache.ts";

const BUSY_TIMEOUT_MS = 5000;

/** A read-only connection with its statements. */
export class Reader {
  readonly #connection: SqliteConnection;
  readonly #policy = new Policy({ readOnly: true });
  readonly #cache: StatementCache;
  readonly #epoch: SchemaEpoch | null;
  readonly #position: SqliteStatement;
  #cachedEpoch = -1;

  /** Opens the database at `path`; without `epoch` nothing is cached. */
  constructor(
    driver: SqliteDriver,
    path: string,
    options: {
      readonly statementCacheCapacity: number;
      readonly schemaEpoch: SchemaEpoch | null;
    },
  ) {
    this.#connection = driver.open(path, { readOnly: true });
    this.#connection.exec(
      `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA query_only = ON;
       PRAGMA trusted_schema = ON; PRAGMA cell_size_check = ON;`,
    );
    this.#connection.authorize(this.#policy.authorize);
    this.#position = this.#connection.prepare(
      "SELECT idx FROM main._hql_meta",
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
      return { ...this.#run(sql, params, limits), index };
    } finally {
      this.#connection.command("COMMIT");
      this.#cachedEpoch = -1;
    }
  }

  /** Compiling trusts the schema in memory; only running a statement notices that it is old. Answers how far the view is. */
  #refreshSchema(): number {
    const [row] = this.#position.all(NO_BINDINGS);
    this.#cache.clear();
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
      if (limits !== null) checkLimits(compiled, bindings, limits);
      return {
        columns: compiled.statement.columns,
        rows: compiled.statement.all(bindings),
      };
    } finally {
      this.#policy.leave();
    }
  }
}

/** A first pass that holds one row at a time; it may end early, at an error that the second pass reports. */
function checkLimits(
  { statement }: Compiled,
  bindings: Bindings,
  { maxRows, maxBytes }: ReadLimits,
): void {
  if (statement.columns.length === 0) return;
  let rows = 0;
  let bytes = 0;
  for (const row of statement.rows(bindings)) {
    if (++rows > maxRows) {
      throw new HiqliteError(
        "too_large",
        `The answer has more than ${maxRows} rows`,
      );
    }
    for (const value of row) bytes += sizeOf(value);
    if (bytes > maxBytes) {
      throw new HiqliteError(
        "too_large",
        `The answer has more than ${maxBytes} bytes`,
      );
    }
  }
}

function refuseReference(): never {
  throw new HiqliteError(
    "invalid",
    "Only a transaction can refer to earlier statements",
  );
}

function refuseKeyword(keyword: string): string | null {
  return keyword === "VACUUM" ? "VACUUM is not allowed" : null;
}
