import type { Entry, LogIndex } from "../../../raft/types.ts";
import { type ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { NO_EVENTS, type StateEvents } from "../../port.ts";
import { WorkerHandle } from "../thread/worker_handle.ts";
import {
  encodeApply,
  type ReachedPosition,
  readApplied,
  type WriterOptions,
  WriterRequest,
} from "./writer_protocol.ts";
import { WrittenEvents } from "./written_events.ts";

const RING_BYTES = 1024 * 1024;
const CLOSE_TIMEOUT_MS = 60_000;

/** The writer's Worker, as the event loop sees it. */
export class WriterThread {
  readonly #worker: WorkerHandle;
  readonly #events = new WrittenEvents();

  private constructor(worker: WorkerHandle) {
    this.#worker = worker;
  }

  /**
   * Starts the Worker and opens the database, or makes it; also tells how far it is.
   * Rejects with what keeps it from being opened.
   */
  static async start(
    options: WriterOptions,
  ): Promise<{ writer: WriterThread; found: ReachedPosition }> {
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
      return { writer: new WriterThread(handle), found };
    } catch (error) {
      await handle.close(0);
      throw error;
    }
  }

  /** Applies a batch; see `StateMachine`. */
  apply(
    entries: readonly Entry[],
    answers: boolean,
    done: (
      error: Error | null,
      reached: ReachedPosition | null,
      answers: readonly Uint8Array[],
      events: StateEvents,
    ) => void,
  ): void {
    this.#worker.request(encodeApply(entries, answers), (error, answer) => {
      if (error !== null) return done(error, null, [], NO_EVENTS);
      const reached = readApplied(answer);
      const results: Uint8Array[] = [];
      const count = answer.u32();
      for (let i = 0; i < count; i++) results.push(answer.bytes());
      done(null, reached, results, this.#events.read(answer));
    });
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
