import assert from "node:assert/strict";
import {
  EVENTS_KEPT,
  OwnEvents,
} from "../../../src/node/telemetry/own_events.ts";
import { RefusedWrites } from "../../../src/node/telemetry/refused_writes.ts";

function eventsAt(now: { ms: number }): OwnEvents {
  return new OwnEvents(3, { monotonic: () => now.ms, wall: () => now.ms });
}

Deno.test("numbers of events grow, whatever the clock does, and go on after a restart", () => {
  const now = { ms: 1_000 };
  const events = eventsAt(now);
  assert.equal(events.newest, 0);
  events.note({ kind: "started", text: "a" });
  events.note({ kind: "leader", text: "b", group: "db", term: 4, about: 2 });
  now.ms = 500;
  events.note({ kind: "stopping", text: "c" });
  assert.deepEqual(events.after(0, 9).map(({ number }) => number), [
    1_000,
    1_001,
    1_002,
  ]);
  assert.deepEqual(events.after(1_000, 1), [{
    nodeId: 3,
    number: 1_002,
    atMs: 500,
    kind: "stopping",
    group: null,
    term: 0,
    about: null,
    text: "c",
    count: 1,
  }]);
  now.ms = 2_000;
  const again = eventsAt(now);
  again.note({ kind: "started", text: "d" });
  assert.ok(again.newest > events.newest);
});

Deno.test("the newest 2,000 events are kept, their texts up to 300 characters", () => {
  const events = eventsAt({ ms: 0 });
  for (let i = 0; i <= EVENTS_KEPT; i++) {
    events.note({ kind: "leader", text: `${i} ${"x".repeat(400)}` });
  }
  const kept = events.after(0, Infinity);
  assert.equal(kept.length, EVENTS_KEPT);
  assert.match(kept[0]!.text, /^1 x{298}$/);
});

Deno.test("the first refused write of a reason is told at once, then what gathers in ten seconds", () => {
  const now = { ms: 0 };
  const events = eventsAt(now);
  const refused = new RefusedWrites(events);
  const failures = new Map<string, number>();
  const look = (ms: number, reason: string, count: number): string[] => {
    const before = events.newest;
    now.ms = ms;
    failures.set(reason, (failures.get(reason) ?? 0) + count);
    refused.look(failures, ms);
    return events.after(before, 9).map(({ text, count }) =>
      `${count}: ${text}`
    );
  };
  assert.deepEqual(look(1_000, "constraint", 5), []);
  assert.deepEqual(look(2_000, "no_leader", 1), [
    "1: a write failed: no_leader",
  ]);
  assert.deepEqual(look(3_000, "no_leader", 2), []);
  assert.deepEqual(look(4_000, "disk_full", 3), [
    "3: 3 writes failed: disk_full",
  ]);
  assert.deepEqual(look(11_999, "no_leader", 4), []);
  assert.deepEqual(look(12_000, "no_leader", 0), [
    "6: 6 writes failed: no_leader",
  ]);
  assert.deepEqual(look(30_000, "no_leader", 0), []);
});
