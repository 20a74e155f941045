import { HiqliteError } from "../../errors.ts";
import type { Entry, LogId, LogIndex } from "../../raft/types.ts";
import { assert } from "../../util/assert.ts";
import { type ByteReader, ByteWriter } from "../../util/bytes.ts";
import type { Logger } from "../../util/logger.ts";
import { validateQuery } from "../sql/validate.ts";
import type {
  Snapshot,
  SnapshotSink,
  StateHash,
  StateMachine,
  StateRecovery,
} from "../port.ts";
import type {
  QueryLimits,
  QueryResult,
  SqlParameters,
  Statement,
} from "../sql/types.ts";
import { DatabaseFiles } from "./files/files.ts";
import {
  GUARDED_LIMITS,
  GuardedReaders,
  maySpawnReaders,
} from "./read/process_pool.ts";
import { IndexWaiters } from "./read/index_waiters.ts";
import { nodeDriver } from "./driver/node_driver.ts";
import { Reader } from "./read/reader.ts";
import type { ReaderOptions } from "./read/reader_worker.ts";
import { ReaderPool } from "./read/thread_pool.ts";
import { Removals } from "./files/removals.ts";
import { SchemaEpoch } from "./thread/schema_epoch.ts";
import {
  buildSnapshot,
  checkDatabase,
  configurationOf,
  FileSink,
} from "./files/snapshots.ts";
import { logStatements } from "./apply/statement_log.ts";
import { WorkerHandle } from "./thread/worker_handle.ts";
import {
  encodeBatch,
  readApplied,
  type WriterOptions,
  WriterRequest,
} from "./apply/writer_protocol.ts";

const WRITER_RING_BYTES = 1024 * 1024;
/** Processes (or, where there may be none, Workers) for guarded queries. */
const GUARDED_PROCESSES = 2;
/** Hashes of the state that are kept for comparison with other members. */
const HASHES_KEPT = 64;
const WRITER_CLOSE_TIMEOUT_MS = 60_000;

/** How a {@linkcode SqliteMachine} is opened. */
export interface SqliteMachineOptions {
  /** The folder that it owns; made if it is missing. */
  readonly dir: string;
  /** Name of the database file in it. */
  readonly filename: string;
  /** Reader Workers. @default {4} */
  readonly readPoolSize?: number;
  /** Prepared statements kept per connection. @default {1024} */
  readonly statementCacheCapacity?: number;
  /** Log the text of applied statements. @default {false} */
  readonly logStatements?: boolean;
  readonly logger: Logger;
}

/** A read from this member's state. */
export interface SqlQuery extends Statement {
  /** Wait until this index is applied here. @default {0} */
  readonly minIndex?: LogIndex;
  /** A limit left out does not apply. */
  readonly limits?: Partial<QueryLimits>;
  /** Run it where it can be killed. @default {false} */
  readonly guarded?: boolean;
}

/**
 * Opens the database in a folder, or makes it.
 * @throws {Error} if the folder or the file cannot be used.
 */
export async function openSqliteMachine(
  options: SqliteMachineOptions,
): Promise<{ machine: SqliteMachine; recovery: StateRecovery }> {
  const files = new DatabaseFiles(options.dir, options.filename);
  const machine = new SqliteMachine(files, options);
  const config = await machine.start();
  return {
    machine,
    recovery: { applied: machine.applied, config: configurationOf(config) },
  };
}

/** SQLite as a replicated state machine: a writer Worker, reader Workers, and a reader on the caller's thread. */
export class SqliteMachine implements StateMachine {
  readonly #files: DatabaseFiles;
  readonly #options: SqliteMachineOptions;
  readonly #epoch = new SchemaEpoch();
  readonly #removals = new Removals();
  readonly #waiters = new IndexWaiters();
  readonly #logger: Logger;
  #writer: WorkerHandle | null = null;
  #hashes: readonly StateHash[] = [];
  #readers: ReaderPool | null = null;
  #guarded: GuardedReaders | ReaderPool | null = null;
  #local: Reader | null = null;
  #applied: LogId = { term: 0, index: 0 };
  #clockMs = 0;
  #sink: FileSink | null = null;
  #names = 0;
  #building = false;
  #closed = false;
  readonly #ending = new AbortController();

  /** Use {@linkcode openSqliteMachine}. */
  constructor(files: DatabaseFiles, options: SqliteMachineOptions) {
    this.#files = files;
    this.#options = options;
    this.#logger = options.logger;
  }

  /** See `StateMachine`. */
  get applied(): LogId {
    return this.#applied;
  }

  /** See `StateMachine`. */
  get clockMs(): number {
    return this.#clockMs;
  }

