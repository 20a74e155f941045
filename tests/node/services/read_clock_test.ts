import assert from "node:assert/strict";
import { ReadClock } from "../../../src/node/services/read_clock.ts";

Deno.test("a local reader's time goes on by itself from the last entry, and begins anew with the next one", () => {
  let nowMs = 100;
  const clock = new ReadClock({ monotonic: () => nowMs, wall: () => 0 });
  assert.equal(clock.now(5_000), 5_000);
  nowMs += 30;
  assert.equal(clock.now(5_000), 5_030);
  assert.equal(clock.now(5_010), 5_010);
  nowMs += 7;
  assert.equal(clock.now(5_010), 5_017);
  // Another life of the caches, whose clock began later.
  assert.equal(clock.now(3), 3);
});
