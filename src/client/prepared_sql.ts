import { HiqliteError } from "../errors.ts";
import type {
  SqlParameter,
  SqlParameters,
  Statement,
} from "../state/sql/types.ts";
import type { FencedWriteOptions } from "./call_options.ts";
import type { LiveOptions, LiveRows } from "./live_options.ts";
import type {
  ExecuteResult,
  QueryOptions,
  RawRows,
  ReturningResult,
  Row,
  SchemaOption,
  SqlVerbs,
} from "./sql_verbs.ts";
import type { NotifyOption } from "./topics/types.ts";

/** A statement to be run with one set of parameters after the other; see {@linkcode Client.prepare}. Members keep what they have compiled by its text. */
export class PreparedSql<T = Row> {
  /** The statement. */
  readonly sql: string;
  readonly #client: SqlVerbs;

  /** Runs through `client`. */
  constructor(client: SqlVerbs, sql: string) {
    this.#client = client;
    this.sql = sql;
  }

  /** The statement with its parameters, which can be a part of a transaction. */
  with(params: SqlParameters): BoundSql<T> {
    return new BoundSql(this.#client, this.sql, params);
  }

  /** Writes. */
  execute(
    params?: SqlParameters,
    options?: FencedWriteOptions & NotifyOption,
  ): Promise<ExecuteResult> {
    return this.#client.execute(this.sql, params, options);
  }

  /** Writes, and returns the rows of RETURNING. */
  executeReturning(
    params?: SqlParameters,
    options?: FencedWriteOptions & NotifyOption & SchemaOption<T>,
  ): Promise<ReturningResult<T>> {
    return this.#client.executeReturning<T>(this.sql, params, options);
  }

  /** Reads. */
  query(params?: SqlParameters, options?: QueryOptions<T>): Promise<T[]> {
    return this.#client.query<T>(this.sql, params, options);
  }

  /** Reads exactly one row. @throws {HiqliteError} `no_rows`; `invalid` if there are more. */
  queryOne(params?: SqlParameters, options?: QueryOptions<T>): Promise<T> {
    return this.#client.queryOne<T>(this.sql, params, options);
  }

  /** Reads one row or none. @throws {HiqliteError} `invalid` if there are more. */
  queryOptional(
    params?: SqlParameters,
    options?: QueryOptions<T>,
  ): Promise<T | undefined> {
    return this.#client.queryOptional<T>(this.sql, params, options);
  }
}

/** A statement with its parameters; see {@linkcode Client.sql}. It can be a part of a transaction: `db.txn([db.sql`…`])`. */
export class BoundSql<T = Row> implements Statement {
  /** The statement. */
  readonly sql: string;
  /** Its parameters. */
  readonly params: SqlParameters;
  readonly #client: SqlVerbs;

  /** Runs through `client`. */
  constructor(client: SqlVerbs, sql: string, params: SqlParameters) {
    this.#client = client;
    this.sql = sql;
    this.params = params;
  }

  /** Writes. */
  execute(options?: FencedWriteOptions & NotifyOption): Promise<ExecuteResult> {
    return this.#client.execute(this.sql, this.params, options);
  }

  /** Writes, and returns the rows of RETURNING. */
  executeReturning(
    options?: FencedWriteOptions & NotifyOption & SchemaOption<T>,
  ): Promise<ReturningResult<T>> {
    return this.#client.executeReturning<T>(this.sql, this.params, options);
  }

  /** Writes, and returns the rows of RETURNING by position. */
  executeRaw(
    options?: FencedWriteOptions & NotifyOption,
  ): Promise<ExecuteResult & RawRows> {
    return this.#client.executeRaw(this.sql, this.params, options);
  }

  /** Reads. */
  query(options?: QueryOptions<T>): Promise<T[]> {
    return this.#client.query<T>(this.sql, this.params, options);
  }

  /** Reads, and returns the rows by position. */
  queryRaw(options?: Omit<QueryOptions<never>, "schema">): Promise<RawRows> {
    return this.#client.queryRaw(this.sql, this.params, options);
  }

  /** Reads exactly one row. @throws {HiqliteError} `no_rows`; `invalid` if there are more. */
  queryOne(options?: QueryOptions<T>): Promise<T> {
    return this.#client.queryOne<T>(this.sql, this.params, options);
  }

  /** Reads one row or none. @throws {HiqliteError} `invalid` if there are more. */
  queryOptional(options?: QueryOptions<T>): Promise<T | undefined> {
    return this.#client.queryOptional<T>(this.sql, this.params, options);
  }

  /** Tells the rows, then again whenever they are others. */
  live(options?: LiveOptions<T>): AsyncGenerator<LiveRows<T>> {
    return this.#client.live<T>(this.sql, this.params, options);
  }
}

/** The statement of a template: what stands in `${}` is a parameter, never text. @throws {HiqliteError} `invalid` */
export function boundSql<T>(
  client: SqlVerbs,
  texts: TemplateStringsArray,
  values: readonly SqlParameter[],
): BoundSql<T> {
  if (!Array.isArray(texts) || !("raw" in texts)) {
    throw new HiqliteError(
      "invalid",
      "sql is a tag of a template: db.sql`SELECT ${value}`; for a text there are query() and execute()",
    );
  }
  for (const value of values) {
    if (!(value instanceof BoundSql)) continue;
    throw new HiqliteError(
      "invalid",
      "A statement is no parameter: what stands in ${} is a value, never text",
    );
  }
  let sql = texts[0]!;
  for (let at = 1; at < texts.length; at++) sql += `?${at}${texts[at]}`;
  return new BoundSql<T>(client, sql, values);
}
