import { errorEventText } from "../api/server_event.ts";
import { HiqliteError } from "../errors.ts";

/** So often something is sent, so that either side sees when the other is gone, ms. */
const SIGN_MS = 15_000;

/** How long a client may take nothing of an event that it began to take, ms. */
const STALL_MS = 30_000;
/** Bytes that are handed over at once: the connection of a client which does not read keeps a few times as much. */
const CHUNK_BYTES = 64 * 1024;

const encoder = new TextEncoder();
/** What events are as bytes, while somebody has them: what many streams tell is encoded once. */
const encodings = new WeakMap<object, Uint8Array>();

/** Events on their way to a client. */
export interface EventStream<T> {
  readonly events: AsyncIterator<T>;
  /** Aborts what makes the events, when the client is gone. */
  readonly ended: AbortController;
  /** An event as text. */
  text(event: T): string;
  /** What is said when there can be nothing more. @default an event that tells it */
  error?(why: HiqliteError): string;
  /** What is said at the beginning, and when nothing was told for a while. @default a comment, and not at the beginning */
  sign?(): string;
  /** Calls what it is given once the client may hear no more, until the returned function is called. */
  lasts(end: (why: HiqliteError) => void): () => void;
  /** @default {15_000} */
  readonly signMs?: number | undefined;
  /** @default {30_000} */
  readonly stallMs?: number | undefined;
}

/**
 * Events as server-sent events. Each is asked for when the client has taken the one before, so that one which does not
 * read costs nothing. Ends when they do, by an error with an event that tells it; when a client leaves an event half
 * read: it goes on from its last id; or when it may hear no more, with an event that says why.
 */
export function eventStream<T extends object>(
  stream: EventStream<T>,
): ReadableStream<Uint8Array> {
  const { events, ended, text, sign, lasts } = stream;
  const { signMs = SIGN_MS, stallMs = STALL_MS } = stream;
  const { error: errorText = errorEventText } = stream;
  let next: Promise<IteratorResult<T>> | null = null;
  let rest: Uint8Array = sign === undefined
    ? new Uint8Array(0)
    : encoder.encode(sign());
  let stall: ReturnType<typeof setTimeout> | undefined;
  let unwatch = (): void => {};
  const end = (): void => {
    clearTimeout(stall);
    rest = new Uint8Array(0);
    unwatch();
    ended.abort();
    // One that waits for nothing ends only when it is asked to.
    void events.return?.();
  };
  const tell = (
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): void => {
    controller.enqueue(rest.subarray(0, CHUNK_BYTES));
    rest = rest.subarray(CHUNK_BYTES);
    if (rest.length === 0) return;
    stall = setTimeout(() => {
      end();
      controller.close();
    }, stallMs);
  };
  return new ReadableStream({
    start(controller) {
      unwatch = lasts((why) => {
        // In the middle of an event nothing can be said.
        if (rest.length === 0) {
          controller.enqueue(encoder.encode(errorText(why)));
        }
        end();
        controller.close();
      });
    },
    async pull(controller) {
      clearTimeout(stall);
      if (rest.length > 0) return tell(controller);
      next ??= events.next();
      const told = await within(signMs, next);
      if (ended.signal.aborted) return;
      if (told === "late") {
        return controller.enqueue(encoder.encode(sign?.() ?? ": \n\n"));
      }
      next = null;
      if ("error" in told || told.done) {
        const error = "error" in told ? told.error : null;
        if (error instanceof HiqliteError) {
          controller.enqueue(encoder.encode(errorText(error)));
        }
        unwatch();
        return controller.close();
      }
      rest = encoded(told.value, text);
      tell(controller);
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

function encoded<T extends object>(
  event: T,
  text: (event: T) => string,
): Uint8Array {
  let bytes = encodings.get(event);
  if (bytes === undefined) {
    bytes = encoder.encode(text(event));
    encodings.set(event, bytes);
  }
  return bytes;
}

/** What is told in time, or why there is nothing more. */
async function within<T>(
  ms: number,
  told: Promise<T>,
): Promise<T | "late" | { readonly error: unknown }> {
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), ms);
  try {
    return await Promise.race([
      told.catch((error: unknown) => ({ error })),
      late.promise,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
