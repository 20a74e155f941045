import { dirname } from "node:path";
import { HiqliteError } from "../../../errors.ts";
import { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import type { Logger } from "../../../util/logger.ts";
import { readRows } from "../../sql/result.ts";
import { StateDamagedError } from "../../port.ts";
import type { QueryLimits, QueryResult, Statement } from "../../sql/types.ts";
import type { SqliteDriverSpec } from "../driver/driver.ts";
import { BoundedPool, type Job } from "./bounded_pool.ts";
import { writeOpening, writeQuery } from "./query_codec.ts";
import { HEAP_MIB_MAX, ReaderChild } from "./reader_child.ts";
import { closedError, readError } from "../thread/worker_handle.ts";

/** What a guarded query may cost if its caller says nothing. */
export const GUARDED_LIMITS: QueryLimits = {
  timeoutMs: 10_000,
  maxRows: 100_000,
  maxBytes: 64 * 1024 * 1024,
};

/** Queries that wait for a process before more are refused. */
const QUEUE_MAX = 1024;
const START_TIMEOUT_MS = 30_000;
/** What a frame may have beyond the bytes that the query's limit counts. */
const FRAME_SLACK_BYTES = 16 * 1024 * 1024;

interface GuardedQuery {
  readonly statement: Statement;
  readonly limits: QueryLimits;
}

/**
 * Queries of people we do not control, in child processes: a thread cannot be
 * stopped, a process can. Processes start with the first query and stay warm.
 */
export class ReaderProcesses {
  readonly #size: number;
  readonly #driver: SqliteDriverSpec;
  readonly #logger: Logger;
  #path: string;
  readonly #processes = new Set<ReaderChild>();
  readonly #pool: BoundedPool<ReaderChild, GuardedQuery>;
  #starting = 0;

  /** Uses up to `size` processes that read the database at `path`. */
  constructor(
    size: number,
    driver: SqliteDriverSpec,
    path: string,
    logger: Logger,
  ) {
    this.#size = size;
    this.#driver = driver;
    this.#path = path;
    this.#logger = logger;
    this.#pool = new BoundedPool<ReaderChild, GuardedQuery>({
      queueMax: QUEUE_MAX,
      awaited: "a reader process",
      run: (process, job) => void this.#run(process, job),
      late: (timeoutMs) =>
        new HiqliteError(
          "timeout",
          `The query was stopped after ${timeoutMs} ms`,
        ),
      overdue: (process) => void process.end(),
      missing: (waiting) => this.#startFor(waiting),
    });
  }

  /**
   * Runs a query; its time includes what it waits for a process.
   * @throws {HiqliteError} `timeout`, `too_large`, `overloaded`, or what `Reader.query` throws.
   */
  query(statement: Statement, limits: QueryLimits): Promise<QueryResult> {
    return this.#pool.query({ statement, limits }, limits.timeoutMs);
  }

  /** Goes on with another file; a running query ends on the old one. */
  reopen(path: string): void {
    this.#path = path;
    for (const process of this.#pool.takeIdle()) this.#end(process);
    this.#pool.serve();
  }

  /** Kills all processes; waiting queries fail. */
  async close(): Promise<void> {
    this.#pool.close();
    await Promise.all([...this.#processes].map((process) => process.end()));
  }

  #startFor(waiting: number): void {
    const wanted = Math.min(
      waiting - this.#starting,
      this.#size - this.#processes.size,
    );
    for (let i = 0; i < wanted; i++) this.#start();
  }

  async #start(): Promise<void> {
    const path = this.#path;
    const process = new ReaderChild(dirname(path), this.#driver);
    this.#processes.add(process);
    this.#starting++;
    const timer = setTimeout(() => process.end(), START_TIMEOUT_MS);
    try {
      const opening = new ByteWriter(256);
      writeOpening(opening, this.#driver, path);
      check(await process.ask(opening.finish(), 1024 * 1024));
      this.#starting--;
      this.#offer(process, path);
    } catch (error) {
      this.#starting--;
      await this.#end(process);
      this.#failStart(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #failStart(error: unknown): void {
    if (this.#pool.closed) return;
    const detail = error instanceof Error ? error.message : String(error);
    this.#logger.warn("a reader process did not start", { detail });
    this.#pool.takeFirst()?.reject(
      new HiqliteError("storage", `A reader process did not start: ${detail}`),
    );
    this.#pool.serve();
  }

  #offer(process: ReaderChild, path: string): void {
    if (this.#pool.closed || path !== this.#path) {
      this.#end(process);
      this.#pool.serve();
    } else {
      this.#pool.free(process);
    }
  }

  async #run(
    process: ReaderChild,
    job: Job<ReaderChild, GuardedQuery>,
  ): Promise<void> {
    const { limits, statement } = job.work;
    const path = this.#path;
    const writer = new ByteWriter(256);
    try {
      writeQuery(writer, statement, limits);
      const answer = await process.ask(
        writer.finish(),
        limits.maxBytes * 2 + FRAME_SLACK_BYTES,
      );
      resolve(job, answer);
      // A late one is being killed.
      if (!job.late) return this.#offer(process, path);
    } catch (error) {
      job.reject(this.#pool.closed ? closedError() : explain(error));
    }
    await this.#end(process);
    this.#pool.serve();
  }

  async #end(process: ReaderChild): Promise<void> {
    await process.end();
    this.#processes.delete(process);
  }
}

function resolve(
  job: Job<ReaderChild, GuardedQuery>,
  answer: Uint8Array,
): void {
  try {
    const reader = check(answer);
    const index = reader.u53();
    job.resolve({ ...readRows(reader), index });
  } catch (error) {
    job.reject(error);
  }
}

/** The answer behind its status. */
function check(answer: Uint8Array): ByteReader {
  const reader = new ByteReader(answer);
  const error = readError(reader);
  if (error !== null) throw error;
  return reader;
}

/** What it means that a process gave no answer. */
function explain(error: unknown): unknown {
  if (error instanceof HiqliteError || error instanceof StateDamagedError) {
    return error;
  }
  return new HiqliteError(
    "too_large",
    `The query's process died, most likely of its ${HEAP_MIB_MAX} MiB memory limit`,
    { cause: error },
  );
}
