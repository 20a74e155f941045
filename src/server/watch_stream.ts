import { type EventStream, eventStream } from "./event_stream.ts";

/** Of a response with such a stream. */
export const STREAM_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
};

/** What a watch tells, as server-sent events, whose text is `textOf` one; see {@linkcode eventStream}. */
export function watchStream<T extends object>(
  watch: (signal: AbortSignal) => AsyncIterable<T>,
  textOf: (event: T) => string,
  lasts: EventStream<T>["lasts"],
  signMs?: number,
  stallMs?: number,
): ReadableStream<Uint8Array> {
  const ended = new AbortController();
  const events = watch(ended.signal)[Symbol.asyncIterator]();
  return eventStream({ events, ended, text: textOf, lasts, signMs, stallMs });
}
