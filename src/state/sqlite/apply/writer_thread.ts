import type { Entry, LogIndex } from "../../../raft/types.ts";
import { type ByteReader, ByteWriter } from "../../../util/bytes.ts";
import {
  type Divergence,
  NO_EVENTS,
  type Preparation,
  type PrepareDone,
  PrepareFailedError,
  type StateEvents,
} from "../../port.ts";
import { type Answered, WorkerHandle } from "../thread/worker_handle.ts";
import {
  encodeApply,
  encodePreparation,
  type ReachedPosition,
  readApplied,
  readDivergence,
  readPrepared,
  type WriterOptions,
  WriterRequest,
} from "./writer_protocol.ts";
import { WrittenEvents } from "./written_events.ts";

const RING_BYTES = 1024 * 1024;
const CLOSE_TIMEOUT_MS = 60_000;

/** Where the writer runs: it serves requests in order. */
export interface WriterHost {
  /** Sends a request; `done` is called later, never at once. */
  request(message: Uint8Array, done: Answered): void;
  /** Ends what the writer does now, which then fails, with everything in its open transaction; false if it cannot be ended. */
  abort(): boolean;
  /** Ends it after what it was asked; after `timeoutMs` without waiting any longer. */
  close(timeoutMs: number): Promise<void>;
}

/** What became of a batch that was applied. */
export interface WriterApplied {
  readonly reached: ReachedPosition;
  /** None if nobody wanted them. */
  readonly answers: readonly Uint8Array[];
  readonly events: StateEvents;
  readonly divergence: Divergence | null;
}

/** The writer, as the event loop sees it. */
export class WriterThread {
  readonly #worker: WriterHost;
  readonly #progress: Int32Array;
  readonly #events = new WrittenEvents();

  private constructor(worker: WriterHost, progress: SharedArrayBuffer) {
    this.#worker = worker;
    this.#progress = new Int32Array(progress);
  }

  /**
   * Starts the Worker and opens the database, or makes it; also tells how far it is.
   * Rejects with what keeps it from being opened.
   */
  static async start(
    given: Omit<WriterOptions, "progress">,
  ): Promise<{ writer: WriterThread; found: ReachedPosition }> {
    const progress = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const options: WriterOptions = { ...given, progress };
    const worker = new Worker(new URL("./writer_worker.ts", import.meta.url), {
      type: "module",
    });
    const opened = Promise.withResolvers<ReachedPosition>();
    const handle = new WorkerHandle(
      worker,
      { ringBytes: RING_BYTES, options },
      (error, answer) => {
        if (error === null) opened.resolve(readApplied(answer));
        else opened.reject(error);
      },
    );
    try {
      const found = await opened.promise;
      return { writer: new WriterThread(hostOf(handle), progress), found };
    } catch (error) {
      await handle.close(0);
      throw error;
    }
  }

  /** Applies a batch; see `StateMachine`. */
  apply(
    entries: readonly Entry[],
    answers: boolean,
    done: (error: Error | null, applied: WriterApplied | null) => void,
  ): void {
    this.#worker.request(encodeApply(entries, answers), (error, answer) => {
      if (error !== null) return done(error, null);
      const reached = readApplied(answer);
      const results: Uint8Array[] = [];
      const count = answer.u32();
      for (let i = 0; i < count; i++) results.push(answer.bytes());
      const events = this.#events.read(answer);
      const divergence = readDivergence(answer);
      done(null, { reached, answers: results, events, divergence });
    });
  }

  /** The place of the command that a preparation runs. */
  get preparing(): number {
    return Atomics.load(this.#progress, 0);
  }

  /** See `PreparingMachine`. */
  prepare(preparation: Preparation, done: PrepareDone): void {
    Atomics.store(this.#progress, 0, 0);
    const request = encodePreparation(preparation);
    this.#worker.request(request, (error, answer) => {
      if (error !== null) return done(error, []);
      const ended = readPrepared(answer);
      if (ended instanceof PrepareFailedError) done(ended, []);
      else done(null, ended);
    });
  }

  /** See `PreparingMachine`. */
  commitPrepared(
    done: (
      error: Error | null,
      reached: ReachedPosition | null,
      events: StateEvents,
    ) => void,
  ): void {
    const request = new Uint8Array([WriterRequest.commitPrepared]);
    this.#worker.request(request, (error, answer) => {
      if (error !== null) return done(error, null, NO_EVENTS);
      const ended = readPrepared(answer);
      if (ended instanceof PrepareFailedError) {
        return done(ended, null, NO_EVENTS);
      }
      done(null, readApplied(answer), this.#events.read(answer));
    });
  }

  /** See `PreparingMachine`. */
  rollbackPrepared(done: (error: Error | null) => void): void {
    const request = new Uint8Array([WriterRequest.rollbackPrepared]);
    this.#worker.request(request, (error) => done(error));
  }

  /** See `PreparingMachine`. */
  abortPrepare(): boolean {
    return this.#worker.abort();
  }

  /** Makes everything applied durable. */
  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void {
    const request = new Uint8Array([WriterRequest.checkpoint]);
    this.#worker.request(request, (error, answer) => {
      done(error, error === null ? answer.u53() : 0);
    });
  }

  /** How far the database in another file is. */
  inspect(path: string): Promise<ReachedPosition> {
    return this.#ask(WriterRequest.inspect, path, readApplied);
  }

  /** Closes the database, so that it can be replaced. */
  release(): Promise<void> {
    return this.#ask(WriterRequest.release, "", () => {});
  }

  /** Goes on with another file; returns how far that is. */
  open(path: string): Promise<ReachedPosition> {
    return this.#ask(WriterRequest.open, path, readApplied);
  }

  /** See `SqliteMachine.dump`. */
  dump(): Promise<{ contents: string; sessions: string }> {
    return this.#ask(WriterRequest.dump, "", (answer) => ({
      contents: answer.text(),
      sessions: answer.text(),
    }));
  }

  /** Ends the Worker after what it was asked, a minute at most. */
  close(): Promise<void> {
    return this.#worker.close(CLOSE_TIMEOUT_MS);
  }

  #ask<T>(
    kind: number,
    path: string,
    read: (answer: ByteReader) => T,
  ): Promise<T> {
    const request = new ByteWriter(256).u8(kind).text(path);
    return new Promise((resolve, reject) =>
      this.#worker.request(request.finish(), (error, answer) => {
        if (error !== null) reject(error);
        else resolve(read(answer));
      })
    );
  }
}

/** A Worker: nothing can end what SQLite does in it. */
function hostOf(handle: WorkerHandle): WriterHost {
  return {
    request: (message, done) => handle.request(message, done),
    abort: () => false,
    close: (timeoutMs) => handle.close(timeoutMs),
  };
}
