import assert from "node:assert/strict";
import {
  ApplyWatch,
  STALLED_MS,
} from "../../../src/node/groups/apply_watch.ts";
import { Cluster, until, write } from "../cluster.ts";

Deno.test("ApplyWatch counts from the moment at which nothing moves", () => {
  const watch = new ApplyWatch();
  assert.equal(watch.observe(5, 5, 0), false);
  assert.equal(watch.observe(9, 5, 100), false);
  assert.equal(watch.observe(9, 6, 5_000), false, "it gets on");
  assert.equal(watch.observe(9, 6, 5_000 + STALLED_MS - 1), false);
  assert.equal(watch.waitingMs, STALLED_MS - 1);
  assert.equal(watch.observe(20, 6, 5_000 + STALLED_MS), true);
  assert.equal(watch.observe(21, 6, 6_000 + STALLED_MS), false, "told once");
  assert.equal(watch.stalled, true);
  watch.observe(21, 7, 7_000 + STALLED_MS);
  assert.equal(watch.stalled, false);
  watch.observe(21, 21, 8_000 + STALLED_MS);
  assert.equal(watch.waitingMs, 0);
});

Deno.test("a member whose database does not get on is not ready, says so, and is not restarted for it", async () => {
  let skippedMs = 0;
  await using cluster = new Cluster(3, {}, () => ({}), {
    wall: () => Date.now(),
    monotonic: () => performance.now() + skippedMs,
  });
  await cluster.startAll();
  const follower = cluster.node(
    [1, 2, 3].find((id) => cluster.node(id) !== cluster.leader)!,
  );
  const id = Number(follower.id.split(".")[0]);
  const { machine } = cluster.volume(id);
  const resume = machine.hold();
  await write(cluster.leader);
  await until("a commit", () => {
    const { commitIndex, appliedIndex } = follower.cluster();
    return commitIndex > appliedIndex;
  });
  assert.equal(follower.ready().ok, true);
  const metric = (): number =>
    Number(
      /^hiqlite_apply_waiting_ms{group="db"} (\d+)/m
        .exec(follower.metrics())![1],
    );
  await until("a first look", () => metric() > 0);
  skippedMs = STALLED_MS;
  await until("not ready", () => !follower.ready().ok);
  assert.match(
    follower.ready().detail,
    /entries \d+ to \d+ are committed, and nothing has been applied for 1\d s/,
  );
  assert.equal(follower.health().ok, true);
  assert.equal(follower.health().detail, follower.ready().detail);
  assert(metric() >= STALLED_MS);
  assert(
    cluster.lines.some((line) => line.includes("nothing has been applied")),
  );
  resume();
  await until("ready again", () => follower.ready().ok);
  assert.equal(follower.health().detail, "ok");
});
