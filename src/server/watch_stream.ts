import { watchEventText } from "../api/cache_events.ts";
import type { CacheWatchEvent } from "../node/port.ts";

/** So often something is sent, so that either side sees when the other is gone, ms. */
const SIGN_MS = 15_000;

const encoder = new TextEncoder();

/**
 * What a watch tells, as server-sent events. Each is asked for when the client has taken the one
 * before, so that one which does not read costs nothing. Ends when the watch does.
 */
export function watchStream(
  watch: (signal: AbortSignal) => AsyncIterable<CacheWatchEvent>,
  signMs = SIGN_MS,
): ReadableStream<Uint8Array> {
  const ended = new AbortController();
  const events = watch(ended.signal)[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<CacheWatchEvent>> | null = null;
  return new ReadableStream({
    async pull(controller) {
      next ??= events.next();
      const told = await within(signMs, next);
      if (ended.signal.aborted) return;
      if (told === "late") return controller.enqueue(encoder.encode(": \n\n"));
      next = null;
      if (told === "failed" || told.done) return controller.close();
      controller.enqueue(encoder.encode(watchEventText(told.value)));
    },
    cancel: () => ended.abort(),
  }, { highWaterMark: 0 });
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
