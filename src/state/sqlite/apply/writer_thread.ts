import type { Entry, LogIndex } from "../../../raft/types.ts";
import { type ByteReader, ByteWriter } from "../../../util/bytes.ts";
import {
  type Divergence,
  type Preparation,
  type PrepareDone,
  PrepareFailedError,
  type StateEvents,
  WriterLostError,
} from "../../port.ts";
import { type Answered, NO_ANSWER } from "../thread/answers.ts";
import { ChildOverLimitError } from "../thread/child_handle.ts";
import type { WriterHost } from "../thread/host.ts";
import { startWriterHost, type WriterStart } from "./writer_host.ts";
import {
  encodeApply,
  encodePreparation,
  type ReachedPosition,
  readApplied,
  readDivergence,
  readPrepared,
  WriterRequest,
} from "./writer_protocol.ts";
import { WrittenEvents } from "./written_events.ts";

const CLOSE_TIMEOUT_MS = 60_000;

/** What became of a batch that was applied. */
export interface WriterApplied {
  /** None if nobody wanted them. */
  readonly answers: readonly Uint8Array[];
  readonly events: StateEvents;
  readonly divergence: Divergence | null;
}

/** How a change of the state ended: with an error, or with what it did. */
export type WriterDone<T> = (
  error: Error | null,
  /** How far the database is; with an error where a new writer found it, null if there is none. */
  reached: ReachedPosition | null,
  done: T | null,
) => void;

/** The writer, wherever it runs, as the event loop sees it: a lost one is replaced. */
export class WriterThread {
  readonly #host: WriterHost;
  readonly #progress: Int32Array<SharedArrayBuffer>;
  readonly #events = new WrittenEvents();
  #restarting: Promise<ReachedPosition | null> | null = null;
  /** Whether the present preparation was told to end. */
  #aborted = false;

  private constructor(
    host: WriterHost,
    progress: Int32Array<SharedArrayBuffer>,
  ) {
    this.#host = host;
    this.#progress = progress;
  }

  /**
   * Starts the writer, which opens the database or makes it; also tells how far it is.
   * Rejects with what keeps it from being opened.
   */
  static async start(
    start: Omit<WriterStart, "progress">,
  ): Promise<{ writer: WriterThread; found: ReachedPosition }> {
    const memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const progress = new Int32Array(memory);
    const { host, opened } = await startWriterHost({ ...start, progress });
    const found = readApplied(opened);
    return { writer: new WriterThread(host, progress), found };
  }

  /** See `WriterHost`. */
  get unattended(): boolean {
    return this.#host.unattended;
  }

  /** Ends what runs now; see `WriterHost`. */
  abort(reason: string): void {
    this.#host.abort(reason);
  }

