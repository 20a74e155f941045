import assert from "node:assert/strict";
import { EntryKind } from "../../src/raft/types.ts";
import { peekMaxRun } from "../../src/state/envelope.ts";
import { WRITES } from "../../src/api/routes/sql.ts";
import { Cluster } from "./cluster.ts";

Deno.test("maxRunMs reaches the leader with the write; migrations ask for all there is", async () => {
  await using cluster = new Cluster(1);
  await cluster.startAll();
  const node = cluster.node(1);
  const statement = { sql: "INSERT INTO t VALUES (1)" };
  const body = { kind: "execute", statement } as const;
  await node.write({ body });
  await node.write({ body, maxRunMs: 70_000 });
  await node.write({
    body: {
      kind: "migrate",
      migrations: [{ id: 1, name: "a", sql: "SELECT 1" }],
    },
  });
  const { log } = cluster.groups.get(1)!;
  const asked = log.readCached(1, log.last.index, Infinity)!
    .filter(({ kind }) => kind === EntryKind.command)
    .map(({ payload }) => peekMaxRun(payload));
  assert.deepEqual(asked.slice(-3), [0, 70_000, 2 ** 32 - 1]);
  for (const maxRunMs of [0, 1.5, 2 ** 32]) {
    await assert.rejects(node.write({ body, maxRunMs }), {
      code: "invalid",
      message:
        `maxRunMs: expected an integer from 1 to 4294967295, got ${maxRunMs}`,
    });
  }
});

Deno.test("max_run_ms is a field of every write over HTTP", () => {
  for (
    const [kind, json] of [
      ["execute", { sql: "SELECT 1" }],
      ["txn", { statements: [{ sql: "SELECT 1" }] }],
      ["batch", { sql: "SELECT 1" }],
      ["migrate", { migrations: [] }],
    ] as const
  ) {
    const { request } = WRITES[kind];
    const decoded = request!.decode({ ...json, max_run_ms: 5 });
    assert.equal(decoded.maxRunMs, 5);
    const again = request!.encode(decoded, 1) as { max_run_ms?: number };
    assert.equal(again.max_run_ms, 5);
    assert.throws(() => request!.decode({ ...json, max_run_ms: 0 }), {
      code: "invalid",
    });
  }
});
