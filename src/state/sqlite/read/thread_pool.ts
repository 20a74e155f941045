import { HiqliteError } from "../../../errors.ts";
import { ByteWriter } from "../../../util/bytes.ts";
import { readRows } from "../../sql/result.ts";
import type { QueryResult, Statement } from "../../sql/types.ts";
import { ReaderRequest, type ReadLimits, writeQuery } from "./query_codec.ts";
import type { ReaderOptions } from "./reader_worker.ts";
import { WorkerHandle } from "../thread/worker_handle.ts";

const RING_BYTES = 256 * 1024;
const CLOSE_TIMEOUT_MS = 500;
/** Queries that wait for a reader before more are refused. */
const QUEUE_MAX = 4096;

interface Job {
  readonly request: Uint8Array;
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout> | undefined;
  abandoned: boolean;
}

/**
 * Reader Workers. A query goes to an idle one or waits in a bounded queue. A reader
 * cannot be interrupted: after its time the caller is told, and the reader is used
 * again when its query has ended.
 */
export class ReaderPool {
  readonly #size: number;
  #options: ReaderOptions;
  readonly #idle: WorkerHandle[] = [];
  readonly #readers = new Set<WorkerHandle>();
  /** Readers of a file that was replaced. */
  readonly #stale = new Set<WorkerHandle>();
  readonly #queue: Job[] = [];
  #paused = false;
  #closed = false;
  readonly #closing = new Set<Promise<void>>();

  /** Starts `size` readers. */
  constructor(size: number, options: ReaderOptions) {
    this.#size = size;
    this.#options = options;
    this.#start();
  }

  /** Queries running or waiting. */
  get load(): number {
    return this.#readers.size - this.#idle.length + this.#queue.length;
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
    if (this.#closed) return Promise.reject(closedError());
    const writer = new ByteWriter(256).u8(ReaderRequest.query);
    writeQuery(writer, statement, limits);
    return new Promise((resolve, reject) => {
      const job: Job = {
        request: writer.finish(),
        resolve,
        reject,
        timer: timeoutMs === null
          ? undefined
          : setTimeout(() => this.#expire(job, timeoutMs), timeoutMs),
        abandoned: false,
      };
      const reader = this.#paused ? undefined : this.#idle.pop();
      if (reader !== undefined) {
        this.#run(reader, job);
      } else if (this.#queue.length < QUEUE_MAX) {
        this.#queue.push(job);
      } else {
        clearTimeout(job.timer);
        reject(
          new HiqliteError(
            "overloaded",
            `${QUEUE_MAX} queries wait for a reader already`,
          ),
        );
      }
    });
  }

  /** Lets queries wait from now on; the running ones go on. */
  pause(): void {
    this.#paused = true;
  }

  /**
   * Goes on with another file; a running query ends on the old one. The threads stay:
   * to start one stops the calling thread for 20 to 100 ms.
   */
  resume(path: string): void {
    this.#options = { ...this.#options, path };
    this.#paused = false;
    for (const reader of this.#readers) this.#stale.add(reader);
    for (const reader of this.#idle.splice(0)) this.#free(reader);
  }

  /** Ends all readers; waiting queries fail. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) {
      clearTimeout(job.timer);
      job.reject(closedError());
    }
    for (const reader of this.#readers) this.#retire(reader);
    await Promise.all(this.#closing);
  }

  #start(): void {
    while (this.#readers.size < this.#size) {
      const worker = new Worker(
        new URL("./reader_worker.ts", import.meta.url),
        {
          type: "module",
        },
      );
      const reader: WorkerHandle = new WorkerHandle(
        worker,
        { ringBytes: RING_BYTES, options: this.#options },
        () => this.#free(reader),
      );
      this.#readers.add(reader);
    }
  }

  #free(reader: WorkerHandle): void {
    if (this.#closed) return;
    if (this.#stale.delete(reader)) return this.#reopen(reader);
    while (!this.#paused) {
      const job = this.#queue.shift();
      if (job === undefined) break;
      if (!job.abandoned) return this.#run(reader, job);
    }
    this.#idle.push(reader);
  }

  #reopen(reader: WorkerHandle): void {
    const request = new ByteWriter(256).u8(ReaderRequest.open)
      .text(this.#options.path);
    // If it fails, the next query says why.
    reader.request(request.finish(), () => this.#free(reader));
  }

  #run(reader: WorkerHandle, job: Job): void {
    reader.request(job.request, (error, answer) => {
      clearTimeout(job.timer);
      if (!job.abandoned) {
        if (error === null) job.resolve(readRows(answer));
        else job.reject(error);
      }
      this.#free(reader);
    });
  }

  #expire(job: Job, timeoutMs: number): void {
    job.abandoned = true;
    job.reject(
      new HiqliteError(
        "timeout",
        `The query did not finish within ${timeoutMs} ms`,
      ),
    );
  }

  #retire(reader: WorkerHandle): void {
    const closing = reader.close(CLOSE_TIMEOUT_MS);
    this.#closing.add(closing);
    closing.then(() => this.#closing.delete(closing));
  }
}

function closedError(): HiqliteError {
  return new HiqliteError("shutting_down", "The database is closed");
}
