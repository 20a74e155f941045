import { HiqliteError } from "../../../errors.ts";
import { ByteWriter } from "../../../util/bytes.ts";
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

/**
 * Reader Workers. A reader cannot be interrupted: after its time the caller is told, and the
 * reader is used again when its query has ended.
 */
export class ReaderThreads {
  #options: ReaderOptions;
  readonly #readers = new Set<WorkerHandle>();
  /** Readers of a file that was replaced. */
  readonly #stale = new Set<WorkerHandle>();
  readonly #pool: BoundedPool<WorkerHandle, Uint8Array>;

  /** Starts `size` readers. */
  constructor(size: number, options: ReaderOptions) {
    this.#options = options;
    this.#pool = new BoundedPool<WorkerHandle, Uint8Array>({
      queueMax: QUEUE_MAX,
      awaited: "a reader",
      run: (reader, job) => this.#run(reader, job),
      late: (timeoutMs) =>
        new HiqliteError(
          "timeout",
          `The query did not finish within ${timeoutMs} ms`,
        ),
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
  ): Promise<QueryResult> {
    const writer = new ByteWriter(256).u8(ReaderRequest.query);
    writeQuery(writer, statement, limits);
    return this.#pool.query(writer.finish(), timeoutMs);
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
      { ringBytes: RING_BYTES, options: this.#options },
      () => this.#free(reader),
    );
    return reader;
  }

  #free(reader: WorkerHandle): void {
    if (this.#pool.closed) return;
    if (!this.#stale.delete(reader)) return this.#pool.free(reader);
    const request = new ByteWriter(256).u8(ReaderRequest.open)
      .text(this.#options.path);
    // If it fails, the next query says why.
    reader.request(request.finish(), () => this.#free(reader));
  }

  #run(reader: WorkerHandle, job: Job<WorkerHandle, Uint8Array>): void {
    reader.request(job.work, (error, answer) => {
      if (error !== null) job.reject(error);
      else if (!job.late) job.resolve(readRows(answer));
      this.#free(reader);
    });
  }
}
