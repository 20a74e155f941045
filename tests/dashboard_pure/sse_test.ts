import assert from "node:assert/strict";
import { readSse, type SseEvent } from "../../dashboard/sse.ts";

async function eventsOf(chunks: readonly string[]): Promise<SseEvent[]> {
  const encoder = new TextEncoder();
  const stream = ReadableStream.from(
    chunks.map((text) => encoder.encode(text)),
  );
  const events: SseEvent[] = [];
  for await (const event of readSse(stream)) events.push(event);
  return events;
}

Deno.test("server-sent events, however they are cut", async () => {
  const text =
    ": hello\n\nid: 7\nevent: orders\ndata: one\ndata:two\n\nid: 8\n\n";
  const expected = [
    { id: "7", event: "orders", data: "one\ntwo" },
    { id: "8", event: "message", data: "" },
  ];
  assert.deepEqual(await eventsOf([text]), expected);
  assert.deepEqual(await eventsOf([...text]), expected);
  assert.deepEqual(
    await eventsOf([text.replaceAll("\n", "\r\n")]),
    expected,
  );
});

Deno.test("what was not ended by an empty line is no event", async () => {
  assert.deepEqual(await eventsOf(["data: half"]), []);
});
