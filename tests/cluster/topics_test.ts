import { ok } from "node:assert/strict";
import { TestCluster } from "./harness.ts";
import { notifyUnderKills } from "./topic_kills.ts";

Deno.test("every listener hears each notification once and in order under SIGKILL of leaders, one that changes members 50 times too", async () => {
  const seed = Date.now() % 1_000_000;
  await using cluster = await TestCluster.start();
  const report = await notifyUnderKills({
    cluster,
    notifications: 1_500,
    kills: 2,
    changes: 50,
    seed,
  });
  const summary = JSON.stringify({ seed, report });
  ok(report.published > 1_000, summary);
  ok(report.changes >= 50, summary);
  ok(report.cuts > 0, summary);
});