  /** Starts the threads; answers the stored configuration. Called once. */
  async start(): Promise<Uint8Array> {
    const config = await this.#startWriter();
    this.#readers = new ReaderPool(
      this.#options.readPoolSize ?? 4,
      this.#readerOptions,
    );
    return config;
  }

  /** See `StateMachine`. */
  apply(
    entries: readonly Entry[],
    answers: boolean,
    done: (error: Error | null, answers: readonly Uint8Array[]) => void,
  ): void {
    if (entries.length === 0) return queueMicrotask(() => done(null, []));
    assert(
      entries[0]!.index === this.#applied.index + 1,
      `entry ${entries[0]!.index} after ${this.#applied.index}`,
    );
    if (this.#options.logStatements === true) {
      logStatements(this.#logger, entries);
    }
    this.#open.request(encodeBatch(entries, answers), (error, answer) => {
      if (error !== null) return done(error, []);
      const { applied, clockMs, hashes } = readApplied(answer);
      this.#applied = applied;
      this.#clockMs = clockMs;
      this.#keepHashes(hashes);
      const results: Uint8Array[] = [];
      const count = answer.u32();
      for (let i = 0; i < count; i++) results.push(answer.bytes());
      this.#waiters.applied(this.#applied.index);
      done(null, results);
    });
  }

  /** See `SqlMachine`. */
  stateHashes(): readonly StateHash[] {
    return this.#hashes;
  }

  #keepHashes(hashes: readonly StateHash[]): void {
    if (hashes.length === 0) return;
    const latest = new Map(
      [...this.#hashes, ...hashes].map((hash) => [hash.index, hash]),
    );
    this.#hashes = [...latest.values()].slice(-HASHES_KEPT);
  }

  /** See `StateMachine`. */
  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void {
    const request = new Uint8Array([WriterRequest.checkpoint]);
    this.#open.request(request, (error, answer) => {
      done(error, error === null ? answer.u53() : 0);
    });
  }

  /** See `StateMachine`. */
  snapshot(
    done: (error: Error | null, snapshot: Snapshot | null) => void,
  ): void {
    if (this.#building) {
      return done(new Error("Another snapshot is being built"), null);
    }
    this.#building = true;
    const target = this.#files.snapshotPath(`${++this.#names}.db`);
    const finish = (error: Error | null, snapshot: Snapshot | null): void => {
      this.#building = false;
      done(error, snapshot);
    };
    buildSnapshot(this.#files.path, target, this.#removals).then(
      (snapshot) => finish(null, snapshot),
      (error) => finish(error, null),
    );
  }

  /** See `StateMachine`. */
  receive(
    last: LogId,
    done: (error: Error | null, sink: SnapshotSink | null) => void,
  ): void {
    this.#sink?.abort();
    this.#sink = null;
    try {
      this.#sink = new FileSink(
        this.#files.incomingPath(`${++this.#names}.db`),
        last,
        this.#removals,
      );
    } catch (error) {
      return done(error as Error, null);
    }
    done(null, this.#sink);
  }

  /** See `StateMachine`. Queries wait meanwhile; running ones end on the old state. */
  install(last: LogId, done: (error: Error | null) => void): void {
    const sink = this.#sink;
    this.#sink = null;
    if (
      sink === null || !sink.complete || sink.last.index !== last.index ||
      sink.last.term !== last.term
    ) {
      const what = `${last.index} of term ${last.term}`;
      return done(new Error(`There is no received snapshot up to ${what}`));
    }
    this.#install(sink).then(() => done(null), done);
  }

  /** See `StateMachine`. */
  close(done: () => void): void {
    this.#close().then(done);
  }

  /**
   * Reads from this member's state in a reader Worker.
   * @throws {HiqliteError} `sql`, `invalid`, `forbidden`, `too_large`, `timeout`, `overloaded`, `storage`, `shutting_down`.
   */
  async query(query: SqlQuery): Promise<QueryResult> {
    const { limits = {}, minIndex = 0 } = query;
    validateQuery(query.sql, query.params);
    if (minIndex > this.#applied.index) {
      await this.#waiters.reached(minIndex, limits.timeoutMs);
    }
    if (this.#readers === null || this.#closed) throw closedError();
    if (query.guarded === true) {
      return this.#queryGuarded(query, { ...GUARDED_LIMITS, ...limits });
    }
    const bounded = limits.maxRows !== undefined ||
      limits.maxBytes !== undefined;
    return this.#readers.query(
      query,
      bounded
        ? {
          maxRows: limits.maxRows ?? Number.MAX_SAFE_INTEGER,
          maxBytes: limits.maxBytes ?? Number.MAX_SAFE_INTEGER,
        }
        : null,
      limits.timeoutMs ?? null,
    );
  }

  #queryGuarded(query: SqlQuery, limits: QueryLimits): Promise<QueryResult> {
    this.#guarded ??= this.#startGuarded();
    return this.#guarded instanceof GuardedReaders
      ? this.#guarded.query(query, limits)
      : this.#guarded.query(query, limits, limits.timeoutMs);
  }

  #startGuarded(): GuardedReaders | ReaderPool {
    if (maySpawnReaders()) {
      return new GuardedReaders(
        GUARDED_PROCESSES,
        this.#files.path,
        this.#logger,
      );
    }
    this.#logger.warn(
      "queries of clients run in threads, which cannot be stopped: this process may not start others (--allow-run)",
    );
    return new ReaderPool(GUARDED_PROCESSES, this.#readerOptions);
  }

  /**
   * Reads on the calling thread, which it blocks: a few µs for a row by key.
   * @throws {HiqliteError} see {@linkcode query}.
   */
  querySync(sql: string, params?: SqlParameters): QueryResult {
    if (this.#closed || this.#writer === null) throw closedError();
    this.#local ??= new Reader(nodeDriver, this.#files.path, {
      statementCacheCapacity: this.#cacheCapacity,
      schemaEpoch: this.#epoch,
    });
    return this.#local.query(sql, params, null);
  }

  /** See `SqlMachine`. */
  async check(hurry: boolean): Promise<void> {
    if (this.#closed || this.#writer === null) throw closedError();
    const { path } = this.#files;
    try {
      await checkDatabase(path, hurry, this.#ending.signal);
    } catch (error) {
      // Replaced meanwhile by a snapshot: what was found is about the past.
      if (path === this.#files.path) throw error;
    }
  }

  /** Schema, hashes of all tables, and remembered answers, in a canonical form: equal on members that applied the same entries. */
  dump(): Promise<{ contents: string; sessions: string }> {
    return this.#ask(WriterRequest.dump, "", (answer) => ({
      contents: answer.text(),
      sessions: answer.text(),
    }));
  }

  #ask<T>(
    kind: number,
    path: string,
    read: (answer: ByteReader) => T,
  ): Promise<T> {
    const request = new ByteWriter(256).u8(kind).text(path);
    return new Promise((resolve, reject) =>
      this.#open.request(request.finish(), (error, answer) => {
        if (error !== null) reject(error);
        else resolve(read(answer));
      })
    );
  }

  get #open(): WorkerHandle {
    if (this.#writer === null) throw closedError();
    return this.#writer;
  }

  get #cacheCapacity(): number {
    return this.#options.statementCacheCapacity ?? 1024;
  }

  get #readerOptions(): ReaderOptions {
    return {
      path: this.#files.path,
      statementCacheCapacity: this.#cacheCapacity,
      schemaEpoch: this.#epoch.memory,
    };
  }

  #startWriter(): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const options: WriterOptions = {
      path: this.#files.path,
      statementCacheCapacity: this.#cacheCapacity,
      schemaEpoch: this.#epoch.memory,
    };
    const worker = new Worker(
      new URL("./apply/writer_worker.ts", import.meta.url),
      {
        type: "module",
      },
    );
    const writer = new WorkerHandle(
      worker,
      { ringBytes: WRITER_RING_BYTES, options },
      (error, answer) => {
        if (error !== null) {
          writer.close(0).then(() => reject(error));
          return;
        }
        const { applied, clockMs, config } = readApplied(answer);
        this.#applied = applied;
        this.#clockMs = clockMs;
        this.#waiters.applied(applied.index);
        resolve(config);
      },
    );
    this.#writer = writer;
    return promise;
  }

  async #install(sink: FileSink): Promise<void> {
    const inside = await this.#ask(
      WriterRequest.inspect,
      sink.path,
      (answer) => readApplied(answer).applied,
    );
    if (inside.index !== sink.last.index || inside.term !== sink.last.term) {
      sink.abort();
      throw new Error(
        `The snapshot contains entry ${inside.index} of term ${inside.term}, not ${sink.last.index} of term ${sink.last.term}`,
      );
    }
    this.#readers!.pause();
    await this.#ask(WriterRequest.release, "", () => {});
    for (const step of this.#files.installSteps(sink.path)) await step();
    const { applied, clockMs } = await this.#ask(
      WriterRequest.open,
      this.#files.path,
      readApplied,
    );
    this.#applied = applied;
    this.#clockMs = clockMs;
    // Not before: a reader opened meanwhile would stay on the old file.
    this.#local?.close();
    this.#local = null;
    this.#epoch.beginChange();
    this.#epoch.endChange();
    this.#readers!.resume(this.#files.path);
    if (this.#guarded instanceof GuardedReaders) {
      this.#guarded.reopen(this.#files.path);
    } else {
      this.#guarded?.resume(this.#files.path);
    }
    this.#files.removeOld(this.#removals);
    this.#waiters.applied(this.#applied.index);
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#ending.abort(closedError());
    this.#waiters.fail(closedError());
    this.#sink?.abort();
    await this.#guarded?.close();
    await this.#readers?.close();
    this.#local?.close();
    await this.#writer?.close(WRITER_CLOSE_TIMEOUT_MS);
    await this.#removals.idle();
  }
}

function closedError(): HiqliteError {
  return new HiqliteError("shutting_down", "The database is closed");
}
