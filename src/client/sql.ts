import type {
  ExecuteResult,
  FencedWriteOptions,
  QueryOptions,
  RawRows,
  ReturningResult,
  Row,
  SchemaOption,
  StatementsResult,
  WriteOptions,
} from "./client.ts";
import type {
  CommandResult,
  Migration,
  SqlParameter,
  SqlParameters,
  Statement,
  StatementsBody,
} from "../state/sql/types.ts";
import type { LockFence } from "../state/locks/types.ts";
import type { LogIndex } from "../raft/types.ts";
import type { QueryAnswer, QueryRequest, WriteAnswer } from "../node/port.ts";
import { HiqliteError } from "../errors.ts";
import { iterateRows } from "./iterate.ts";
import { liveRows, type SeenIndex, tableChanges } from "./live.ts";
import type {
  ChangesOptions,
  LiveOptions,
  LiveRows,
  TablesChanged,
} from "./live_options.ts";
import {
  CHANGES_OPTIONS,
  checked,
  LIVE_OPTIONS,
  QUERY_OPTIONS,
  STATEMENT,
  WRITE_SQL,
} from "./options.ts";
import { parseRows } from "./schema.ts";
import { type BoundSql, boundSql, PreparedSql } from "./prepared_sql.ts";
import { rowsByName } from "./rows.ts";
import { StatementError } from "./statement_error.ts";
import { noticesOf } from "./topics/notifications.ts";
import type { NotifyOption } from "./topics/types.ts";
import type { Transport } from "./transport.ts";

/** A write that was applied, with its results. */
interface Applied {
  readonly index: LogIndex;
  readonly results: CommandResult["results"];
}

