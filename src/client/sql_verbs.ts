import type { Consistency } from "../node/port.ts";
import type { LogIndex } from "../raft/types.ts";
import type { SqlParameters, SqlValue } from "../state/sql/types.ts";
import type { CallOptions, FencedWriteOptions } from "./call_options.ts";
import type { LiveOptions, LiveRows } from "./live_options.ts";
import type { Schema } from "./schema.ts";
import type { NotifyOption } from "./topics/types.ts";

/** A row by column name. Of columns with the same name the last one counts; give them names with AS. */
export type Row = Record<string, SqlValue>;

/** What rows must look like. */
export interface SchemaOption<T> {
  /** Any Standard Schema validator (Zod, Valibot, ArkType …); its output is the row. */
  readonly schema?: Schema<T>;
}

/** How to read. */
export interface QueryOptions<T> extends CallOptions, SchemaOption<T> {
  /**
   * `local`: what the asked member has applied, and every earlier write of this client.
   * `linearizable`: everything acknowledged anywhere before the read began.
   * @default {"local"}
   */
  readonly consistency?: Consistency;
  /** Wait until this index is applied: the `index` of a write seen elsewhere. */
  readonly minIndex?: LogIndex;
}

/** What a statement did. */
export interface StatementOutcome {
  /** Rows inserted, updated or deleted, without those of triggers. */
  readonly rowsAffected: number;
  /** The rowid of the last row it inserted; null if it inserted none. */
  readonly lastInsertRowid: number | bigint | null;
}

/** What a write did. */
export interface ExecuteResult extends StatementOutcome {
  /** Its place in the log; pass it as `minIndex` to read it through any client. */
  readonly index: LogIndex;
}

/** What a write with RETURNING did. */
export interface ReturningResult<T> extends ExecuteResult {
  /** The rows it returned, after the schema. */
  readonly rows: T[];
}

/** Rows by position, as SQLite gives them: columns of the same name stay apart. */
export interface RawRows {
  /** Names of the columns, in order. */
  readonly columns: readonly string[];
  /** Their values, row by row. */
  readonly rows: readonly (readonly SqlValue[])[];
}

/** What several statements did. */
export interface StatementsResult {
  /** One per statement, in order. */
  readonly results: readonly (StatementOutcome & { readonly rows: Row[] })[];
  /** Their place in the log. */
  readonly index: LogIndex;
}

/** What runs one statement. */
export interface SqlVerbs {
  /** Runs one writing statement. */
  execute(
    sql: string,
    params?: SqlParameters,
    options?: FencedWriteOptions & NotifyOption,
  ): Promise<ExecuteResult>;
  /** Runs one writing statement and returns the rows of its RETURNING. */
  executeReturning<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: FencedWriteOptions & SchemaOption<T> & NotifyOption,
  ): Promise<ReturningResult<T>>;
  /** Runs one writing statement and returns the rows of its RETURNING by position; none without RETURNING. */
  executeRaw(
    sql: string,
    params?: SqlParameters,
    options?: FencedWriteOptions & NotifyOption,
  ): Promise<ExecuteResult & RawRows>;
  /** Reads. */
  query<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: QueryOptions<T>,
  ): Promise<T[]>;
  /** Reads, and returns the rows by position. */
  queryRaw(
    sql: string,
    params?: SqlParameters,
    options?: Omit<QueryOptions<never>, "schema">,
  ): Promise<RawRows>;
  /** Reads exactly one row. @throws {HiqliteError} `no_rows`; `invalid` if there are more. */
  queryOne<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: QueryOptions<T>,
  ): Promise<T>;
  /** Reads one row or none. @throws {HiqliteError} `invalid` if there are more. */
  queryOptional<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: QueryOptions<T>,
  ): Promise<T | undefined>;
  /**
   * Reads the rows of a SELECT as they are taken, in pages: all are of one moment, and memory holds a page. The member
   * keeps them in a temporary file meanwhile, 1 GiB at most; leaving the loop, or the signal, lets go of it, and so do
   * five minutes in which nobody asks for the next page. `timeoutMs` bounds the wait for the first row.
   * @throws {HiqliteError} what a query throws; `overloaded` if four are open at the member already, or two of one remote credential; `shutting_down` if the member is lost in the middle.
   */
  iterate<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: QueryOptions<T>,
  ): AsyncGenerator<T, void, undefined>;
  /**
   * Tells the rows of a query, then again whenever a table that it reads has changed and they are others. A result that
   * depends on time or chance is not looked at for that alone; without ORDER BY another order counts as other rows.
   * @throws {HiqliteError} what a query throws, also when a later run fails; `overloaded`, `shutting_down`.
   */
  live<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: LiveOptions<T>,
  ): AsyncGenerator<LiveRows<T>>;
}
