import { HiqliteError } from "../../../errors.ts";
import type { LogIndex } from "../../../raft/types.ts";
import type { Logger } from "../../../util/logger.ts";
import { validateQuery } from "../../sql/validate.ts";
import type { Observation, SqlQuery } from "../../sql/port.ts";
import type {
  QueryLimits,
  QueryResult,
  RowStream,
  SqlParameters,
} from "../../sql/types.ts";
import type { SqliteDriver, SqliteDriverSpec } from "../driver/driver.ts";
import { openDriver } from "../driver/open_driver.ts";
import { maySpawn } from "../thread/child_command.ts";
import { closedError } from "../thread/answers.ts";
import type { SchemaEpoch } from "../thread/schema_epoch.ts";
import { GUARDED_LIMITS, ReaderProcesses } from "./process_pool.ts";
import type { ReadAnswer, ReadRequest } from "./query_codec.ts";
import { Reader } from "./reader.ts";
import type { ReaderOptions } from "./reader_worker.ts";
import { type RowHost, RowWorkers, startRowProcess } from "./row_host.ts";
import { RowStreams } from "./row_streams.ts";
import { NO_SHARES, type ShareLimits } from "./shares.ts";
import { ReaderThreads } from "./thread_pool.ts";

/** Processes (or, where what runs in them can be interrupted, Workers) for guarded queries. */
const GUARDED_SHARES: ShareLimits = { readers: 3, longMax: 2, sliceMs: 250 };

/** What the readers of a database are started with. */
export interface ReadersOptions {
  readonly driver: SqliteDriverSpec;
  readonly path: string;
  /** The folder of the database's files, all of them. */
  readonly folder: string;
  /** Reader Workers, at most. */
  readonly poolSize: number;
  /** Prepared statements kept per connection. */
  readonly statementCacheCapacity: number;
  readonly schemaEpoch: SchemaEpoch;
  /** How long nobody may ask for the next rows of a stream before it is ended, ms. @default {300_000} */
  readonly rowsIdleMs?: number | undefined;
  readonly logger: Logger;
}

/** Where a query is run: in Workers, where it can be killed, or on the caller's thread. */
export class Readers {
  readonly #options: ReadersOptions;
  readonly #library: SqliteDriver;
  #path: string;
  readonly #threads: ReaderThreads;
  readonly #rowWorkers: RowWorkers;
  readonly #rows: RowStreams;
  readonly #guardedRows: RowStreams;
  #guarded: ReaderProcesses | ReaderThreads | null = null;
  #local: Reader | null = null;
  #closed = false;

