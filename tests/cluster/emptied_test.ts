import assert from "node:assert/strict";
import { poll, TestCluster } from "./harness.ts";

Deno.test("U15 a member whose volume was emptied never answers local reads from an empty database", async () => {
  await using cluster = await TestCluster.start();
  await cluster.write(1, "CREATE TABLE t (n INTEGER)");
  await cluster.write(1, "INSERT INTO t VALUES (1)");
  const leader = await cluster.waitLeader();
  const emptied = leader % 3 + 1;
  await cluster.killMember(emptied);
  await Deno.remove(cluster.dataDir(emptied), { recursive: true });
  await cluster.startMember(emptied);
  await poll("an answer", 60_000, async () => {
    const answer = await cluster.api(emptied).query(
      { sql: "SELECT n FROM t" },
      { consistency: "local", timeoutMs: 2_000 },
    );
    if (answer.type === "ok") return true;
    assert.doesNotMatch(answer.error, /no such table/);
    return false;
  });
});
