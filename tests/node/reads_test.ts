import assert from "node:assert/strict";
import { AppliedWaiters } from "../../src/group/applied_waiters.ts";
import { type ReadPorts, Reads } from "../../src/node/services/reads.ts";

Deno.test("a query whose time is over waits for nothing any more", async () => {
  const waiters = new AppliedWaiters();
  const ports = {
    clock: { monotonic: () => performance.now() },
    group: () => ({ whenApplied: waiters.add.bind(waiters) }),
    machine: () => ({ applied: { index: 3 } }),
  } as unknown as ReadPorts;
  const query = new Reads(ports).query({
    sql: "SELECT 1",
    consistency: "local",
    minIndex: 7,
    limits: { timeoutMs: 20 },
  });
  assert.equal(waiters.first, 7);
  await assert.rejects(query, { code: "timeout" });
  assert.equal(waiters.first, Infinity);
});
