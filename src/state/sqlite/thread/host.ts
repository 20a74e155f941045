import type { ByteReader } from "../../../util/bytes.ts";
import { WriterLostError } from "../../port.ts";
import { type Answered, closedError } from "./answers.ts";

/** Opening a database may recover a long WAL. */
const START_MS = 60_000;

/** One life of what serves requests in order, beside the event loop: a Worker, or a process. */
export interface HostLife {
  /** Requests sent and not answered. */
  readonly pending: number;
  /** Whether it can still answer. */
  readonly alive: boolean;
  /** Whether what runs in it can be ended for certain, and leaves nothing behind. */
  readonly abortable: boolean;
  /** Whether it does what it was asked while the thread that asked stands still. */
  readonly unattended: boolean;
  /** Sends a request; `done` is called later, never at once. */
  request(message: Uint8Array, done: Answered): void;
  /** Ends what runs now; what was asked fails with {@linkcode WriterLostError}. It may survive that. */
  abort(reason: string): void;
  /** Ends it after what it was asked; after `timeoutMs` without waiting any longer. Idempotent. */
  close(timeoutMs: number): Promise<void>;
}

/** Starts a life; `opened` gets the answer to its options. */
export type StartLife = (opened: Answered) => HostLife;

/** Where the writer runs: it can be lost without the member, and started again. */
export interface WriterHost {
  /** Whether the present writer can still answer. */
  readonly alive: boolean;
  /** Whether {@linkcode abort} ends what runs for certain: a thread may run on in SQLite, and keep the database locked. */
  readonly abortable: boolean;
  /** Whether it does what it was asked while the thread that asked stands still: a pipe moves only with an event loop. */
  readonly unattended: boolean;
  /** Sends a request; `done` is called later. Fails with {@linkcode WriterLostError} when the writer dies. */
  request(message: Uint8Array, done: Answered): void;
  /** Ends what runs now: by an interrupt where the driver has one, else with the writer. */
  abort(reason: string): void;
  /** Makes sure that a writer is there, on the same database; answers what it says of it, or null if the old one lives. */
  restart(): Promise<ByteReader | null>;
  /** Ends the writer after what it was asked; after `timeoutMs` without waiting any longer. Idempotent. */
  close(timeoutMs: number): Promise<void>;
}

/** A {@linkcode WriterHost} of one life after another. */
export class RestartableHost implements WriterHost {
  readonly #start: StartLife;
  #life: HostLife;
  #closing: Promise<void> | null = null;

  private constructor(start: StartLife, life: HostLife) {
    this.#start = start;
    this.#life = life;
  }

  /** Begins the first life; rejects with what keeps it from beginning. */
  static async start(
    start: StartLife,
  ): Promise<{ host: RestartableHost; opened: ByteReader }> {
    const { life, opened } = await begin(start);
    return { host: new RestartableHost(start, life), opened };
  }

  /** See `WriterHost`. */
  get alive(): boolean {
    return this.#life.alive;
  }

  /** See `WriterHost`. */
  get abortable(): boolean {
    return this.#life.abortable;
  }

  /** See `WriterHost`. */
  get unattended(): boolean {
    return this.#life.unattended;
  }

  /** See `WriterHost`. */
  request(message: Uint8Array, done: Answered): void {
    this.#life.request(message, done);
  }

  /** See `WriterHost`. */
  abort(reason: string): void {
    this.#life.abort(reason);
  }

  /** See `WriterHost`. */
  async restart(): Promise<ByteReader | null> {
    if (this.#closing !== null) throw closedError();
    if (this.#life.alive) return null;
    await this.#life.close(0);
    const { life, opened } = await begin(this.#start);
    this.#life = life;
    if (this.#closing !== null) {
      await life.close(0);
      throw closedError();
    }
    return opened;
  }

  /** See `WriterHost`. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#life.close(timeoutMs);
    return this.#closing;
  }
}

async function begin(
  start: StartLife,
): Promise<{ life: HostLife; opened: ByteReader }> {
  const opened = Promise.withResolvers<ByteReader>();
  const timer = setTimeout(
    () => life.abort(`it did not start within ${START_MS} ms`),
    START_MS,
  );
  const life = start((error, answer) => {
    if (error === null) opened.resolve(answer);
    else opened.reject(error);
  });
  try {
    return { life, opened: await opened.promise };
  } catch (error) {
    await life.close(0);
    throw error instanceof WriterLostError
      ? new Error(`The writer did not start: ${error.message}`, {
        cause: error,
      })
      : error;
  } finally {
    clearTimeout(timer);
  }
}
