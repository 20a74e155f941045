import assert from "node:assert/strict";
import { DeadlineWaiters } from "../../src/util/deadline_waiters.ts";

Deno.test("tick() tells each waiter once, when its time is over, and none that was taken back", () => {
  const waiters = new DeadlineWaiters();
  const late: string[] = [];
  const waiter = (name: string, deadline: number) => ({
    deadline,
    late: () => void late.push(name),
  });
  const kept = waiter("kept", 20);
  waiters.add(waiter("early", 10));
  waiters.add(kept);
  waiters.add(waiter("late", 20));
  waiters.tick(9);
  assert.deepEqual(late, []);
  waiters.tick(10);
  assert.deepEqual(late, ["early"]);
  waiters.delete(kept);
  waiters.tick(100);
  waiters.tick(100);
  assert.deepEqual(late, ["early", "late"]);
});
