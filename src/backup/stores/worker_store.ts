import { HiqliteError } from "../../errors.ts";
import type { Logger } from "../../util/logger.ts";
import { startTimer } from "../../util/timers.ts";
import type {
  BackupStore,
  ObjectPage,
  StoredObject,
  StoreOptions,
} from "../object_store.ts";
import {
  type PostFrame,
  restoredError,
  StreamChannel,
} from "./stream_channel.ts";
import type {
  FromWorker,
  StoreAnswer,
  StoreMethod,
  StoreSetup,
  ToWorker,
} from "./worker_protocol.ts";

/** What the SDK takes of memory is given back after so long without a call, ms. */
const IDLE_MS = 60_000;

interface Running {
  readonly worker: Worker;
  readonly channel: StreamChannel;
  readonly calls: Map<number, PromiseWithResolvers<unknown>>;
}

/** What a {@linkcode WorkerStore} can be made with in tests. */
export interface WorkerStoreOptions {
  /** @default a Worker of s3_worker.ts */
  readonly start?: () => Worker;
  /** ms without a call after which the Worker ends. @default {60_000} */
  readonly idleMs?: number;
}

/**
 * Sealed backups on S3, in a Worker: it begins with the first call and ends
 * when there was none for a minute, so that whoever makes no backups has
 * nothing of it.
 */
export class WorkerStore implements BackupStore {
  readonly #setup: StoreSetup;
  readonly #logger: Logger;
  readonly #start: () => Worker;
  readonly #idleMs: number;
  #running: Running | null = null;
  #nextCall = 1;
  #stopIdling: () => void = () => {};
  #closed = false;
  /** Requests that failed and were made again. */
  retries = 0;

  /** Starts nothing yet. */
  constructor(
    setup: StoreSetup,
    logger: Logger,
    { start = startWorker, idleMs = IDLE_MS }: WorkerStoreOptions = {},
  ) {
    this.#setup = setup;
    this.#logger = logger;
    this.#start = start;
    this.#idleMs = idleMs;
  }

  /** Whether the Worker runs. */
  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** See {@linkcode BackupStore.put}. */
  async put(
    name: string,
    source: ReadableStream<Uint8Array>,
    { signal, ...options }: StoreOptions = {},
  ): Promise<StoredObject> {
    const failure: { error?: unknown } = {};
    const watched = noting(source, signal, failure);
    try {
      const call = this.#nextCall;
      return await this.#ask<StoredObject>(
        "put",
        [name, options],
        ({ channel }) => channel.offer(call, watched),
        ({ channel }) => channel.withdraw(call, null),
      );
    } catch (error) {
      // The source's own error, not what is left of it beyond the thread.
      throw "error" in failure ? failure.error : error;
    }
  }

  /** See {@linkcode BackupStore.get}. */
  async get(name: string): Promise<ReadableStream<Uint8Array>> {
    const call = this.#nextCall;
    let running: Running;
    await this.#ask("get", [name], (now) => running = now);
    return running!.channel.accept(call);
  }

  /** See {@linkcode BackupStore.keyOf}. */
  keyOf(name: string): Promise<string | null> {
    return this.#ask("keyOf", [name]);
  }

  /** See {@linkcode BackupStore.head}. */
  head(name: string): Promise<StoredObject | null> {
    return this.#ask("head", [name]);
  }

  /** See {@linkcode BackupStore.list}. */
  list(
    prefix: string,
    next?: string | null,
    limit?: number,
  ): Promise<ObjectPage> {
    return this.#ask("list", [prefix, next, limit]);
  }

  /** See {@linkcode BackupStore.delete}. */
  delete(name: string): Promise<void> {
    return this.#ask("delete", [name]);
  }

  /** See {@linkcode BackupStore.abortStale}. */
  abortStale(beforeMs: number): Promise<number> {
    return this.#ask("abortStale", [beforeMs]);
  }

  /** See {@linkcode BackupStore.close}. */
  close(): Promise<void> {
    this.#closed = true;
    this.#end(closed());
    return Promise.resolve();
  }

  async #ask<T>(
    method: StoreMethod,
    args: readonly unknown[],
    begin: (running: Running) => void = () => {},
    end: (running: Running) => void = () => {},
  ): Promise<T> {
    if (this.#closed) throw closed();
    this.#stopIdling();
    const running = this.#running ??= this.#run();
    const call = this.#nextCall++;
    const answer = Promise.withResolvers<unknown>();
    running.calls.set(call, answer);
    begin(running);
    running.worker.postMessage({ call, method, args } satisfies ToWorker);
    try {
      return await answer.promise as T;
    } finally {
      running.calls.delete(call);
      end(running);
      this.#idle();
    }
  }

  #run(): Running {
    const worker = this.#start();
    const post: PostFrame = (frame, moved) => worker.postMessage(frame, moved);
    const running: Running = {
      worker,
      channel: new StreamChannel(post),
      calls: new Map(),
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if ("stream" in data) running.channel.handle(data);
      else this.#take(running, data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (this.#running === running) this.#end(lost(event.message));
    };
    worker.postMessage(this.#setup satisfies ToWorker);
    return running;
  }

  #take({ calls }: Running, answer: StoreAnswer): void {
    if ("warning" in answer) {
      this.retries++;
      return this.#logger.warn(answer.warning, answer.fields);
    }
    const call = calls.get(answer.call);
    if ("error" in answer) call?.reject(restoredError(answer.error));
    else call?.resolve(answer.value);
  }

  /** Ends the Worker in a while, if nothing is under way by then. */
  #idle(): void {
    this.#stopIdling();
    if (this.#running === null) return;
    const { calls, channel } = this.#running;
    const timer = startTimer(() => {
      if (calls.size > 0 || !channel.isQuiet) this.#idle();
      else this.#end(closed());
    }, this.#idleMs);
    // A member that stops does not wait for it.
    Deno.unrefTimer(timer as unknown as number);
    this.#stopIdling = () => clearTimeout(timer);
  }

  #end(error: HiqliteError): void {
    this.#stopIdling();
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    running.worker.terminate();
    running.channel.failAll(error);
    for (const call of running.calls.values()) call.reject(error);
  }
}

/** Passes a stream on, until the signal aborts, and notes what it fails with; that it was cancelled is no failure. */
function noting(
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
  failure: { error?: unknown },
): ReadableStream<Uint8Array> {
  const reader = signal === undefined
    ? source.getReader()
    : source.pipeThrough(new TransformStream(), { signal }).getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        failure.error = error;
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function startWorker(): Worker {
  return new Worker(new URL("./s3_worker.ts", import.meta.url), {
    type: "module",
  });
}

function closed(): HiqliteError {
  return new HiqliteError("shutting_down", "The store of backups is closed");
}

function lost(reason: string): HiqliteError {
  return new HiqliteError(
    "storage",
    `The thread that speaks with S3 has ended: ${reason}`,
  );
}

/** Never called: by this a compiled program contains the Worker's module. */
export const s3Module = (): Promise<unknown> => import("./s3_worker.ts");
