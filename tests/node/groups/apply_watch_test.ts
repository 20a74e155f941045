import assert from "node:assert/strict";
import { Cluster, until, write } from "../cluster.ts";

/** Longer than any entry may take, ms. */
const STALLED_MS = 15_000;

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
      /^hiqlite_apply_stuck_seconds{group="db"} (\d+)/m
        .exec(follower.metrics())![1],
    );
  skippedMs = STALLED_MS;
  await until("not ready", () => !follower.ready().ok);
  assert.match(
    follower.ready().detail,
    /committed entries have not been applied for 1\d s/,
  );
  assert.equal(follower.health().ok, true);
  assert.equal(follower.health().detail, follower.ready().detail);
  assert(metric() >= STALLED_MS / 1000);
  assert(
    cluster.lines.some((line) =>
      line.includes("committed entries are not applied")
    ),
  );
  resume();
  await until("ready again", () => follower.ready().ok);
  assert.equal(follower.health().detail, "ok");
});
