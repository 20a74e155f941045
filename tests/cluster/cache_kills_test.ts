import { deepEqual, equal, ok } from "node:assert/strict";
import { cacheKills } from "./cache_kills.ts";

const KILLS = 6;

Deno.test("kv.md §10 (12) caches in memory: SIGKILL of one member after the other, each once all are ready, loses nothing that was acknowledged, and nobody votes twice", async () => {
  const seed = Date.now() % 1_000_000;
  const { kills, tallies, violations, watch, epoch } = await cacheKills({
    kills: KILLS,
    seed,
    clients: 3,
    pauseMs: 10,
  });
  const summary = JSON.stringify({ seed, kills, tallies });
  deepEqual(violations, [], summary);
  equal(epoch, 1, summary);
  deepEqual(watch.contradictions, [], summary);
  // Each start is another member, so what an earlier one voted for binds nobody who forgot it.
  equal(new Set(kills.map(({ after }) => after)).size, KILLS, summary);
  ok(kills.every(({ before, after }) => before !== after), summary);
  const led = kills.filter((kill) => kill.led).length;
  ok(watch.leaders > led, `${watch.leaders} leaders, ${summary}`);
  for (const { ok: answered } of Object.values(tallies)) {
    ok(answered > 10 * KILLS, summary);
  }
});
