import { HiqliteError } from "../../../errors.ts";
import type { QueryResult } from "../../sql/types.ts";
import { startTimer } from "../../../util/timers.ts";
import { closedError } from "../thread/answers.ts";

/** A query that waits for a reader, or runs on one. */
export interface Job<R, W> {
  /** What the reader is asked. */
  readonly work: W;
  /** What it may take, waiting included; null: as long as it takes. */
  readonly timeoutMs: number | null;
  /** When that is over, by `performance.now()`. */
  readonly deadline: number;
  /** Settle the caller's promise; idempotent. */
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: unknown) => void;
  /** What runs it; null while it waits. */
  reader: R | null;
  /** Its time is over and its caller knows. */
  late: boolean;
}

/** What a pool needs of its owner, who has the readers. */
export interface PoolPorts<R, W> {
  /** Queries that may wait before more are refused. */
  readonly queueMax: number;
  /** What they wait for, as in "queries wait for …". */
  readonly awaited: string;
  /** Runs a job; its owner settles it and then gives the reader back by {@linkcode BoundedPool.free}, or drops it. */
  run(reader: R, job: Job<R, W>): void;
  /** The caller's error when its time is over. */
  late(timeoutMs: number): HiqliteError;
  /** The time of a job is over that a reader still runs. */
  overdue?(reader: R): void;
  /** So many queries wait, and no reader is free. */
  missing?(waiting: number): void;
}

/** Lends readers to queries, one to each; the others wait in order, in a bounded queue, until their time is over. */
export class BoundedPool<R, W> {
  readonly #ports: PoolPorts<R, W>;
  readonly #idle: R[] = [];
  #queue: Job<R, W>[] = [];
  #paused = false;
  #closed = false;

  /** Begins without readers; {@linkcode free} adds one. */
  constructor(ports: PoolPorts<R, W>) {
    this.#ports = ports;
  }

  /** Whether {@linkcode close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Runs a query as soon as a reader is free. When `signal` aborts, its time is over.
   * @throws {HiqliteError} `overloaded` if too many wait, `shutting_down`, `timeout`, or what the owner rejects it with.
   */
  query(
    work: W,
    timeoutMs: number | null,
    signal?: AbortSignal,
  ): Promise<QueryResult> {
    if (this.#closed) return Promise.reject(closedError());
    const { queueMax, awaited } = this.#ports;
    if (this.#queue.length >= queueMax) {
      return Promise.reject(
        new HiqliteError(
          "overloaded",
          `${queueMax} queries wait for ${awaited} already`,
        ),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<QueryResult>();
    const job: Job<R, W> = {
      work,
      timeoutMs,
      deadline: timeoutMs === null ? Infinity : performance.now() + timeoutMs,
      resolve,
      reject,
      reader: null,
      late: false,
    };
    this.#queue.push(job);
    if (timeoutMs === null && signal === undefined) {
      this.serve();
      return promise;
    }
    const expire = (): void => this.#expire(job, signal?.reason);
    const timer = timeoutMs === null
      ? undefined
      : startTimer(expire, timeoutMs);
    signal?.addEventListener("abort", expire, { once: true });
    this.serve();
    return promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", expire);
    });
  }

  /** A reader is free: new, or done with its job. */
  free(reader: R): void {
    if (this.#closed) return;
    this.#idle.push(reader);
    this.serve();
  }

  /** Takes away all readers that are free. */
  takeIdle(): R[] {
    return this.#idle.splice(0);
  }

  /** Takes away the query that has waited longest. */
  takeFirst(): Job<R, W> | undefined {
    return this.#queue.shift();
  }

  /** Lets all queries wait from now on; the running ones go on. */
  pause(): void {
    this.#paused = true;
  }

  /** Ends {@linkcode pause}. */
  resume(): void {
    this.#paused = false;
    this.serve();
  }

  /** Refuses everything from now on, also what waits. */
  close(): void {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(closedError());
  }

  /** Gives free readers to queries that wait. */
  serve(): void {
    while (!this.#paused && this.#idle.length > 0) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      // A busy event loop runs timers late.
      if (job.deadline <= performance.now()) this.#expire(job);
      else this.#run(this.#idle.pop()!, job);
    }
    if (this.#ports.missing === undefined || this.#queue.length === 0) return;
    const now = performance.now();
    for (const job of this.#queue.filter(({ deadline }) => deadline <= now)) {
      this.#expire(job);
    }
    if (this.#queue.length > 0) this.#ports.missing(this.#queue.length);
  }

  #run(reader: R, job: Job<R, W>): void {
    job.reader = reader;
    this.#ports.run(reader, job);
  }

  #expire(job: Job<R, W>, reason?: unknown): void {
    if (job.late) return;
    job.late = true;
    job.reject(reason ?? this.#ports.late(job.timeoutMs!));
    if (job.reader !== null) this.#ports.overdue?.(job.reader);
    else this.#queue = this.#queue.filter((other) => other !== job);
  }
}
