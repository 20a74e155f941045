import type { ServerEvent } from "../api/server_event.ts";

/** Characters of one event; one entry has 1 MiB, and base64 or escapes make it longer. */
const EVENT_CHARS_MAX = 16 * 1024 * 1024;

/** The events of a stream. @throws {TypeError} for a stream that is none of events. */
export async function* parseServerEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  // What came since the last end of an event, in pieces: a long one is not joined again and again.
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    pieces.push(text);
    length += text.length;
    if (length > EVENT_CHARS_MAX) throw new TypeError("an event is too long");
    // Its end is two line feeds, which may have come in two chunks.
    if (!text.includes("\n")) continue;
    const blocks = pieces.join("").split("\n\n");
    const rest = blocks.pop()!;
    pieces = [rest];
    length = rest.length;
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== null) yield event;
    }
  }
}

/** An event from its lines; null for one without data that says nothing of where to go on from. */
function eventOf(block: string): ServerEvent | null {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) fields.set(name, value!);
  }
  const data = fields.get("data");
  const id = fields.get("id") ?? "";
  if (data === undefined) return id === "" ? null : { event: "", id, data };
  return {
    event: fields.get("event") ?? "message",
    id,
    data: JSON.parse(data),
  };
}
