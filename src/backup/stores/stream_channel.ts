import { HiqliteError } from "../../errors.ts";

/** An error as it crosses from one thread to another. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
}

/** What belongs to one stream between two threads. */
export type StreamFrame =
  & { readonly stream: number }
  & (
    /** The reader wants the next piece. */
    | { readonly kind: "pull" }
    | { readonly kind: "piece"; readonly bytes: Uint8Array<ArrayBuffer> }
    | { readonly kind: "end" }
    | { readonly kind: "failed"; readonly error: PlainError }
    /** The reader wants no more. */
    | { readonly kind: "cancel" }
  );

/** Hands a frame to the other thread, with the buffers that move there. */
export type PostFrame = (frame: StreamFrame, moved: ArrayBuffer[]) => void;

interface IncomingStream {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Ends the wait of the reader. */
  answered: () => void;
}

/** Streams between two threads, a piece at a time: none is sent before somebody wants it. */
export class StreamChannel {
  readonly #post: PostFrame;
  readonly #outgoing = new Map<
    number,
    ReadableStreamDefaultReader<Uint8Array>
  >();
  readonly #incoming = new Map<number, IncomingStream>();

  /** Both ends make one, and give each the frames of the other. */
  constructor(post: PostFrame) {
    this.#post = post;
  }

  /** Whether nothing is under way. */
  get isQuiet(): boolean {
    return this.#outgoing.size === 0 && this.#incoming.size === 0;
  }

  /** Offers a stream under a number. */
  offer(stream: number, source: ReadableStream<Uint8Array>): void {
    this.#outgoing.set(stream, source.getReader());
  }

  /** Takes back an offer that nobody reads any more. */
  async withdraw(stream: number, reason: unknown): Promise<void> {
    const reader = this.#outgoing.get(stream);
    this.#outgoing.delete(stream);
    await reader?.cancel(reason).catch(() => {});
  }

  /** The stream that the other end offers under a number. */
  accept(stream: number): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#incoming.set(stream, { controller, answered: () => {} });
      },
      pull: () =>
        new Promise((resolve) => {
          const incoming = this.#incoming.get(stream);
          if (incoming === undefined) return resolve();
          incoming.answered = resolve;
          this.#post({ stream, kind: "pull" }, []);
        }),
      cancel: () => {
        this.#incoming.delete(stream);
        this.#post({ stream, kind: "cancel" }, []);
      },
    }, { highWaterMark: 1 });
  }

  /** Takes a frame of the other end. */
  handle(frame: StreamFrame): void {
    if (frame.kind === "pull") void this.#sendPiece(frame.stream);
    else if (frame.kind === "cancel") void this.withdraw(frame.stream, null);
    else this.#take(frame);
  }

  /** Ends all that is under way. */
  failAll(error: Error): void {
    for (const stream of [...this.#outgoing.keys()]) {
      void this.withdraw(stream, error);
    }
    for (const [stream, { controller, answered }] of this.#incoming) {
      this.#incoming.delete(stream);
      controller.error(error);
      answered();
    }
  }

  #take(
    frame: StreamFrame & { readonly kind: "piece" | "end" | "failed" },
  ): void {
    const incoming = this.#incoming.get(frame.stream);
    if (incoming === undefined) return;
    const { controller, answered } = incoming;
    if (frame.kind === "piece") controller.enqueue(frame.bytes);
    else {
      this.#incoming.delete(frame.stream);
      if (frame.kind === "end") controller.close();
      else controller.error(restoredError(frame.error));
    }
    answered();
  }

  async #sendPiece(stream: number): Promise<void> {
    const reader = this.#outgoing.get(stream);
    if (reader === undefined) return;
    try {
      const { done, value } = await reader.read();
      if (done) {
        this.#outgoing.delete(stream);
        return this.#post({ stream, kind: "end" }, []);
      }
      // What is a part of something moves as a copy: the rest may be needed here.
      const whole = value.byteLength === value.buffer.byteLength;
      const bytes = (whole ? value : value.slice()) as Uint8Array<ArrayBuffer>;
      this.#post({ stream, kind: "piece", bytes }, [bytes.buffer]);
    } catch (error) {
      this.#outgoing.delete(stream);
      this.#post({ stream, kind: "failed", error: plainError(error) }, []);
    }
  }
}

/** What is left of an error on its way to another thread. */
export function plainError(error: unknown): PlainError {
  const code = error instanceof HiqliteError ? error.code : "storage";
  return { code, message: error instanceof Error ? error.message : `${error}` };
}

/** The error that came from another thread. */
export function restoredError({ code, message }: PlainError): HiqliteError {
  return new HiqliteError(code as HiqliteError["code"], message);
}