/** The SQL verbs of a client, over a transport. */
export abstract class SqlClient {
  readonly #transport: Transport;
  #seen: LogIndex = 0;
  readonly #seenIndex: SeenIndex = {
    last: () => this.#seen,
    observe: (answer) => this.#observe(answer),
  };

  /** Speaks over `transport`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Runs one writing statement. */
  async execute(
    sql: string,
    params?: SqlParameters,
    options: FencedWriteOptions & NotifyOption = {},
  ): Promise<ExecuteResult> {
    checked(options, WRITE_SQL.execute);
    const statement = params === undefined ? { sql } : { sql, params };
    // Not through #apply(): a promise more would be felt here.
    const { index, results } = this.#applied(
      await this.#send(
        { kind: "execute", statement, ...noticesOf(options) },
        options,
      ),
    );
    const { rowsAffected, lastInsertRowid } = results[0]!;
    return { rowsAffected, lastInsertRowid, index };
  }

  /** Runs one writing statement and returns the rows of its RETURNING. */
  async executeReturning<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: FencedWriteOptions & SchemaOption<T> & NotifyOption = {},
  ): Promise<ReturningResult<T>> {
    const raw = await this.#execute(sql, params, options);
    const { rowsAffected, lastInsertRowid, index } = raw;
    const rows = await parseRows(rowsByName(raw), options.schema);
    return { rowsAffected, lastInsertRowid, index, rows };
  }

  /** Runs one writing statement and returns the rows of its RETURNING by position. */
  executeRaw(
    sql: string,
    params?: SqlParameters,
    options: FencedWriteOptions & NotifyOption = {},
  ): Promise<ExecuteResult & RawRows> {
    return this.#execute(sql, params, options);
  }

  /** Runs statements, all or nothing. */
  async txn(
    statements: readonly (Statement | string)[],
    options: FencedWriteOptions & NotifyOption = {},
  ): Promise<StatementsResult> {
    const list = statements.map((item): Statement =>
      typeof item === "string" ? { sql: item } : checked(item, STATEMENT)
    );
    return statementsResult(
      await this.#apply(
        { kind: "txn", statements: list, ...noticesOf(options) },
        options,
      ),
    );
  }

  /** Runs the statements of a text, each on its own. */
  async batch(
    sql: string,
    options: FencedWriteOptions = {},
  ): Promise<StatementsResult> {
    return statementsResult(await this.#apply({ kind: "batch", sql }, options));
  }

  /** Reads. */
  async query<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: QueryOptions<T> = {},
  ): Promise<T[]> {
    const answer = await this.#read(sql, params, options);
    return parseRows(rowsByName(answer), options.schema);
  }

  /** Reads, and returns the rows by position. */
  async queryRaw(
    sql: string,
    params?: SqlParameters,
    options: Omit<QueryOptions<never>, "schema"> = {},
  ): Promise<RawRows> {
    const { columns, rows } = await this.#read(sql, params, options);
    return { columns, rows };
  }

  /** Reads rows as they are taken. */
  iterate<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: QueryOptions<T> = {},
  ): AsyncGenerator<T, void, undefined> {
    const request = this.#queryOf(sql, params, options);
    return iterateRows(this.#transport, request, options, this.#seenIndex);
  }

  /** Reads exactly one row. */
  async queryOne<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: QueryOptions<T> = {},
  ): Promise<T> {
    const rows = await this.query(sql, params, options);
    if (rows.length === 1) return rows[0]!;
    throw rows.length === 0
      ? new HiqliteError(
        "no_rows",
        "The query returned no row, expected one; use queryOptional() where there may be none",
      )
      : tooManyRows(rows.length);
  }

  /** Reads one row or none. */
  async queryOptional<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: QueryOptions<T> = {},
  ): Promise<T | undefined> {
    const rows = await this.query(sql, params, options);
    if (rows.length > 1) throw tooManyRows(rows.length);
    return rows[0];
  }

  /** Reads with `consistency: "linearizable"`. */
  queryConsistent<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: Omit<QueryOptions<T>, "consistency"> = {},
  ): Promise<T[]> {
    return this.query(sql, params, { ...options, consistency: "linearizable" });
  }

  /** A statement of a template. */
  sql<T = Row>(
    texts: TemplateStringsArray,
    ...values: readonly SqlParameter[]
  ): BoundSql<T> {
    return boundSql<T>(this, texts, values);
  }

  /** A statement for many sets of parameters. */
  prepare<T = Row>(sql: string): PreparedSql<T> {
    return new PreparedSql<T>(this, sql);
  }

  /** Tells which tables changed. */
  changes(options: ChangesOptions = {}): AsyncGenerator<TablesChanged> {
    return tableChanges(
      this.#transport,
      checked(options, CHANGES_OPTIONS),
      this.#seenIndex,
    );
  }

  /** Tells the rows of a query, then again whenever they are others. */
  live<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: LiveOptions<T> = {},
  ): AsyncGenerator<LiveRows<T>> {
    return liveRows(
      this.#transport,
      sql,
      params,
      checked(options, LIVE_OPTIONS),
      this.#seenIndex,
    );
  }

  /** Brings the schema up to date. */
  async migrate(
    migrations: readonly Migration[],
    options: WriteOptions = {},
  ): Promise<{ readonly index: LogIndex }> {
    const { index } = await this.#apply(
      { kind: "migrate", migrations },
      options,
    );
    return { index };
  }

  /** Later reads contain at least what this answer did. */
  protected observe(answer: { readonly index: LogIndex }): void {
    this.#observe(answer);
  }

  #observe({ index }: { readonly index: LogIndex }): void {
    if (index > this.#seen) this.#seen = index;
  }

  async #execute(
    sql: string,
    params: SqlParameters | undefined,
    options: FencedWriteOptions & NotifyOption,
  ): Promise<ExecuteResult & RawRows> {
    const statement = params === undefined ? { sql } : { sql, params };
    const { index, results } = await this.#apply(
      { kind: "execute", statement, ...noticesOf(options) },
      options,
    );
    const { rowsAffected, lastInsertRowid, columns, rows } = results[0]!;
    return { rowsAffected, lastInsertRowid, index, columns, rows };
  }

  async #read(
    sql: string,
    params: SqlParameters | undefined,
    options: QueryOptions<never> | QueryOptions<unknown>,
  ): Promise<QueryAnswer> {
    const request = this.#queryOf(sql, params, options);
    const answer = await this.#transport.read(request, options);
    this.#observe(answer);
    return answer;
  }

  #queryOf(
    sql: string,
    params: SqlParameters | undefined,
    options: QueryOptions<never> | QueryOptions<unknown>,
  ): QueryRequest {
    const { consistency = "local" } = checked(options, QUERY_OPTIONS);
    const minIndex = Math.max(options.minIndex ?? 0, this.#seen);
    const { timeoutMs } = options;
    return {
      sql,
      ...(params === undefined ? {} : { params }),
      consistency,
      ...(minIndex === 0 ? {} : { minIndex }),
      ...(timeoutMs === undefined ? {} : { limits: { timeoutMs } }),
    };
  }

  async #apply(
    body: StatementsBody,
    options: FencedWriteOptions,
  ): Promise<Applied> {
    checked(options, WRITE_SQL[body.kind]);
    return this.#applied(await this.#send(body, options));
  }

  #send(
    body: StatementsBody,
    options: FencedWriteOptions,
  ): Promise<WriteAnswer> {
    return this.#transport.write(withFence(body, options.fence), options);
  }

  #applied(answer: WriteAnswer): Applied {
    // A refusal has an index too: later reads must see the state that led to it.
    this.#observe(answer);
    const { result, index } = answer;
    if (!result.ok) throw new StatementError(result, index);
    return { index, results: result.results };
  }
}

/** A lock has more to it than its fence. */
function withFence(
  body: StatementsBody,
  fence: LockFence | undefined,
): StatementsBody {
  if (fence === undefined || body.kind === "migrate") return body;
  const { name, token } = fence;
  return { ...body, fence: { name, token } };
}

function statementsResult({ index, results }: Applied): StatementsResult {
  return {
    index,
    results: results.map((result) => ({
      rowsAffected: result.rowsAffected,
      lastInsertRowid: result.lastInsertRowid,
      rows: rowsByName(result),
    })),
  };
}

function tooManyRows(count: number): HiqliteError {
  return new HiqliteError(
    "invalid",
    `The query returned ${count} rows, expected one; add LIMIT 1 or use query()`,
  );
}
