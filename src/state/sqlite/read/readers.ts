import { HiqliteError } from "../../../errors.ts";
import type { Logger } from "../../../util/logger.ts";
import { validateQuery } from "../../sql/validate.ts";
import type { SqlQuery } from "../../sql/port.ts";
import type {
  QueryLimits,
  QueryResult,
  SqlParameters,
} from "../../sql/types.ts";
import type { SqliteDriver, SqliteDriverSpec } from "../driver/driver.ts";
import { openDriver } from "../driver/open_driver.ts";
import { maySpawn } from "../thread/child_command.ts";
import type { SchemaEpoch } from "../thread/schema_epoch.ts";
import { GUARDED_LIMITS, ReaderProcesses } from "./process_pool.ts";
import { Reader } from "./reader.ts";
import type { ReaderOptions } from "./reader_worker.ts";
import { ReaderThreads } from "./thread_pool.ts";

/** Processes (or, where what runs in them can be interrupted, Workers) for guarded queries. */
const GUARDED_READERS = 2;

/** What the readers of a database are started with. */
export interface ReadersOptions {
  readonly driver: SqliteDriverSpec;
  readonly path: string;
  /** The folder of the database's files, all of them. */
  readonly folder: string;
  /** Reader Workers. */
  readonly poolSize: number;
  /** Prepared statements kept per connection. */
  readonly statementCacheCapacity: number;
  readonly schemaEpoch: SchemaEpoch;
  readonly logger: Logger;
}

/** Where a query is run: in Workers, where it can be killed, or on the caller's thread. */
export class Readers {
  readonly #options: ReadersOptions;
  readonly #library: SqliteDriver;
  #path: string;
  readonly #threads: ReaderThreads;
  #guarded: ReaderProcesses | ReaderThreads | null = null;
  #local: Reader | null = null;

  /** Starts the Workers. */
  constructor(options: ReadersOptions) {
    this.#options = options;
    this.#library = openDriver(options.driver);
    this.#path = options.path;
    this.#threads = this.#startThreads(options.poolSize);
  }

  /**
   * Runs a query in a Worker, or where it can be killed.
   * @throws {HiqliteError} `sql`, `invalid`, `forbidden`, `too_large`, `timeout`, `overloaded`, `storage`, `shutting_down`.
   */
  query(query: SqlQuery): Promise<QueryResult> {
    const { limits = {} } = query;
    validateQuery(query.sql, query.params);
    if (query.guarded === true) {
      return this.#queryGuarded(query, { ...GUARDED_LIMITS, ...limits });
    }
    const bounded = limits.maxRows !== undefined ||
      limits.maxBytes !== undefined;
    return this.#threads.query(
      query,
      bounded
        ? {
          maxRows: limits.maxRows ?? Number.MAX_SAFE_INTEGER,
          maxBytes: limits.maxBytes ?? Number.MAX_SAFE_INTEGER,
        }
        : null,
      limits.timeoutMs ?? null,
      query.signal,
    );
  }

  /**
   * Reads on the calling thread, which it blocks: a few µs for a row by key.
   * @throws {HiqliteError} see {@linkcode query}.
   */
  querySync(sql: string, params?: SqlParameters): QueryResult {
    const { statementCacheCapacity, schemaEpoch } = this.#options;
    this.#local ??= new Reader(this.#library, this.#path, {
      statementCacheCapacity,
      schemaEpoch,
    });
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
    await this.#guarded?.close();
    await this.#threads.close();
    this.#local?.close();
  }

  // deno-lint-ignore require-await -- what it throws is the caller's rejection
  async #queryGuarded(
    query: SqlQuery,
    limits: QueryLimits,
  ): Promise<QueryResult> {
    this.#guarded ??= this.#startGuarded();
    return this.#guarded instanceof ReaderProcesses
      ? this.#guarded.query(query, limits, query.signal)
      : this.#guarded.query(query, limits, limits.timeoutMs, query.signal);
  }

  #startGuarded(): ReaderProcesses | ReaderThreads {
    const { driver, folder, logger } = this.#options;
    if (this.#library.capabilities.interrupt) {
      return this.#startThreads(GUARDED_READERS, null);
    }
    if (!maySpawn()) {
      throw new HiqliteError(
        "forbidden",
        "Queries over the API are off: this member could not stop one that never ends, since it may not start processes; run it with --allow-run=deno",
      );
    }
    const path = this.#path;
    return new ReaderProcesses(GUARDED_READERS, {
      driver,
      path,
      folder,
      logger,
    });
  }

  #startThreads(
    size: number,
    schemaEpoch: SharedArrayBuffer | null = this.#options.schemaEpoch.memory,
  ): ReaderThreads {
    const options = { ...this.#readerOptions, schemaEpoch };
    return new ReaderThreads(size, options, {
      interrupt: this.#library.interrupt?.bind(this.#library),
      logger: this.#options.logger,
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
