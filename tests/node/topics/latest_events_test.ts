import assert from "node:assert/strict";
import { EventFeed } from "../../../src/group/event_feed.ts";
import type { RaftGroup } from "../../../src/group/group.ts";
import { LatestEvents } from "../../../src/node/services/topics/latest_events.ts";
import type { StateEvent } from "../../../src/state/port.ts";
import type { SqlMachine } from "../../../src/state/sql/port.ts";
import {
  NOTHING_RETAINED,
  TOPIC_EVENT,
  writeToldEvent,
} from "../../../src/state/topics/event.ts";
import { encodeShared } from "../../../src/util/bytes.ts";
import { listOf } from "../trio.ts";

/** An event of a topic as a machine tells it, with its data or without. */
function told(index: number, number: number, whole = true): StateEvent {
  const data = { kind: "text", bytes: new Uint8Array(1) } as const;
  const bytes = encodeShared((writer) =>
    writeToldEvent(writer, { number, topic: "t", data: whole ? data : null })
  );
  return { index, seq: 0, kind: TOPIC_EVENT, bytes };
}

function begin(last: number): {
  feed: EventFeed;
  latest: LatestEvents;
  reach(last: number): void;
  added(): number;
} {
  const feed = new EventFeed(10);
  const machine = { retainedEvents: { ...NOTHING_RETAINED, last } };
  let times = 0;
  const latest = new LatestEvents(
    { events: feed } as RaftGroup,
    machine as unknown as SqlMachine,
    "0123456789ab",
    () => times++,
  );
  return {
    feed,
    latest,
    reach: (last) =>
      void (machine.retainedEvents = { ...machine.retainedEvents, last }),
    added: () => times,
  };
}

Deno.test("the latest events begin behind what the machine had, and follow what it tells", async () => {
  const { feed, latest, added } = begin(4);
  assert.deepEqual([latest.ring.start, latest.ring.last], [4, 4]);
  const other = { index: 11, seq: 0, kind: "tables", bytes: new Uint8Array() };
  feed.append(listOf([other, told(11, 5), told(12, 6)]), 12);
  assert.equal(latest.ring.last, 4);
  await Promise.resolve();
  assert.deepEqual([latest.ring.start, latest.ring.last], [4, 6]);
  assert.equal(latest.ring.at(6).message.id, "0123456789ab-12-6");
  assert.equal(added(), 1);
  latest.stop();
});

Deno.test("behind a snapshot, and behind events without their data, what came before is in the table", () => {
  const { feed, latest, reach } = begin(0);
  feed.append(listOf([told(11, 1)]), 11);
  latest.take();
  reach(20);
  feed.jump(30);
  latest.take();
  assert.deepEqual([latest.ring.start, latest.ring.last], [20, 20]);
  feed.append(listOf([told(31, 21), told(31, 22, false), told(31, 23)]), 31);
  latest.take();
  assert.deepEqual([latest.ring.start, latest.ring.last], [22, 23]);
  // Nothing may follow: who waits is told all the same.
  feed.append(listOf([told(32, 24, false)]), 32);
  latest.take();
  assert.deepEqual([latest.ring.start, latest.ring.last], [24, 24]);
  reach(40);
  feed.jump(50);
  feed.append(listOf([told(51, 41)]), 51);
  latest.take();
  assert.deepEqual([latest.ring.start, latest.ring.last], [40, 41]);
  latest.stop();
});
