import { HiqliteError } from "../../../errors.ts";
import { startTimer } from "../../../util/timers.ts";
import { closedError } from "../thread/answers.ts";
import type { ReadAnswer } from "./query_codec.ts";
import { type Job, NO_SHARES, type ShareLimits, Shares } from "./shares.ts";

export type { Job } from "./shares.ts";

/** How a query waits, and for how long. */
export interface Asking {
  /** What it may take, waiting included, ms; null: as long as it takes. */
  readonly timeoutMs: number | null;
  /** When it aborts, the time is over. */
  readonly signal?: AbortSignal | undefined;
  /** Who asks: clients take turns. @default {""} */
  readonly client?: string | undefined;
  /** By this a query that took long is known again. @default {""} */
  readonly text?: string;
}

/** What a pool needs of its owner, who has the readers. */
export interface PoolPorts<R, W> {
  /** Queries that may wait before more are refused; of long ones, so many once more. */
  readonly queueMax: number;
  /** What they wait for, as in "queries wait for …". */
  readonly awaited: string;
  /** How long queries share the readers with others. @default {@linkcode NO_SHARES} */
  readonly shares?: ShareLimits | undefined;
  /** Runs a job; its owner says {@linkcode BoundedPool.ended}, settles it and then gives the reader back by {@linkcode BoundedPool.free}, or drops it. */
  run(reader: R, job: Job<R, W>): void;
  /** The caller's error when its time is over. */
  late(timeoutMs: number): HiqliteError;
  /** What this reader runs is to stop: its time is over, or others wait. */
  stop?(reader: R): void;
  /** So many queries wait, and no reader is free. */
  missing?(waiting: number): void;
}

/** Lends readers to queries, one to each; the others wait, in a bounded queue, until their time is over. */
export class BoundedPool<R, W> {
  readonly #ports: PoolPorts<R, W>;
  readonly #limits: ShareLimits;
  readonly #shares: Shares<R, W>;
  readonly #idle: R[] = [];
  readonly #slices = new Map<Job<R, W>, ReturnType<typeof setTimeout>>();
  #paused = false;
  #closed = false;

  /** Begins without readers; {@linkcode free} adds one. */
  constructor(ports: PoolPorts<R, W>) {
    this.#ports = ports;
    this.#limits = ports.shares ?? NO_SHARES;
    this.#shares = new Shares(this.#limits, ports.queueMax);
  }

  /** Whether {@linkcode close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Runs a query as soon as it is its turn and a reader is free.
   * @throws {HiqliteError} `overloaded` if too many wait, `shutting_down`, `timeout`, or what the owner rejects it with.
   */
  query(work: W, asking: Asking): Promise<ReadAnswer> {
    if (this.#closed) return Promise.reject(closedError());
    const { timeoutMs, signal, client = "", text = "" } = asking;
    const { promise, resolve, reject } = Promise.withResolvers<ReadAnswer>();
    const since = performance.now();
    const job: Job<R, W> = {
      ...{ work, client, text, timeoutMs, since, resolve, reject },
      deadline: timeoutMs === null ? Infinity : since + timeoutMs,
      ...{ reader: null, begunAt: 0, late: false, long: false, putBack: false },
    };
    const crowdedOut = this.#shares.add(job);
    if (crowdedOut !== null) this.#refuse(crowdedOut);
    if (crowdedOut === job) return promise;
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

  /** A job's reader has answered, or is lost: whether the job will be run again, and so must not be settled. */
  ended(job: Job<R, W>, error: Error | null): boolean {
    clearTimeout(this.#slices.get(job));
    this.#slices.delete(job);
    this.#shares.ended(job, error === null);
    job.reader = null;
    const again = job.putBack && error !== null && !job.late && !this.#closed;
    job.putBack = false;
    if (again) this.#shares.putBack(job);
    return again;
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

  /** Takes away the query whose turn is next. */
  takeFirst(): Job<R, W> | undefined {
    return this.#shares.next();
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
    for (const job of this.#shares.drain()) job.reject(closedError());
  }

  /** Gives free readers to queries that wait. */
  serve(): void {
    while (!this.#paused && this.#idle.length > 0) {
      const job = this.#shares.next();
      if (job === undefined) break;
      // A busy event loop runs timers late.
      if (job.deadline <= performance.now()) this.#expire(job);
      else this.#run(this.#idle.pop()!, job);
    }
    if (this.#paused) return;
    if (this.#limits !== NO_SHARES) this.#share();
    const { wanting } = this.#shares;
    if (wanting > 0) this.#ports.missing?.(wanting);
  }

  /** Who has waited for too long learns it, and long queries make room for others. */
  #share(): void {
    const now = performance.now();
    for (const job of this.#shares.waiting) {
      if (job.deadline <= now) this.#expire(job);
    }
    for (const job of this.#shares.excess()) {
      job.putBack = true;
      this.#ports.stop?.(job.reader!);
    }
  }

  #run(reader: R, job: Job<R, W>): void {
    job.reader = reader;
    this.#shares.began(job);
    const { sliceMs } = this.#limits;
    if (sliceMs < Infinity && !job.long) {
      this.#slices.set(
        job,
        setTimeout(() => {
          this.#shares.overran(job);
          this.serve();
        }, sliceMs),
      );
    }
    this.#ports.run(reader, job);
  }

  #refuse(job: Job<R, W>): void {
    const { queueMax, awaited } = this.#ports;
    job.reject(
      new HiqliteError(
        "overloaded",
        `${queueMax} queries wait for ${awaited} already`,
      ),
    );
  }

  #expire(job: Job<R, W>, reason?: unknown): void {
    if (job.late) return;
    job.late = true;
    job.reject(reason ?? this.#ports.late(job.timeoutMs!));
    if (job.reader !== null) this.#ports.stop?.(job.reader);
    else this.#shares.remove(job);
  }
}
