/** A server-sent event. */
export interface SseEvent {
  readonly id?: string;
  /** `message` if the server named none. */
  readonly event: string;
  readonly data: string;
}

/** The events of a stream, as they come. Comments are left out. */
export async function* readSse(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<SseEvent> {
  let rest = "";
  const texts = stream.pipeThrough(new TextDecoderStream());
  for await (const text of chunksOf(texts)) {
    rest += text;
    const parts = rest.split(/\r?\n\r?\n/);
    rest = parts.pop()!;
    for (const part of parts) {
      const event = parsed(part);
      if (event !== null) yield event;
    }
  }
}

/** Not every browser iterates over streams by itself. */
async function* chunksOf(
  stream: ReadableStream<string>,
): AsyncGenerator<string> {
  const reader = stream.getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parsed(text: string): SseEvent | null {
  let id: string | undefined;
  let event = "message";
  const data: string[] = [];
  let any = false;
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith(":")) continue;
    const at = line.indexOf(":");
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    any = true;
    if (name === "id") id = value;
    else if (name === "event") event = value;
    else if (name === "data") data.push(value);
  }
  return any
    ? { ...(id === undefined ? {} : { id }), event, data: data.join("\n") }
    : null;
}
