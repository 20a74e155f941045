import { deepEqual, ok } from "node:assert/strict";
import { TestCluster } from "./harness.ts";
import { killLeaders } from "./leader_kills.ts";

const KILLS = 5;
/** How long writes may stand still on a machine that does little else, ms. */
const GAP_MS = 3000;
/** A killed member is ready again in about half of that there: where it takes longer, so may an election. */
const STARTS = 2;

Deno.test("SIGKILL of the leader under load loses nothing, doubles nothing, and writes go on within 3 s", async () => {
  const seed = Date.now() % 1_000_000;
  await using cluster = await TestCluster.start();
  const { kills, tally, violations } = await killLeaders({
    cluster,
    kills: KILLS,
    seed,
    clients: 8,
    pauseMs: 5,
  });
  const summary = JSON.stringify({ seed, kills, tally });
  deepEqual(violations, [], summary);
  for (const { gapMs, readyMs } of kills) {
    ok(gapMs <= Math.max(GAP_MS, STARTS * readyMs), summary);
  }
  ok(tally.ok > 10 * KILLS, summary);
});
