import { HiqliteError } from "../../../errors.ts";
import { ByteWriter } from "../../../util/bytes.ts";
import type { Logger } from "../../../util/logger.ts";
import { WriterLostError } from "../../port.ts";
import { type Asking, BoundedPool, type Job } from "./bounded_pool.ts";
import {
  type ReadAnswer,
  readAnswer,
  ReaderRequest,
  type ReadRequest,
  writeQuery,
} from "./query_codec.ts";
import type { ReaderOptions } from "./reader_worker.ts";
import type { ShareLimits } from "./shares.ts";
import { WorkerHandle } from "../thread/worker_handle.ts";

const RING_BYTES = 256 * 1024;
const CLOSE_TIMEOUT_MS = 500;
/** Queries that wait for a reader before more are refused. */
const QUEUE_MAX = 4096;

/** How long a query may still run after its time before its thread is given up: a slow one ends by itself. */
const GRACE_MS = 1000;
/** So many threads may run on in SQLite that could not be ended; then there are fewer readers. */
const GIVEN_UP_MAX = 8;
/** Readers that nobody needed for so long end, except the last. */
const IDLE_MS = 5 * 60_000;

/** How a query waits for a reader; its text is its own. */
export type ReaderAsking = Omit<Asking, "text">;

/**
 * Reader Workers. They begin one at a time when queries wait for one, since a start stops the calling thread for 20 to
 * 100 ms, and end when they are idle; one stays, so that rare queries do not start one each. After its time the caller
 * is told; the query is interrupted where the driver can, else its thread is used again if it ends soon, or given up.
 */
export class ReaderThreads {
  #options: ReaderOptions;
  /** So many readers may there be. */
  #size: number;
  readonly #interrupt: ((handle: bigint) => void) | undefined;
  readonly #logger: Logger;
  #givenUp = 0;
  readonly #readers = new Set<WorkerHandle>();
  #starting: WorkerHandle | null = null;
  /** Readers that ran a query since {@linkcode ReaderThreads.#endIdle}. */
  readonly #used = new Set<WorkerHandle>();
  readonly #idleTimer: ReturnType<typeof setInterval>;
  /** Readers whose query has had its time. */
  readonly #graces = new Map<WorkerHandle, ReturnType<typeof setTimeout>>();
  /** Readers of a file that was replaced. */
  readonly #stale = new Set<WorkerHandle>();
  readonly #pool: BoundedPool<WorkerHandle, Uint8Array>;

  /** Starts nothing yet; there will be `size` readers at most. */
  constructor(
    size: number,
    options: ReaderOptions,
    { interrupt, logger, shares, idleMs = IDLE_MS }: {
      /** See `WorkerStart`. */
      readonly interrupt: ((handle: bigint) => void) | undefined;
      readonly logger: Logger;
      /** See `PoolPorts`; only with an `interrupt`. */
      readonly shares?: ShareLimits;
      /** Who is not used for so long, or up to twice that, is idle, ms. @default {300_000} */
      readonly idleMs?: number;
    },
  ) {
    this.#size = size;
    this.#options = options;
    this.#interrupt = interrupt;
    this.#logger = logger;
    this.#pool = new BoundedPool<WorkerHandle, Uint8Array>({
      queueMax: QUEUE_MAX,
      awaited: "a reader",
      shares,
      run: (reader, job) => this.#run(reader, job),
      late: (timeoutMs) =>
        new HiqliteError(
          "timeout",
          `The query did not finish within ${timeoutMs} ms`,
        ),
      stop: (reader) => this.#stop(reader),
      missing: () => this.#startOne(),
    });
    this.#idleTimer = setInterval(() => this.#endIdle(), idleMs);
  }

  /** Readers that there are. */
  get count(): number {
    return this.#readers.size;
  }

  /**
   * Runs a query.
   * @throws {HiqliteError} `timeout` after `timeoutMs`; `overloaded` if too many wait; what `Reader.query` throws.
   */
  query(request: ReadRequest, asking: ReaderAsking): Promise<ReadAnswer> {
    const writer = new ByteWriter(256).u8(ReaderRequest.query);
    writeQuery(writer, request);
    const text = request.statement.sql;
    return this.#pool.query(writer.finish(), { ...asking, text });
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
    clearInterval(this.#idleTimer);
    for (const timer of this.#graces.values()) clearTimeout(timer);
    await Promise.all(
      [...this.#readers].map((reader) => reader.close(CLOSE_TIMEOUT_MS)),
    );
  }

  #startOne(): void {
    if (this.#starting !== null || this.#readers.size >= this.#size) return;
    this.#starting = this.#start();
    this.#readers.add(this.#starting);
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
      () => {
        this.#starting = null;
        this.#free(reader);
      },
    );
    return reader;
  }

  #endIdle(): void {
    let spare = this.#readers.size - 1;
    for (const reader of this.#pool.takeIdle()) {
      if (this.#used.has(reader) || spare === 0) this.#pool.free(reader);
      else {
        spare--;
        reader.close(CLOSE_TIMEOUT_MS).then(() => this.#drop(reader));
      }
    }
    this.#used.clear();
  }

  #stop(reader: WorkerHandle): void {
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
    if (!replaced) this.#size--;
    this.#drop(reader);
    reader.abort("its query took too long");
  }

  #drop(reader: WorkerHandle): void {
    this.#readers.delete(reader);
    this.#stale.delete(reader);
    this.#used.delete(reader);
    // Another one may begin in its place.
    this.#pool.serve();
  }

  #free(reader: WorkerHandle): void {
    clearTimeout(this.#graces.get(reader));
    this.#graces.delete(reader);
    if (this.#pool.closed || !this.#readers.has(reader)) return;
    if (!reader.alive) return this.#drop(reader);
    if (!this.#stale.delete(reader)) return this.#pool.free(reader);
    const request = new ByteWriter(256).u8(ReaderRequest.open)
      .text(this.#options.path);
    // If it fails, the next query says why.
    reader.request(request.finish(), () => this.#free(reader));
  }

  #run(reader: WorkerHandle, job: Job<WorkerHandle, Uint8Array>): void {
    this.#used.add(reader);
    reader.request(job.work, (error, answer) => {
      if (!this.#pool.ended(job, error)) {
        if (error !== null) job.reject(explainLoss(error));
        else if (!job.late) job.resolve(readAnswer(answer));
      }
      this.#free(reader);
    });
  }
}

/** Never called: by this a compiled program contains the Worker's module. */
export const readerModule = (): Promise<unknown> =>
  import("./reader_worker.ts");

function explainLoss(error: Error): Error {
  if (!(error instanceof WriterLostError)) return error;
  return new HiqliteError(
    "overloaded",
    `The query may be repeated: ${error.message}`,
    { cause: error },
  );
}
