import assert from "node:assert/strict";
import { TestCluster } from "./harness.ts";

/** Counts to `n` inside SQLite: about a second per ten million. */
const count = (n: number): string =>
  `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${n}) SELECT max(n) FROM c`;

Deno.test("a long statement on the writer or a reader disturbs neither leadership nor reads", async () => {
  await using cluster = await TestCluster.start({
    environment: {
      HQL_QUERY_TIMEOUT_MS: "600000",
      HQL_WRITE_TIMEOUT_MS: "600000",
    },
  });
  const leader = await cluster.waitLeader();
  const api = cluster.api(leader);
  const write = (sql: string) => api.execute({ sql }, { timeoutMs: 600_000 });
  assert.equal((await write("CREATE TABLE t (n INTEGER)")).type, "ok");
  const term = (await termOf(cluster, leader))!;

  const long = Promise.all([
    write(`INSERT INTO t ${count(5_000_000)}`),
    api.query({ sql: count(5_000_000) }, {
      timeoutMs: 600_000,
      consistency: "local",
    }),
  ]);
  let done = false;
  const ended = long.finally(() => done = true);
  let reads = 0;
  while (!done) {
    const read = await api.query({ sql: "SELECT count(*) FROM t" }, {
      timeoutMs: 10_000,
      consistency: "local",
    });
    assert.equal(read.type, "ok", JSON.stringify(read));
    reads++;
  }
  const [written, queried] = await ended;
  assert.equal(written.type, "ok", JSON.stringify(written));
  assert.equal(queried.type, "ok", JSON.stringify(queried));
  assert.ok(reads > 5, `only ${reads} reads got through meanwhile`);
  assert.equal(await termOf(cluster, leader), term, "leadership changed");
});

async function termOf(
  cluster: TestCluster,
  node: number,
): Promise<unknown> {
  const answer = await cluster.api(node).cluster(20_000);
  return answer.type === "ok" ? answer.value.term : undefined;
}