  /** Starts nothing yet: Workers begin with the first query. */
  constructor(options: ReadersOptions) {
    this.#options = options;
    this.#library = openDriver(options.driver);
    this.#path = options.path;
    this.#threads = this.#startThreads(options.poolSize);
    const { interrupt } = this.#library;
    this.#rowWorkers = new RowWorkers(
      { driver: options.driver },
      interrupt?.bind(this.#library),
    );
    const { rowsIdleMs: idleMs } = options;
    const inWorker = (): RowHost => this.#rowWorkers.start(this.#path);
    this.#rows = new RowStreams({ start: inWorker, idleMs });
    this.#guardedRows = new RowStreams({
      start: this.#library.capabilities.interrupt
        ? inWorker
        : () => this.#startRowProcess(),
      idleMs,
    });
  }

  /**
   * Runs a query in a Worker, or where it can be killed.
   * @throws {HiqliteError} `sql`, `invalid`, `forbidden`, `too_large`, `timeout`, `overloaded`, `storage`, `shutting_down`.
   */
  query(query: SqlQuery): Promise<QueryResult> {
    return this.#query(query, {});
  }

  /** The same, observed; see `SqlMachine`. */
  async observe(query: SqlQuery, known: string): Promise<Observation> {
    const { columns, rows, index, observed } = await this.#query(query, {
      known,
    });
    const { tables, hash, same } = observed!;
    return {
      index: index!,
      tables,
      hash,
      result: same ? null : { columns, rows },
    };
  }

  #query(
    query: SqlQuery,
    known: Pick<ReadRequest, "known">,
  ): Promise<ReadAnswer> {
    if (this.#closed) throw closedError();
    const { limits = {}, analysis } = query;
    const what = analysis === undefined ? known : { analysis };
    validateQuery(query.sql, query.params);
    if (query.guarded === true) {
      return this.#queryGuarded(
        query,
        { ...GUARDED_LIMITS, ...limits },
        what,
      );
    }
    const bounded = limits.maxRows !== undefined ||
      limits.maxBytes !== undefined || limits.firstRows !== undefined;
    return this.#threads.query(
      {
        statement: query,
        limits: bounded
          ? {
            maxRows: limits.maxRows ?? Number.MAX_SAFE_INTEGER,
            maxBytes: limits.maxBytes ?? Number.MAX_SAFE_INTEGER,
            ...(limits.firstRows === undefined
              ? {}
              : { firstRows: limits.firstRows }),
          }
          : null,
        ...what,
      },
      { timeoutMs: limits.timeoutMs ?? null, signal: query.signal },
    );
  }

  /** Runs a query and keeps its rows; see `SqlMachine`. */
  rows(query: SqlQuery): Promise<RowStream> {
    return query.guarded === true
      ? this.#guardedRows.open(query)
      : this.#rows.open(query);
  }

  /**
   * Reads on the calling thread, which it blocks: a few µs for a row by key.
   * Waits for entry `minIndex`, if that is not 0.
   * @throws {HiqliteError} see {@linkcode query}.
   */
  querySync(
    sql: string,
    params: SqlParameters | undefined,
    minIndex: LogIndex,
  ): QueryResult {
    if (this.#closed) throw closedError();
    const { statementCacheCapacity, schemaEpoch } = this.#options;
    this.#local ??= new Reader(this.#library, this.#path, {
      statementCacheCapacity,
      schemaEpoch,
    });
    if (minIndex > 0) this.#local.reach(minIndex);
    return this.#local.query(sql, params, null);
  }

  /** Lets queries wait from now on; running ones end on the old file. */
  pause(): void {
    this.#threads.pause();
  }

  /** Goes on with the file that is now the database. */
  reopen(path: string): void {
    this.#path = path;
    // Not before: a reader opened meanwhile would stay on the old file.
    this.#local?.close();
    this.#local = null;
    this.#threads.reopen(path);
    this.#guarded?.reopen(path);
  }

  /** Ends all readers; waiting queries fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#rows.close();
    await this.#guardedRows.close();
    await this.#rowWorkers.close();
    await this.#guarded?.close();
    await this.#threads.close();
    this.#local?.close();
  }

  // deno-lint-ignore require-await -- what it throws is the caller's rejection
  async #queryGuarded(
    query: SqlQuery,
    limits: QueryLimits,
    what: Pick<ReadRequest, "known" | "analysis">,
  ): Promise<ReadAnswer> {
    this.#guarded ??= this.#startGuarded();
    const request = { statement: query, limits, ...what };
    const { client, signal } = query;
    const { timeoutMs } = limits;
    return this.#guarded instanceof ReaderProcesses
      ? this.#guarded.query(request, { limits, client, signal })
      : this.#guarded.query(request, { timeoutMs, client, signal });
  }

  #startGuarded(): ReaderProcesses | ReaderThreads {
    const { driver, folder, logger } = this.#options;
    if (this.#library.capabilities.interrupt) {
      return this.#startThreads(GUARDED_SHARES.readers, {
        schemaEpoch: null,
        shares: GUARDED_SHARES,
      });
    }
    requireProcesses();
    const path = this.#path;
    return new ReaderProcesses(GUARDED_SHARES, {
      driver,
      path,
      folder,
      logger,
    });
  }

  #startRowProcess(): RowHost {
    requireProcesses();
    const { driver, folder } = this.#options;
    return startRowProcess({ driver, folder, path: this.#path });
  }

  #startThreads(
    size: number,
    { schemaEpoch = this.#options.schemaEpoch.memory, shares = NO_SHARES }: {
      readonly schemaEpoch?: SharedArrayBuffer | null;
      readonly shares?: ShareLimits;
    } = {},
  ): ReaderThreads {
    const options = { ...this.#readerOptions, schemaEpoch };
    return new ReaderThreads(size, options, {
      interrupt: this.#library.interrupt?.bind(this.#library),
      logger: this.#options.logger,
      shares,
    });
  }

  get #readerOptions(): ReaderOptions {
    const { driver, statementCacheCapacity, schemaEpoch } = this.#options;
    return {
      driver,
      path: this.#path,
      statementCacheCapacity,
      schemaEpoch: schemaEpoch.memory,
    };
  }
}

/** @throws {HiqliteError} `forbidden` */
function requireProcesses(): void {
  if (maySpawn()) return;
  throw new HiqliteError(
    "forbidden",
    "Queries over the API are off: this member could not stop one that never ends, since it may not start processes; run it with --allow-run=deno, or, if deno is a link or the program is compiled, with --allow-run=/proc/self/exe on Linux and plain --allow-run elsewhere",
  );
}
