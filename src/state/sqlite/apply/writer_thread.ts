import type { Entry, LogIndex } from "../../../raft/types.ts";
import { type ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { NO_EVENTS, type StateEvents, WriterLostError } from "../../port.ts";
import type { WriterHost } from "../thread/host.ts";
import { startWriterHost, type WriterStart } from "./writer_host.ts";
import {
  encodeApply,
  type ReachedPosition,
  readApplied,
  WriterRequest,
} from "./writer_protocol.ts";
import { WrittenEvents } from "./written_events.ts";

const CLOSE_TIMEOUT_MS = 60_000;

/** How applying a batch ended; see `StateMachine`. */
export type BatchDone = (
  error: Error | null,
  /** How far the database is; with an error where a new writer found it, null if there is none. */
  reached: ReachedPosition | null,
  answers: readonly Uint8Array[],
  events: StateEvents,
) => void;

/** The writer, wherever it runs, as the event loop sees it: a lost one is replaced. */
export class WriterThread {
  readonly #host: WriterHost;
  readonly #events = new WrittenEvents();
  #restarting: Promise<ReachedPosition | null> | null = null;

  private constructor(host: WriterHost) {
    this.#host = host;
  }

  /**
   * Starts the writer, which opens the database or makes it; also tells how far it is.
   * Rejects with what keeps it from being opened.
   */
  static async start(
    start: WriterStart,
  ): Promise<{ writer: WriterThread; found: ReachedPosition }> {
    const { host, opened } = await startWriterHost(start);
    return { writer: new WriterThread(host), found: readApplied(opened) };
  }

  /** Ends what runs now; see `WriterHost`. */
  abort(reason: string): void {
    this.#host.abort(reason);
  }

  /** Applies a batch; see `StateMachine`. After a {@linkcode WriterLostError} another writer is there. */
  apply(
    entries: readonly Entry[],
    answers: boolean,
    done: BatchDone,
  ): void {
    const send = (): void =>
      this.#host.request(encodeApply(entries, answers), (error, answer) => {
        if (error !== null) return this.#failed(error, done);
        const reached = readApplied(answer);
        const results: Uint8Array[] = [];
        const count = answer.u32();
        for (let i = 0; i < count; i++) results.push(answer.bytes());
        done(null, reached, results, this.#events.read(answer));
      });
    // One that died idle is no fault of these entries.
    if (this.#host.alive) send();
    else {
      this.#restart().then(send, (error) => done(error, null, [], NO_EVENTS));
    }
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

  #failed(error: Error, done: BatchDone): void {
    if (!(error instanceof WriterLostError)) {
      return done(error, null, [], NO_EVENTS);
    }
    this.#restart().then(
      (found) => done(error, found, [], NO_EVENTS),
      (failure) => done(failure, null, [], NO_EVENTS),
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