  /** Applies a batch; see `StateMachine`. After a {@linkcode WriterLostError} another writer is there. */
  apply(
    entries: readonly Entry[],
    answers: boolean,
    done: WriterDone<WriterApplied>,
  ): void {
    this.#request(encodeApply(entries, answers), (error, answer) => {
      if (error !== null) return this.#failed(error, done);
      const reached = readApplied(answer);
      const results: Uint8Array[] = [];
      const count = answer.u32();
      for (let i = 0; i < count; i++) results.push(answer.bytes());
      const events = this.#events.read(answer);
      const divergence = readDivergence(answer);
      done(null, reached, { answers: results, events, divergence });
    });
  }

  /** The place of the command that a preparation runs; see `WriterStart`. */
  get preparing(): number {
    return Atomics.load(this.#progress, 0);
  }

  /** See `PreparingMachine`. A writer that was lost leaves nothing behind, and another one is there. */
  prepare(preparation: Preparation, done: PrepareDone): void {
    Atomics.store(this.#progress, 0, 0);
    this.#aborted = false;
    this.#request(encodePreparation(preparation), (error, answer) => {
      if (error !== null) {
        const failure = this.#meaningOf(error);
        return this.#failed(
          error,
          (error) =>
            done(error instanceof WriterLostError ? failure : error, []),
        );
      }
      const ended = readPrepared(answer);
      if (ended instanceof PrepareFailedError) done(ended, []);
      else done(null, ended);
    });
  }

  /** See `PreparingMachine`. After a {@linkcode WriterLostError} it may have been committed all the same, as `reached` says. */
  commitPrepared(done: WriterDone<StateEvents>): void {
    const request = new Uint8Array([WriterRequest.commitPrepared]);
    this.#request(request, (error, answer) => {
      if (error !== null) return this.#failed(error, done);
      const ended = readPrepared(answer);
      if (ended instanceof PrepareFailedError) return done(ended, null, null);
      done(null, readApplied(answer), this.#events.read(answer));
    });
  }

  /** See `PreparingMachine`. The end of a writer is the end of its transaction. */
  rollbackPrepared(done: (error: Error | null) => void): void {
    const request = new Uint8Array([WriterRequest.rollbackPrepared]);
    this.#request(request, (error) => {
      if (error === null) return done(null);
      this.#failed(
        error,
        (error) => done(error instanceof WriterLostError ? null : error),
      );
    });
  }

  /** See `PreparingMachine`. */
  abortPrepare(): boolean {
    if (!this.#host.abortable) return false;
    this.#aborted = true;
    this.#host.abort("a write ran for too long");
    return true;
  }

  /** Makes everything applied durable. */
  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void {
    this.#ask(WriterRequest.checkpoint, "", (answer) => answer.u53())
      .then((durable) => done(null, durable), (error) => done(error, 0));
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

  /** Ends the writer after what it was asked, a minute at most. */
  close(): Promise<void> {
    return this.#host.close(CLOSE_TIMEOUT_MS);
  }

  /** Asks the writer; one that died idle is no fault of this request. */
  #request(message: Uint8Array, done: Answered): void {
    if (this.#host.alive) return this.#host.request(message, done);
    this.#restart().then(
      () => this.#host.request(message, done),
      (error) => done(error, NO_ANSWER),
    );
  }

  /** What the end of the writer means for the preparation that it was at; which command is to blame is not known. */
  #meaningOf(error: Error): PrepareFailedError {
    if (this.#aborted) {
      const message = "The write ran for too long on the leader";
      return new PrepareFailedError("timeout", message, null);
    }
    const large = error instanceof ChildOverLimitError;
    const reason = large ? "too_large" : "internal";
    return new PrepareFailedError(reason, error.message, null);
  }

  #failed<T>(error: Error, done: WriterDone<T>): void {
    if (!(error instanceof WriterLostError)) return done(error, null, null);
    this.#restart().then(
      (found) => done(error, found, null),
      (failure) => done(failure, null, null),
    );
  }

  /** All who find it lost wait for the same new writer. */
  #restart(): Promise<ReachedPosition | null> {
    this.#restarting ??= this.#startAgain().finally(() => {
      this.#restarting = null;
    });
    return this.#restarting;
  }

  async #startAgain(): Promise<ReachedPosition | null> {
    const opened = await this.#host.restart();
    return opened === null ? null : readApplied(opened);
  }

  /** What is asked here changes nothing that another writer would not find. */
  async #ask<T>(
    kind: number,
    path: string,
    read: (answer: ByteReader) => T,
  ): Promise<T> {
    try {
      return await this.#once(kind, path, read);
    } catch (error) {
      if (!(error instanceof WriterLostError)) throw error;
    }
    await this.#restart();
    return await this.#once(kind, path, read);
  }

  #once<T>(
    kind: number,
    path: string,
    read: (answer: ByteReader) => T,
  ): Promise<T> {
    const request = new ByteWriter(256).u8(kind).text(path);
    return new Promise((resolve, reject) =>
      this.#host.request(request.finish(), (error, answer) => {
        if (error !== null) reject(error);
        else resolve(read(answer));
      })
    );
  }
}
