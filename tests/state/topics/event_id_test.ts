import assert from "node:assert/strict";
import {
  epochOf,
  eventId,
  parseEventId,
} from "../../../src/state/topics/event_id.ts";

Deno.test("an event's id says of which cluster it is, in which entry, and which number it has", () => {
  const epoch = epochOf("0194f1c2-a3b4-7c5d-8e6f-001122334455");
  assert.equal(epoch, "0194f1c2a3b4");
  const place = { epoch, index: 12, number: 2 ** 53 - 1 };
  assert.equal(eventId(place), "0194f1c2a3b4-12-9007199254740991");
  assert.deepEqual(parseEventId(eventId(place), "since"), place);
});

Deno.test("parseEventId() refuses what is none, and says what it expects", () => {
  for (
    const text of [
      "",
      "1-2",
      "0194f1c2a3b4-1",
      "0194f1c2a3b4--1-1",
      "0194F1C2A3B4-1-1",
      "0194f1c2a3b4-1-1 ",
      "0194f1c2a3b4-1-9007199254740992",
      "0194f1c2a3b-1-1",
    ]
  ) {
    assert.throws(
      () => parseEventId(text, "since"),
      /^HiqliteError: since: expected the id of an event, <12 hex digits>-<index>-<number>, got "/,
      text,
    );
  }
});
