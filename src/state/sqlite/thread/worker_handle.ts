import { type ErrorCode, HiqliteError } from "../../../errors.ts";
import { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { StateDamagedError } from "../../port.ts";
import { CallerEnd, createChannelMemory, WorkerEnd } from "./channel.ts";

const OK = 0;
const FAILED = 1;
const DAMAGED = 2;
const CLOSE = new Uint8Array(0);

/** Receives the answer to a request. */
export type Answered = (error: Error | null, answer: ByteReader) => void;

const NO_ANSWER = new ByteReader(new Uint8Array(0));

/** What is said to whoever asks a database that was closed. */
export function closedError(): HiqliteError {
  return new HiqliteError("shutting_down", "The database is closed");
}

/** What a Worker gets before its first request. */
export interface WorkerInit<T> {
  readonly memory: SharedArrayBuffer;
  readonly options: T;
}

/**
 * A Worker that serves requests in order. When it dies of an error, every request
 * waiting and to come fails with it.
 */
export class WorkerHandle {
  readonly #worker: Worker;
  readonly #channel: CallerEnd;
  readonly #waiting: Answered[] = [];
  #broken: Error | null = null;
  #closed: Promise<void> | null = null;

  /** Starts serving with `worker`; `opened` gets the answer to its options. */
  constructor(
    worker: Worker,
    init: { readonly ringBytes: number; readonly options: unknown },
    opened: Answered,
  ) {
    this.#worker = worker;
    const memory = createChannelMemory(init.ringBytes);
    this.#channel = new CallerEnd(memory, (message) => this.#answer(message));
    worker.onerror = (event) => {
      event.preventDefault();
      this.#break(new Error(`A database thread died: ${event.message}`));
    };
    this.#waiting.push(opened);
    const message: WorkerInit<unknown> = { memory, options: init.options };
    worker.postMessage(message);
  }

  /** Requests sent and not answered. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Sends a request; `done` is called later, never at once. */
  request(message: Uint8Array, done: Answered): void {
    const broken = this.#broken;
    if (broken !== null) {
      queueMicrotask(() => done(broken, NO_ANSWER));
      return;
    }
    this.#waiting.push(done);
    this.#channel.send(message);
  }

  /** Ends the Worker after what it was asked; after `timeoutMs` without waiting any longer. Idempotent. */
  close(timeoutMs: number): Promise<void> {
    this.#closed ??= this.#close(timeoutMs);
    return this.#closed;
  }

  async #close(timeoutMs: number): Promise<void> {
    if (this.#broken === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      this.request(CLOSE, () => resolve());
      await promise;
      clearTimeout(timer);
    }
    this.#break(closedError());
    this.#channel.close();
    this.#worker.terminate();
  }

  #answer(message: Uint8Array): void {
    const done = this.#waiting.shift();
    const reader = new ByteReader(message);
    const error = readError(reader);
    done?.(error, error === null ? reader : NO_ANSWER);
  }

  #break(error: Error): void {
    if (this.#broken !== null) return;
    this.#broken = error;
    for (const done of this.#waiting.splice(0)) done(error, NO_ANSWER);
  }
}

/** The error that an answer is, or null: then the answer follows. */
export function readError(answer: ByteReader): Error | null {
  const kind = answer.u8();
  if (kind === OK) return null;
  if (kind === DAMAGED) return new StateDamagedError(answer.text());
  const code = answer.text();
  const text = answer.text();
  return code === ""
    ? new Error(text)
    : new HiqliteError(code as ErrorCode, text);
}

/** An answer, to be filled. */
export function okAnswer(capacity = 64): ByteWriter {
  return new ByteWriter(capacity).u8(OK);
}

/** An answer that is an error. */
export function errorAnswer(error: unknown): Uint8Array {
  if (error instanceof StateDamagedError) {
    return new ByteWriter().u8(DAMAGED).text(error.message).finish();
  }
  const writer = new ByteWriter().u8(FAILED);
  writer.text(error instanceof HiqliteError ? error.code : "");
  const message = error instanceof Error ? error.message : String(error);
  return writer.text(message).finish();
}

/** What serves the requests of a Worker. */
export interface Served {
  /** The answer to the options. */
  readonly opened: ByteWriter;
  /** Answers one request. */
  answer(request: ByteReader): ByteWriter;
  /** Called after the answer has left. */
  idle?(): void;
  /** Called at the end. */
  close(): void;
}

/** Serves requests in the present Worker until it is told to close: blocks its thread for good. */
export function serveRequests<T>(
  open: (options: T) => Served | Promise<Served>,
): void {
  const scope = self as unknown as {
    onmessage: ((event: MessageEvent<WorkerInit<T>>) => void) | null;
    close(): void;
  };
  scope.onmessage = async ({ data }) => {
    const channel = new WorkerEnd(data.memory);
    let served;
    try {
      served = await open(data.options);
    } catch (error) {
      channel.send(errorAnswer(error));
      return scope.close();
    }
    channel.send(served.opened.finish());
    for (;;) {
      const request = channel.receive();
      if (request.length === 0) break;
      let answer: Uint8Array;
      try {
        answer = served.answer(new ByteReader(request)).finish();
      } catch (error) {
        answer = errorAnswer(error);
      }
      channel.send(answer);
      served.idle?.();
    }
    served.close();
    channel.send(okAnswer().finish());
    scope.close();
  };
}
