import { HiqliteError } from "../../../errors.ts";
import { type ByteReader, ByteWriter } from "../../../util/bytes.ts";
import type { Logger } from "../../../util/logger.ts";
import { WriterLostError } from "../../port.ts";
import { readRows } from "../../sql/result.ts";
import type { QueryResult, Statement } from "../../sql/types.ts";
import { BoundedPool, type Job } from "./bounded_pool.ts";
import { ReaderRequest, type ReadLimits, writeQuery } from "./query_codec.ts";
import type { ReaderOptions } from "./reader_worker.ts";
import { WorkerHandle } from "../thread/worker_handle.ts";

const RING_BYTES = 256 * 1024;
const CLOSE_TIMEOUT_MS = 500;
/** Queries that wait for a reader before more are refused. */
const QUEUE_MAX = 4096;

/** How long a query may still run after its time before its thread is given up: a slow one ends by itself. */
const GRACE_MS = 1000;
/** So many threads may run on in SQLite that could not be ended; then there are fewer readers. */
const GIVEN_UP_MAX = 8;

/**
 * Reader Workers. After its time the caller is told; the query is interrupted where the driver can,
 * else its thread is used again if it ends soon, or given up and replaced.
 */
export class ReaderThreads {
  #options: ReaderOptions;
  readonly #interrupt: ((handle: bigint) => void) | undefined;
  readonly #logger: Logger;
  #givenUp = 0;
  readonly #readers = new Set<WorkerHandle>();
  /** Readers whose query has had its time. */
  readonly #graces = new Map<WorkerHandle, ReturnType<typeof setTimeout>>();
  /** Readers of a file that was replaced. */
  readonly #stale = new Set<WorkerHandle>();
  readonly #pool: BoundedPool<WorkerHandle, Uint8Array>;

  /** Starts `size` readers. */
  constructor(
    size: number,
    options: ReaderOptions,
    { interrupt, logger }: {
      /** See `WorkerStart`. */
      readonly interrupt: ((handle: bigint) => void) | undefined;
      readonly logger: Logger;
    },
  ) {
    this.#options = options;
    this.#interrupt = interrupt;
    this.#logger = logger;
    this.#pool = new BoundedPool<WorkerHandle, Uint8Array>({
      queueMax: QUEUE_MAX,
      awaited: "a reader",
      run: (reader, job) => this.#run(reader, job),
      late: (timeoutMs) =>
        new HiqliteError(
          "timeout",
          `The query did not finish within ${timeoutMs} ms`,
        ),
      overdue: (reader) => this.#overdue(reader),
    });
    while (this.#readers.size < size) this.#readers.add(this.#start());
  }

  /**
   * Runs a query.
   * @throws {HiqliteError} `timeout` after `timeoutMs`; `overloaded` if too many wait; what `Reader.query` throws.
   */
  query(
    statement: Statement,
    limits: ReadLimits | null,
    timeoutMs: number | null,
    signal?: AbortSignal,
  ): Promise<QueryResult> {
    const writer = new ByteWriter(256).u8(ReaderRequest.query);
    writeQuery(writer, statement, limits);
    return this.#pool.query(writer.finish(), timeoutMs, signal);
  }

  /** Lets queries wait from now on; the running ones go on. */
  pause(): void {
    this.#pool.pause();
  }

  /**
   * Goes on with another file; a running query ends on the old one. The threads stay:
   * to start one stops the calling thread for 20 to 100 ms.
   */
  reopen(path: string): void {
    this.#options = { ...this.#options, path };
    for (const reader of this.#readers) this.#stale.add(reader);
    for (const reader of this.#pool.takeIdle()) this.#free(reader);
    this.#pool.resume();
  }

  /** Ends all readers; waiting queries fail. */
  async close(): Promise<void> {
    this.#pool.close();
    for (const timer of this.#graces.values()) clearTimeout(timer);
    await Promise.all(
      [...this.#readers].map((reader) => reader.close(CLOSE_TIMEOUT_MS)),
    );
  }

  #start(): WorkerHandle {
    const worker = new Worker(new URL("./reader_worker.ts", import.meta.url), {
      type: "module",
    });
    const reader: WorkerHandle = new WorkerHandle(
      worker,
      {
        ringBytes: RING_BYTES,
        options: this.#options,
        interrupt: this.#interrupt,
      },
      () => this.#free(reader),
    );
    return reader;
  }

  #overdue(reader: WorkerHandle): void {
    if (this.#interrupt !== undefined) {
      return reader.abort("its query took too long");
    }
    const timer = setTimeout(() => this.#giveUp(reader), GRACE_MS);
    this.#graces.set(reader, timer);
  }

  #giveUp(reader: WorkerHandle): void {
    this.#graces.delete(reader);
    if (this.#pool.closed) return;
    this.#givenUp++;
    const replaced = this.#givenUp <= GIVEN_UP_MAX;
    this.#logger.warn("a query that cannot be stopped runs on in its thread", {
      threads: this.#givenUp,
      replaced,
    });
    this.#drop(reader);
    reader.abort("its query took too long");
    if (replaced) this.#readers.add(this.#start());
  }

  #drop(reader: WorkerHandle): void {
    this.#readers.delete(reader);
    this.#stale.delete(reader);
  }

  #free(reader: WorkerHandle): void {
    clearTimeout(this.#graces.get(reader));
    this.#graces.delete(reader);
    if (this.#pool.closed || !this.#readers.has(reader)) return;
    if (!reader.alive) {
      this.#drop(reader);
      this.#readers.add(this.#start());
      return;
    }
    if (!this.#stale.delete(reader)) return this.#pool.free(reader);
    const request = new ByteWriter(256).u8(ReaderRequest.open)
      .text(this.#options.path);
    // If it fails, the next query says why.
    reader.request(request.finish(), () => this.#free(reader));
  }

  #run(reader: WorkerHandle, job: Job<WorkerHandle, Uint8Array>): void {
    reader.request(job.work, (error, answer) => {
      if (error !== null) job.reject(explainLoss(error));
      else if (!job.late) job.resolve(resultIn(answer));
      this.#free(reader);
    });
  }
}

/** Never called: by this a compiled program contains the Worker's module. */
export const readerModule = (): Promise<unknown> =>
  import("./reader_worker.ts");

function resultIn(answer: ByteReader): QueryResult {
  const table = readRows(answer);
  const index = answer.u53();
  return index === 0 ? table : { ...table, index };
}

function explainLoss(error: Error): Error {
  if (!(error instanceof WriterLostError)) return error;
  return new HiqliteError(
    "overloaded",
    `The query may be repeated: ${error.message}`,
    { cause: error },
  );
}
