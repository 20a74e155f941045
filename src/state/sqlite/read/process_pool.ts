import { HiqliteError } from "../../../errors.ts";
import { type ByteReader, ByteWriter } from "../../../util/bytes.ts";
import type { Logger } from "../../../util/logger.ts";
import { WriterLostError } from "../../port.ts";
import type { QueryLimits } from "../../sql/types.ts";
import type { SqliteDriverSpec } from "../driver/driver.ts";
import { BoundedPool, type Job } from "./bounded_pool.ts";
import {
  type ReadAnswer,
  readAnswer,
  ReaderRequest,
  type ReadRequest,
  writeOpening,
  writeQuery,
} from "./query_codec.ts";
import type { ShareLimits } from "./shares.ts";
import { closedError } from "../thread/answers.ts";
import { ChildHandle, ChildOverLimitError } from "../thread/child_handle.ts";

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

/** Who asks a guarded query, and what it may cost. */
export interface GuardedAsking {
  readonly limits: QueryLimits;
  /** See `SqlQuery`. */
  readonly client?: string | undefined;
  /** Nobody waits any more once it aborts. */
  readonly signal?: AbortSignal | undefined;
}

interface GuardedQuery {
  readonly request: ReadRequest;
  readonly limits: QueryLimits;
}

/**
 * Queries of people we do not control, in child processes: a thread cannot be
 * stopped, a process can. Processes start with the first query and stay warm.
 */
export class ReaderProcesses {
  readonly #shares: ShareLimits;
  readonly #driver: SqliteDriverSpec;
  readonly #folder: string;
  readonly #logger: Logger;
  #path: string;
  readonly #processes = new Set<ChildHandle>();
  readonly #pool: BoundedPool<ChildHandle, GuardedQuery>;
  #starting = 0;

  /** Uses as many processes as `shares` says, which read the database at `path`. */
  constructor(
    shares: ShareLimits,
    { driver, path, folder, logger }: {
      readonly driver: SqliteDriverSpec;
      readonly path: string;
      /** The only folder that a process may touch. */
      readonly folder: string;
      readonly logger: Logger;
    },
  ) {
    this.#shares = shares;
    this.#driver = driver;
    this.#path = path;
    this.#folder = folder;
    this.#logger = logger;
    this.#pool = new BoundedPool<ChildHandle, GuardedQuery>({
      queueMax: QUEUE_MAX,
      awaited: "a reader process",
      shares,
      run: (process, job) => this.#run(process, job),
      late: (timeoutMs) =>
        new HiqliteError(
          "timeout",
          `The query was stopped after ${timeoutMs} ms`,
        ),
      stop: (process) => process.abort("its query took too long"),
      missing: (waiting) => this.#startFor(waiting),
    });
  }

  /**
   * Runs a query; its time includes what it waits for a process, and what it ran before others had a turn.
   * @throws {HiqliteError} `timeout`, `too_large`, `overloaded`, or what `Reader.query` throws.
   */
  query(
    request: ReadRequest,
    { limits, client, signal }: GuardedAsking,
  ): Promise<ReadAnswer> {
    const { timeoutMs } = limits;
    const text = request.statement.sql;
    return this.#pool.query(
      { request, limits },
      { timeoutMs, signal, client, text },
    );
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
    await Promise.all([...this.#processes].map((process) => process.close(0)));
  }

  #startFor(waiting: number): void {
    const wanted = Math.min(
      waiting - this.#starting,
      this.#shares.readers - this.#processes.size,
    );
    for (let i = 0; i < wanted; i++) this.#start();
  }

  #start(): void {
    const path = this.#path;
    const opening = new ByteWriter(256);
    writeOpening(opening, this.#driver, path);
    this.#starting++;
    const process = new ChildHandle(
      { role: "reader", folder: this.#folder, opening: opening.finish() },
      (error) => {
        clearTimeout(timer);
        this.#starting--;
        if (error === null) return this.#offer(process, path);
        this.#end(process).then(() => this.#failStart(error));
      },
    );
    const timer = setTimeout(
      () => process.abort(`it did not start within ${START_TIMEOUT_MS} ms`),
      START_TIMEOUT_MS,
    );
    this.#processes.add(process);
  }

  #failStart(error: Error): void {
    if (this.#pool.closed) return;
    const detail = error.message;
    this.#logger.warn("a reader process did not start", { detail });
    const code = error instanceof WriterLostError ? "overloaded" : "storage";
    this.#pool.takeFirst()?.reject(
      new HiqliteError(code, `A reader process did not start: ${detail}`),
    );
    this.#pool.serve();
  }

  #offer(process: ChildHandle, path: string): void {
    if (this.#pool.closed || path !== this.#path || !process.alive) {
      this.#end(process);
      this.#pool.serve();
    } else {
      this.#pool.free(process);
    }
  }

  #run(process: ChildHandle, job: Job<ChildHandle, GuardedQuery>): void {
    const { limits, request } = job.work;
    const path = this.#path;
    const writer = new ByteWriter(256).u8(ReaderRequest.query);
    writeQuery(writer, request);
    process.request(writer.finish(), (error, answer) => {
      let spent = false;
      if (error === null) spent = settle(job, answer);
      if (!this.#pool.ended(job, error) && error !== null) {
        job.reject(this.#pool.closed ? closedError() : explain(error));
      }
      // A late one is being killed; one that has grown is not kept.
      if (!job.late && !spent) return this.#offer(process, path);
      this.#end(process);
      this.#pool.serve();
    }, limits.maxBytes * 2 + FRAME_SLACK_BYTES);
  }

  async #end(process: ChildHandle): Promise<void> {
    await process.close(0);
    if (this.#processes.delete(process)) this.#pool.serve();
  }
}

/** Whether the process that answered holds too much memory to be kept. */
function settle(
  job: Job<ChildHandle, GuardedQuery>,
  answer: ByteReader,
): boolean {
  try {
    job.resolve(readAnswer(answer));
    return answer.u8() === 1;
  } catch (error) {
    job.reject(error);
    return false;
  }
}

/** What it means that a process was lost: only one that was ended for what it used is the query's fault. */
function explain(error: Error): Error {
  if (!(error instanceof WriterLostError)) return error;
  const cause = { cause: error };
  return error instanceof ChildOverLimitError
    ? new HiqliteError(
      "too_large",
      `The query was stopped: ${error.message}`,
      cause,
    )
    : new HiqliteError(
      "overloaded",
      `The query may be repeated: ${error.message}`,
      cause,
    );
}
