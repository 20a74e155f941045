import type { EventData, TopicUpdate } from "../client/topics/types.ts";

/** What a listener hears, for people: an event as its id, topic and data, bytes as base64. */
export function eventLine(update: TopicUpdate): string {
  switch (update.kind) {
    case "event": {
      const { id, topic, data } = update;
      return `${id}\t${topic}\t${shown(data)}`;
    }
    case "lagged":
      return `${update.missed} events after ${update.from} are not kept any more`;
    case "reset":
      return `What came after ${update.from} is not known; going on from ${update.id}`;
  }
}

/** A text that would break its line as JSON. */
function shown(data: EventData): string {
  if (data instanceof Uint8Array) return data.toBase64();
  // deno-lint-ignore no-control-regex
  return typeof data === "string" && !/[\x00-\x1f\x7f]/.test(data)
    ? data
    : JSON.stringify(data);
}
