import assert from "node:assert/strict";
import { AppliedWaiters } from "../../src/group/applied_waiters.ts";
import { type ReadPorts, Reads } from "../../src/node/services/reads.ts";

/** A query of a member that applied entry 3, and waits for entry 7 unless it says otherwise. */
function queryOf(
  waiters: AppliedWaiters,
  timeoutMs: number,
  { minIndex = 7, answered = 0 }: { minIndex?: number; answered?: number } = {},
) {
  const answer = { columns: ["a"], rows: [[1]], index: 7 };
  const ports = {
    clock: { monotonic: () => performance.now() },
    blank: () => false,
    group: () => ({
      whenApplied: waiters.add.bind(waiters),
      answered,
      machine: { applied: { index: 3 } },
    }),
    machine: () => ({
      applied: { index: 3 },
      query: () => Promise.resolve(answer),
    }),
  } as unknown as ReadPorts;
  return new Reads(ports).query({
    sql: "SELECT 1",
    consistency: "local",
    minIndex,
    limits: { timeoutMs },
  });
}

Deno.test("a query whose time is over waits for nothing any more", async () => {
  const waiters = new AppliedWaiters();
  const query = queryOf(waiters, 20);
  assert.equal(waiters.first, 7);
  await assert.rejects(query, { code: "timeout" });
  assert.equal(waiters.first, Infinity);
});

Deno.test("a query with more time than a timer takes waits all the same", async () => {
  const waiters = new AppliedWaiters();
  const query = queryOf(waiters, 2 ** 32 - 1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  waiters.applied(7);
  assert.equal((await query).index, 7);
});

Deno.test("a query waits for what this member answered and has not applied yet, and for no more", async () => {
  const waiters = new AppliedWaiters();
  const query = queryOf(waiters, 60_000, { minIndex: 0, answered: 5 });
  assert.equal(waiters.first, 5);
  waiters.applied(5);
  await query;
  await queryOf(waiters, 60_000, { minIndex: 0, answered: 3 });
});
