import assert from "node:assert/strict";
import type { HiqliteError } from "../../src/errors.ts";
import { Cluster, until, write, writesSeen } from "./cluster.ts";

Deno.test("U28 a member alone whose writer is busy says just that to who waits for a write", async () => {
  await using cluster = new Cluster(1);
  await cluster.startAll();
  const node = cluster.node(1);
  await write(node);
  const { machine } = cluster.volume(1);
  const apply = machine.apply.bind(machine);
  const held: (() => void)[] = [];
  machine.apply = (...batch) => void held.push(() => apply(...batch));
  const failed: HiqliteError = await write(node, 300).then(
    () => assert.fail("it was applied"),
    (error) => error,
  );
  assert.equal(failed.code, "outcome_unknown");
  assert.equal(
    failed.message,
    "The write was taken, and this member, which leads, has not finished it in time: its database is busy. It may still be applied: read before you repeat it",
  );
  machine.apply = apply;
  for (const run of held) run();
  // What it said is true.
  await until(
    "the write is applied",
    () =>
      cluster.node(1).cluster().appliedIndex ===
        cluster.node(1).cluster().commitIndex,
  );
  assert.equal(await writesSeen(node), 2);
});

Deno.test("U28 who waits at a follower hears that its leader did not answer", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const { leader } = cluster;
  const leaderId = Number(leader.cluster().self[0]);
  const follower = cluster.node(leaderId === 1 ? 2 : 1);
  await write(follower);
  const { machine } = cluster.volume(leaderId);
  machine.apply = () => {};
  const failed: HiqliteError = await write(follower, 300).then(
    () => assert.fail("it was applied"),
    (error) => error,
  );
  assert.equal(failed.code, "outcome_unknown");
  assert.match(failed.message, /^The leader did not answer in time, or the/);
});
