import assert from "node:assert/strict";
import {
  encodeLockEvent,
  lockEventIn,
} from "../../../src/state/locks/events.ts";
import type { LockEvent } from "../../../src/state/locks/types.ts";

Deno.test("what happened to a lock is told as it was, with what a grant has to be claimed by", () => {
  const event = { name: "job/ä", ticket: 2 ** 40, token: 2 ** 41 };
  const events: readonly LockEvent[] = [
    { kind: "granted", ...event },
    { kind: "granted", ...event, claim: { byMs: 2 ** 42, ttlMs: 86_400_000 } },
    { kind: "gone", ...event, token: 0 },
  ];
  for (const event of events) {
    assert.deepEqual(lockEventIn(encodeLockEvent(event)), event);
  }
});
