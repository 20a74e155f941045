import { HiqliteError } from "../../../errors.ts";
import { WriterLostError } from "../../port.ts";
import { WorkerHandle } from "../../sqlite/thread/worker_handle.ts";
import {
  type CheckpointOptions,
  CheckpointRequest,
} from "./checkpoint_protocol.ts";
import { WAL_BYTES } from "./schema.ts";

/** From this size of the WAL on no transaction begins while it is written into the file. */
export const WAL_BYTES_MAX = 4 * WAL_BYTES;
/** Requests and answers are a few bytes. */
const RING_BYTES = 16 * 1024;
/** At the end what is in the WAL is written into the file. */
const CLOSE_MS = 60_000;

type CheckpointDone = (error: Error | null) => void;

/** What a {@linkcode Checkpointer} asks the connection that writes. */
export interface WalWriter {
  /** Bytes of a WAL that is not as a whole in the file yet. */
  readonly walBytes: number;
  readonly inTransaction: boolean;
}

interface StartedWorker {
  readonly handle: WorkerHandle;
  /** Settles once it has the file open, or never will. */
  readonly opened: Promise<void>;
}

/** What is left after a request. */
interface Left {
  readonly pages: number;
  /** Whether the file has no room for them. */
  readonly full: boolean;
}

/**
 * Makes checkpoints in a Worker, which begins with the first of them, beside transactions. When the WAL was written as a whole, or is too long, it begins
 * anew; no transaction begins for that moment, so that the Worker is the one that waits for the disk.
 */
export class Checkpointer {
  readonly #writer: WalWriter;
  readonly #walMax: number;
  readonly #path: string;
  #started: StartedWorker | null = null;
  #failure: Error | null = null;
  #full = false;
  /** `syncing`: beside transactions. `holding`: waits for the end of one. `restarting`: nobody may begin. */
  #phase: "idle" | "syncing" | "holding" | "restarting" = "idle";
  #asked: CheckpointDone[] = [];
  #ready: (() => void)[] = [];
  #closed = false;

  /** For the file at `path`; starts nothing yet. `walMax`: bytes of a WAL that is to begin anew. */
  constructor(path: string, writer: WalWriter, walMax = WAL_BYTES) {
    this.#path = path;
    this.#writer = writer;
    this.#walMax = walMax;
  }

  /** See {@linkcode KvStore.checkpoint}. */
  checkpoint(done: CheckpointDone): void {
    const failure = this.#failure;
    if (failure !== null) return queueMicrotask(() => done(failure));
    this.#asked.push(done);
    if (this.#phase === "idle") this.#sync();
  }

  /** See {@linkcode KvStore.ready}. */
  ready(callback: () => void): void {
    if (this.#mayBegin()) callback();
    else this.#ready.push(callback);
  }

  /**
   * Says why no transaction can begin, if there is a reason.
   * @throws {HiqliteError} `disk_full` if the file has no room for what is in the WAL; else what ended the checkpoints.
   */
  assertUsable(): void {
    if (this.#failure !== null) throw this.#failure;
    if (!this.#full || this.#writer.walBytes <= this.#walMax) return;
    // There may be room by the next time.
    if (this.#phase === "idle") this.#sync();
    throw new HiqliteError(
      "disk_full",
      "The caches' file has no room for what was written before: make room on its disk",
    );
  }

  /** A transaction has ended. */
  transactionEnded(): void {
    if (this.#failure !== null || this.#closed) return;
    if (this.#phase === "holding") this.#restart();
    else if (this.#phase === "idle" && this.#isLong) this.#sync();
  }

  /**
   * Ends it once the Worker has what `last` leaves to it: the connection that writes is closed by that, and must not
   * be the last one. So the Worker begins now if it was not needed before.
   */
  async close(last: () => void): Promise<void> {
    this.#closed = true;
    this.#release();
    const { handle, opened } = this.#started ??= this.#start();
    await opened;
    last();
    await handle.close(CLOSE_MS);
  }

  #start(): StartedWorker {
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    const options: CheckpointOptions = { path: this.#path };
    const handle = new WorkerHandle(
      new Worker(new URL("./checkpoint_worker.ts", import.meta.url), {
        type: "module",
      }),
      { ringBytes: RING_BYTES, options },
      (error) => {
        if (error !== null) this.#fail(error);
        resolve();
      },
    );
    return { handle, opened };
  }

  get #isLong(): boolean {
    return this.#writer.walBytes > this.#walMax;
  }

  #mayBegin(): boolean {
    if (this.#closed) return true;
    switch (this.#phase) {
      case "idle":
        return true;
      case "syncing":
        return this.#writer.walBytes <=
          WAL_BYTES_MAX / WAL_BYTES * this.#walMax;
      default:
        return false;
    }
  }

  #sync(): void {
    this.#phase = "syncing";
    const asked = this.#asked.splice(0);
    this.#request(CheckpointRequest.durable, (error, left) => {
      if (error !== null) this.#fail(error);
      else this.#synced(left);
      for (const done of asked) done(error && this.#failure);
    });
  }

  #synced({ pages, full }: Left): void {
    this.#full = full;
    const whole = pages === 0 && !this.#writer.inTransaction;
    if (this.#closed || full || !(whole || this.#isLong)) return this.#rest();
    this.#phase = "holding";
    if (!this.#writer.inTransaction) this.#restart();
  }

  #restart(): void {
    this.#phase = "restarting";
    this.#request(CheckpointRequest.restart, (error, { full }) => {
      if (error !== null) return this.#fail(error);
      this.#full = full;
      this.#rest();
    });
  }

  #rest(): void {
    this.#phase = "idle";
    if (this.#asked.length > 0) this.#sync();
    this.#release();
  }

  /** Lets those begin who wait for it; once it has failed they learn why. */
  #release(): void {
    const waiting = this.#ready.splice(0);
    for (const callback of waiting) callback();
  }

  /** What a disk did not take once it may have forgotten: nothing is tried again. */
  #fail(cause: Error): void {
    const error = forGood(cause);
    this.#failure ??= error;
    this.#phase = "idle";
    for (const done of this.#asked.splice(0)) done(error);
    this.#release();
  }

  #request(
    kind: number,
    done: (error: Error | null, left: Left) => void,
  ): void {
    this.#started ??= this.#start();
    this.#started.handle.request(Uint8Array.of(kind), (error, answer) => {
      done(
        error,
        error === null
          ? { pages: answer.u53(), full: answer.u8() === 1 }
          : { pages: 0, full: false },
      );
    });
  }
}

/** A Worker that is lost has no successor here: whoever tried again, as after a lost writer, would do so for ever. */
function forGood(error: Error): Error {
  if (!(error instanceof WriterLostError)) return error;
  return new HiqliteError(
    "storage",
    `The thread that makes the caches durable cannot run (${error.message}): start the member again, from a complete installation`,
    { cause: error },
  );
}

/** Never called: by this a compiled program contains the Worker's module. */
export const checkpointModule = (): Promise<unknown> =>
  import("./checkpoint_worker.ts");
