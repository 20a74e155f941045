import { HiqliteError } from "../../../errors.ts";
import { type ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { startTimer } from "../../../util/timers.ts";
import { WriterLostError } from "../../port.ts";
import type { SqliteDriverSpec } from "../driver/driver.ts";
import { ChildHandle, ChildOverLimitError } from "../thread/child_handle.ts";
import type { HostLife } from "../thread/host.ts";
import { WorkerHandle } from "../thread/worker_handle.ts";
import { ReaderRequest, writeOpening } from "./query_codec.ts";
import type { SpoolWorkerOptions } from "./spool_worker.ts";

const RING_BYTES = 256 * 1024;
const CLOSE_TIMEOUT_MS = 500;

/** How long what is asked may take. */
export interface RowBounds {
  /** @default as long as it takes */
  readonly timeoutMs?: number | undefined;
  /** When it aborts, the time is over. */
  readonly signal?: AbortSignal | undefined;
}

/** A Worker or a process with a reader of its own, for one stream of rows. */
export class RowHost {
  readonly #life: HostLife;
  readonly #opened: Promise<unknown>;
  readonly #release: (well: boolean) => Promise<void>;
  #well = true;
  #ended: Promise<void> | null = null;

  /** `opened` resolves when its reader is open; `release` takes it back, `well` if it can be used again. */
  constructor(
    life: HostLife,
    opened: Promise<unknown>,
    release: (well: boolean) => Promise<void>,
  ) {
    this.#life = life;
    this.#opened = opened;
    this.#release = release;
  }

  /** Asks it; after an error it can only be ended. @throws {HiqliteError} `timeout`, `overloaded`, `too_large`, or what it answers. */
  async ask(message: Uint8Array, bounds: RowBounds): Promise<ByteReader> {
    const { timeoutMs, signal } = bounds;
    let why: unknown;
    const stop = (reason: unknown): void => {
      why ??= reason;
      this.#life.abort("its query took too long");
    };
    const late = (): void =>
      stop(
        new HiqliteError(
          "timeout",
          `The query was stopped after ${timeoutMs} ms`,
        ),
      );
    const timer = timeoutMs === undefined
      ? undefined
      : startTimer(late, timeoutMs);
    const abort = (): void => stop(signal!.reason);
    signal?.addEventListener("abort", abort);
    try {
      signal?.throwIfAborted();
      await this.#opened;
      // Before that there was nothing to stop.
      if (why !== undefined) throw why;
      return await request(this.#life, message);
    } catch (error) {
      this.#well = false;
      throw why ?? explain(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Lets go of its rows. Idempotent. */
  end(): Promise<void> {
    return this.#ended ??= this.#release(this.#well && this.#life.alive);
  }
}

/** Asks a Worker or process. */
function request(life: HostLife, message: Uint8Array): Promise<ByteReader> {
  return new Promise((resolve, reject) =>
    life.request(
      message,
      (error, answer) => error === null ? resolve(answer) : reject(error),
    )
  );
}

/** Only what was ended for what it used is the query's fault. */
function explain(error: unknown): unknown {
  if (!(error instanceof WriterLostError)) return error;
  const cause = { cause: error };
  return error instanceof ChildOverLimitError
    ? new HiqliteError("too_large", `Stopped: ${error.message}`, cause)
    : new HiqliteError(
      "overloaded",
      `The query may be repeated: ${error.message}`,
      cause,
    );
}

/** Starts a process that keeps the rows of one query on the database at `path`. */
export function startRowProcess(
  { driver, path, folder }: {
    readonly driver: SqliteDriverSpec;
    readonly path: string;
    /** The only folder that it may touch. */
    readonly folder: string;
  },
): RowHost {
  const opening = new ByteWriter(256);
  writeOpening(opening, driver, path);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const process = new ChildHandle(
    { role: "reader", folder, opening: opening.finish() },
    (error) => error === null ? resolve() : reject(error),
  );
  promise.catch(() => {});
  return new RowHost(process, promise, () => process.close(0));
}

/** Workers that keep rows; the last one that was used stays, since to start one stops this thread for 20 to 100 ms. */
export class RowWorkers {
  readonly #options: SpoolWorkerOptions;
  readonly #interrupt: ((handle: bigint) => void) | undefined;
  #idle: WorkerHandle | null = null;
  #closed = false;

  /** Starts nothing yet; for `interrupt` see `WorkerStart`. */
  constructor(
    options: SpoolWorkerOptions,
    interrupt: ((handle: bigint) => void) | undefined,
  ) {
    this.#options = options;
    this.#interrupt = interrupt;
  }

  /** A Worker with a reader on the database at `path`. */
  start(path: string): RowHost {
    const worker = this.#idle ?? this.#start();
    this.#idle = null;
    const opened = request(worker, openingOf(path));
    opened.catch(() => {});
    return new RowHost(
      worker,
      opened,
      (well) => well ? this.#takeBack(worker) : worker.close(0),
    );
  }

  /** Ends the one that stays; those that are used are ended by their streams. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#idle?.close(CLOSE_TIMEOUT_MS);
  }

  /** Its connection goes, and with it the file that the rows are in. */
  async #takeBack(worker: WorkerHandle): Promise<void> {
    const kept = await request(worker, openingOf("")).then(
      () => !this.#closed && this.#idle === null,
      () => false,
    );
    if (kept) this.#idle = worker;
    else await worker.close(CLOSE_TIMEOUT_MS);
  }

  #start(): WorkerHandle {
    const worker = new Worker(new URL("./spool_worker.ts", import.meta.url), {
      type: "module",
    });
    return new WorkerHandle(worker, {
      ringBytes: RING_BYTES,
      options: this.#options,
      interrupt: this.#interrupt,
    }, () => {});
  }
}

function openingOf(path: string): Uint8Array {
  return new ByteWriter(256).u8(ReaderRequest.open).text(path).finish();
}

/** Never called: by this a compiled program contains the Worker's module. */
export const spoolModule = (): Promise<unknown> => import("./spool_worker.ts");
