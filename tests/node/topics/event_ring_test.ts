import assert from "node:assert/strict";
import {
  EventRing,
  type RingEvent,
} from "../../../src/node/services/topics/event_ring.ts";

function event(number: number, bytes = 1): RingEvent {
  const data = { kind: "bytes", bytes: new Uint8Array(bytes) } as const;
  const message = { kind: "event", id: `${number}`, topic: "t", data } as const;
  return { number, index: number, message };
}

Deno.test("a ring has the latest events by their numbers, 4,096 at most", () => {
  const ring = new EventRing(10);
  assert.deepEqual([ring.start, ring.last], [10, 10]);
  for (let number = 11; number <= 20_000; number++) {
    ring.push(event(number));
    assert.equal(ring.last, number);
    assert.equal(ring.start, Math.max(10, number - 4096));
    assert.equal(ring.at(ring.start + 1).number, ring.start + 1);
    assert.equal(ring.at(number).number, number);
  }
});

Deno.test("a ring has 16 MiB of data at most", () => {
  const ring = new EventRing(0);
  for (let number = 1; number <= 100; number++) {
    ring.push(event(number, 256 * 1024));
  }
  assert.deepEqual([ring.start, ring.last], [36, 100]);
});

Deno.test("a ring has no gaps: behind one it begins anew", () => {
  const ring = new EventRing(0);
  ring.push(event(1));
  ring.push(event(2));
  ring.push(event(5));
  assert.deepEqual([ring.start, ring.last], [4, 5]);
  ring.clear(9);
  assert.deepEqual([ring.start, ring.last], [9, 9]);
  ring.push(event(10));
  assert.equal(ring.at(10).number, 10);
});
