import assert from "node:assert/strict";
import { TestCluster } from "./harness.ts";

const ENDLESS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) INSERT INTO t SELECT 1 FROM c WHERE x = 2";

Deno.test("a write that never ends is refused and in no log; the others go on, under the same leader", async () => {
  await using cluster = await TestCluster.start({
    environment: { HQL_WRITE_TIMEOUT_MS: "500" },
  });
  const leader = await cluster.waitLeader();
  const api = cluster.api(leader);
  const write = (sql: string, idempotencyKey?: string) =>
    api.execute({ sql }, {
      timeoutMs: 60_000,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
  const created = await write("CREATE TABLE t (n INTEGER)");
  assert.equal(created.type, "ok", JSON.stringify(created));
  const endless = write(ENDLESS, "endless");
  const others = Array.from(
    { length: 20 },
    (_, i) => write(`INSERT INTO t VALUES (${i})`),
  );
  for (const answer of await Promise.all(others)) {
    assert.equal(answer.type, "ok", JSON.stringify(answer));
  }
  const refused = JSON.stringify(await endless);
  assert.match(refused, /"timeout: /);
  assert.match(JSON.stringify(await write(ENDLESS, "endless")), /"timeout: /);
  const read = await api.query({ sql: "SELECT count(*) FROM t" }, {
    timeoutMs: 10_000,
    consistency: "linearizable",
  });
  assert.match(JSON.stringify(read), /\[\[20\]\]/);
  assert.equal(await cluster.waitLeader(), leader);
});
