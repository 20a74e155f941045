import { topicMessageText } from "../api/topics.ts";
import type { MemberTopics } from "../node/port.ts";
import type { EventStream } from "./event_stream.ts";
import { watchStream } from "./watch_stream.ts";

/** So often a client that hears nothing is told where it is, ms: it would otherwise fall behind what is kept. */
const PLACES_MS = 15_000;

/** What is published under these topics, separated by commas, from a place on, as server-sent events. */
export function topicStream(
  member: { readonly topics: MemberTopics },
  topics: string,
  since: string | undefined,
  lasts: EventStream<object>["lasts"],
): ReadableStream<Uint8Array> {
  return watchStream(
    (signal) =>
      member.topics.listen({
        topics: topics.split(","),
        ...(since === undefined ? {} : { since }),
        placesMs: PLACES_MS,
        signal,
      }),
    topicMessageText,
    lasts,
  );
}
