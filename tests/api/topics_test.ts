import assert from "node:assert/strict";
import {
  eventDataFromJson,
  topicMessageOf,
  topicMessageText,
} from "../../src/api/topics.ts";
import { NOTIFY } from "../../src/api/routes/topics.ts";
import { parseServerEvents } from "../../src/client/server_events.ts";
import type { TopicMessage } from "../../src/node/port.ts";
import type { ValueKind } from "../../src/state/stored_value.ts";

const decoder = new TextDecoder();

function event(kind: ValueKind, text: string): TopicMessage {
  const data = { kind, bytes: new TextEncoder().encode(text) };
  return { kind: "event", id: "0123456789ab-1-2", topic: "lagged", data };
}

Deno.test("what a listener hears reads back from its server-sent event", async () => {
  const id = "0123456789ab-1-2";
  const messages: TopicMessage[] = [
    event("text", "a\nb\r\n\n"),
    event("text", ""),
    event("bytes", "\0\xff"),
    event("json", "null"),
    event("json", '{"$blob":"AA=="}'),
    event("json", ' { "$json" : 7 }'),
    event("json", '[1,"\\n"]'),
    { kind: "lagged", id, from: "0123456789ab-1-1", oldest: id, missed: 7 },
    { kind: "lagged", id, from: "0123456789ab-1-1", oldest: null, missed: 7 },
    { kind: "reset", id, from: "ffffffffffff-1-1" },
    { kind: "place", id },
  ];
  const text = messages.map(topicMessageText).join(": \n\n");
  const body = new Blob([text]).stream();
  const read: TopicMessage[] = [];
  for await (const one of parseServerEvents(body)) {
    read.push(topicMessageOf(one));
  }
  assert.deepEqual(read, messages);
});

Deno.test("any JSON is taken for what an event carries, long integers as they are", () => {
  for (
    const [json, kind, text] of [
      ["text", "text", "text"],
      [{ $blob: "AAE=" }, "bytes", "\0\x01"],
      [{ $json: "[ 1 ]" }, "json", "[ 1 ]"],
      [{ $blob: "x", more: 1 }, "json", '{"$blob":"x","more":1}'],
      [{ $ref: 1 }, "json", '{"$ref":1}'],
      [[1, { a: 2n ** 62n }], "json", '[1,{"a":4611686018427387904}]'],
      [null, "json", "null"],
      [7, "json", "7"],
    ] as const
  ) {
    const data = eventDataFromJson(json, "data");
    assert.deepEqual([data.kind, decoder.decode(data.bytes)], [kind, text]);
  }
  assert.throws(
    () => NOTIFY.request!.decode({ topic: "t" }),
    /data: is missing/,
  );
});
