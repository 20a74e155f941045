import type {
  ExecuteResult,
  QueryOptions,
  ReturningResult,
  Row,
  SchemaOption,
  StatementsResult,
  WriteOptions,
} from "./client.ts";
import type {
  CommandBody,
  CommandResult,
  Migration,
  SqlParameters,
  Statement,
} from "../state/sql/types.ts";
import type { LogIndex } from "../raft/types.ts";
import { HiqliteError } from "../errors.ts";
import { parseRows } from "./schema.ts";
import { rowsByName } from "./rows.ts";
import { StatementError } from "./statement_error.ts";
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

  /** Speaks over `transport`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Runs one writing statement. */
  async execute(
    sql: string,
    params?: SqlParameters,
    options: WriteOptions = {},
  ): Promise<ExecuteResult> {
    const statement = params === undefined ? { sql } : { sql, params };
    const { index, results } = await this.#apply(
      { kind: "execute", statement },
      options,
    );
    const { rowsAffected, lastInsertRowid } = results[0]!;
    return { rowsAffected, lastInsertRowid, index };
  }

  /** Runs one writing statement and returns the rows of its RETURNING. */
  async executeReturning<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: WriteOptions & SchemaOption<T> = {},
  ): Promise<ReturningResult<T>> {
    const statement = params === undefined ? { sql } : { sql, params };
    const { index, results } = await this.#apply(
      { kind: "execute", statement },
      options,
    );
    const result = results[0]!;
    const { rowsAffected, lastInsertRowid } = result;
    const rows = await parseRows(rowsByName(result), options.schema);
    return { rowsAffected, lastInsertRowid, index, rows };
  }

  /** Runs statements, all or nothing. */
  async txn(
    statements: readonly (Statement | string)[],
    options: WriteOptions = {},
  ): Promise<StatementsResult> {
    const list = statements.map((item): Statement =>
      typeof item === "string" ? { sql: item } : item
    );
    return statementsResult(
      await this.#apply({ kind: "txn", statements: list }, options),
    );
  }

  /** Runs the statements of a text, each on its own. */
  async batch(
    sql: string,
    options: WriteOptions = {},
  ): Promise<StatementsResult> {
    return statementsResult(await this.#apply({ kind: "batch", sql }, options));
  }

  /** Reads. */
  async query<T = Row>(
    sql: string,
    params?: SqlParameters,
    options: QueryOptions<T> = {},
  ): Promise<T[]> {
    const consistency = options.consistency ?? "local";
    const minIndex = Math.max(options.minIndex ?? 0, this.#seen);
    const { timeoutMs } = options;
    const answer = await this.#transport.read({
      sql,
      ...(params === undefined ? {} : { params }),
      consistency,
      ...(minIndex === 0 ? {} : { minIndex }),
      ...(timeoutMs === undefined ? {} : { limits: { timeoutMs } }),
    }, options);
    this.#observe(answer);
    return parseRows(rowsByName(answer), options.schema);
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
  #observe({ index }: { readonly index: LogIndex }): void {
    if (index > this.#seen) this.#seen = index;
  }

  async #apply(body: CommandBody, options: WriteOptions): Promise<Applied> {
    const answer = await this.#transport.write(body, options);
    // A refusal has an index too: later reads must see the state that led to it.
    this.#observe(answer);
    const { result, index } = answer;
    if (!result.ok) throw new StatementError(result, index);
    return { index, results: result.results };
  }
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
