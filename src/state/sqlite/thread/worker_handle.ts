import { ByteReader } from "../../../util/bytes.ts";
import { WriterLostError } from "../../port.ts";
import {
  type Answered,
  answerTo,
  closedError,
  errorAnswer,
  NO_ANSWER,
  okAnswer,
  readError,
  type Served,
} from "./answers.ts";
import { CallerEnd, createChannelMemory, WorkerEnd } from "./channel.ts";
import type { HostLife } from "./host.ts";
import type { Interrupts } from "./interrupts.ts";

const CLOSE = new Uint8Array(0);
/** What an interrupted request may still take before its Worker is given up, where nobody says otherwise, ms. */
const INTERRUPT_MS = 1000;
/** An interrupt that comes between two statements has no effect, so it is repeated. */
const INTERRUPT_EVERY_MS = 10;

/** What a Worker gets before its first request. */
export interface WorkerInit<T> {
  readonly memory: SharedArrayBuffer;
  readonly options: T;
}

/** How a {@linkcode WorkerHandle} begins. */
export interface WorkerStart {
  readonly ringBytes: number;
  readonly options: unknown;
  /** Interrupts what runs on a connection of another thread; only where the driver can. */
  readonly interrupt?: ((handle: bigint) => void) | undefined;
  /** What an interrupted request may still take before the Worker is given up, ms. @default {1000} */
  readonly interruptMs?: number;
}

interface Aborting {
  readonly error: WriterLostError;
  readonly timer: ReturnType<typeof setTimeout>;
  readonly again: ReturnType<typeof setInterval>;
}

/**
 * A Worker that serves requests in order. When it dies of an error, every request
 * waiting and to come fails with it.
 */
export class WorkerHandle implements HostLife {
  readonly #worker: Worker;
  readonly #channel: CallerEnd;
  readonly #interrupt: ((handle: bigint) => void) | undefined;
  readonly #interruptMs: number;
  readonly #waiting: Answered[] = [];
  #broken: Error | null = null;
  #aborting: Aborting | null = null;
  #closed: Promise<void> | null = null;

  /** Starts serving with `worker`; `opened` gets the answer to its options. */
  constructor(worker: Worker, init: WorkerStart, opened: Answered) {
    this.#worker = worker;
    this.#interrupt = init.interrupt;
    this.#interruptMs = init.interruptMs ?? INTERRUPT_MS;
    const memory = createChannelMemory(init.ringBytes);
    this.#channel = new CallerEnd(memory, (message) => this.#answer(message));
    worker.onerror = (event) => {
      event.preventDefault();
      this.#break(
        new WriterLostError(`A database thread died: ${event.message}`),
      );
    };
    this.#waiting.push((error, answer) => {
      // It could not begin, and has ended.
      this.#broken ??= error;
      opened(error, answer);
    });
    const message: WorkerInit<unknown> = { memory, options: init.options };
    worker.postMessage(message);
  }

  /** See `HostLife`. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** See `HostLife`. */
  get alive(): boolean {
    return this.#broken === null;
  }

  /** See `HostLife`. */
  get unattended(): boolean {
    return true;
  }

  /** See `HostLife`. */
  get abortable(): boolean {
    return this.#interrupt !== undefined;
  }

  /** See `HostLife`. */
  request(message: Uint8Array, done: Answered): void {
    const broken = this.#broken;
    if (broken !== null) {
      queueMicrotask(() => done(broken, NO_ANSWER));
      return;
    }
    this.#waiting.push(done);
    this.#channel.send(message);
  }

  /** See `HostLife`. What hears no interrupt in time ends after what it runs; without an interrupt the thread is given up at once: in SQLite it may run on, and nothing waits for it. */
  abort(reason: string): void {
    if (this.#broken !== null || this.#waiting.length === 0) return;
    const error = new WriterLostError(reason);
    const interrupt = this.#interrupt;
    if (interrupt === undefined) return this.#giveUp(error);
    if (this.#aborting !== null) return;
    const shoot = (): void => this.#channel.interrupt(interrupt);
    const timer = setTimeout(() => this.#giveUp(error), this.#interruptMs);
    const again = setInterval(shoot, INTERRUPT_EVERY_MS);
    this.#aborting = { error, timer, again };
    shoot();
  }

  /** See `HostLife`. */
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
    this.#giveUp(closedError());
  }

  #giveUp(error: Error): void {
    this.#break(error);
    unreference(this.#worker);
    // Ended now, it would leave its connection open for good, with all that this holds, where no garbage collector knows of that.
    if (this.#interrupt !== undefined) return this.#channel.giveUp();
    this.#channel.close();
    this.#worker.terminate();
  }

  #answer(message: Uint8Array): void {
    const done = this.#waiting.shift();
    const reader = new ByteReader(message);
    const failed = readError(reader);
    const aborting = this.#aborting;
    this.#endAbort();
    const error = failed === null ? null : aborting?.error ?? failed;
    done?.(error, error === null ? reader : NO_ANSWER);
  }

  #endAbort(): void {
    if (this.#aborting === null) return;
    clearTimeout(this.#aborting.timer);
    clearInterval(this.#aborting.again);
    this.#aborting = null;
  }

  #break(error: Error): void {
    if (this.#broken !== null) return;
    this.#broken = error;
    this.#endAbort();
    for (const done of this.#waiting.splice(0)) done(error, NO_ANSWER);
  }
}

/**
 * Lets a program end by itself while a Worker may be stuck in native code: the runtime waits for
 * such a thread otherwise. Only the Workers of `node:worker_threads` have a name for that, by the
 * method that is called here.
 */
function unreference(worker: Worker): void {
  const [unreference] = Object.getOwnPropertySymbols(Worker.prototype);
  const methods = worker as unknown as Record<symbol, unknown>;
  const method = unreference === undefined ? null : methods[unreference];
  if (typeof method === "function") method.call(worker, false);
}

/** Serves requests in the present Worker until it is told to close: blocks its thread for good. */
export function serveRequests<T>(
  open: (options: T, interrupts: Interrupts) => Served | Promise<Served>,
): void {
  const scope = self as unknown as {
    onmessage: ((event: MessageEvent<WorkerInit<T>>) => void) | null;
    close(): void;
  };
  scope.onmessage = async ({ data }) => {
    const channel = new WorkerEnd(data.memory);
    let served;
    try {
      served = await open(data.options, channel);
    } catch (error) {
      channel.send(errorAnswer(error));
      return scope.close();
    }
    channel.interruptible = () => served.interruptHandle ?? 0n;
    channel.send(served.opened.finish());
    for (;;) {
      const request = channel.receive();
      if (request.length === 0) break;
      const answer = answerTo(served, request);
      channel.offer();
      channel.send(answer);
      // Who interrupts what was answered may not have heard that it was.
      channel.spare(() => served.idle?.());
    }
    // Whoever still interrupts what ran before would do so by what is freed here.
    channel.interruptible = () => 0n;
    served.close();
    channel.send(okAnswer().finish());
    scope.close();
  };
}
