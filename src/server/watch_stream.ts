import { watchEventText } from "../api/cache_events.ts";
import type { CacheWatchEvent } from "../node/port.ts";

/** So often something is sent, so that either side sees when the other is gone, ms. */
const SIGN_MS = 15_000;

/** How long a client may take nothing of an event that it began to take, ms. */
const STALL_MS = 30_000;
/** Bytes that are handed over at once: the connection of a client which does not read keeps a few times as much. */
const CHUNK_BYTES = 64 * 1024;

const encoder = new TextEncoder();
/** What events are as bytes, while somebody has them: what many watches tell is encoded once. */
const encodings = new WeakMap<CacheWatchEvent, Uint8Array>();

/**
 * What a watch tells, as server-sent events. Each is asked for when the client has taken the one
 * before, so that one which does not read costs nothing. Ends when the watch does, or when a client
 * leaves an event half read: it goes on from its last position.
 */
export function watchStream(
  watch: (signal: AbortSignal) => AsyncIterable<CacheWatchEvent>,
  signMs = SIGN_MS,
  stallMs = STALL_MS,
): ReadableStream<Uint8Array> {
  const ended = new AbortController();
  const events = watch(ended.signal)[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<CacheWatchEvent>> | null = null;
  let rest: Uint8Array = new Uint8Array(0);
  let stall: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    clearTimeout(stall);
    rest = new Uint8Array(0);
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
    async pull(controller) {
      clearTimeout(stall);
      if (rest.length > 0) return tell(controller);
      next ??= events.next();
      const told = await within(signMs, next);
      if (ended.signal.aborted) return;
      if (told === "late") return controller.enqueue(encoder.encode(": \n\n"));
      next = null;
      if (told === "failed" || told.done) return controller.close();
      rest = encoded(told.value);
      tell(controller);
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

function encoded(event: CacheWatchEvent): Uint8Array {
  let bytes = encodings.get(event);
  if (bytes === undefined) {
    bytes = encoder.encode(watchEventText(event));
    encodings.set(event, bytes);
  }
  return bytes;
}

/** What is told in time. A watch fails when its member stops: the client goes on at another one. */
async function within<T>(
  ms: number,
  told: Promise<T>,
): Promise<T | "late" | "failed"> {
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), ms);
  try {
    return await Promise.race([
      told.catch(() => "failed" as const),
      late.promise,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
