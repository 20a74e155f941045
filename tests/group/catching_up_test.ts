import assert from "node:assert/strict";
import { Trio } from "../node/trio.ts";

Deno.test("§1.5 a snapshot is not installed before the term it came in is durable", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  const follower = trio.members[1]!;
  const bytes = new TextEncoder().encode('["a"]');
  const term = leader.group.core.term + 1;
  follower.log.held = true;
  follower.group.receive({
    type: "snapshotChunk",
    from: "3.c",
    to: follower.id,
    term,
    last: { term, index: 50 },
    config: leader.group.core.config,
    size: bytes.length,
    sha256: "",
    offset: 0,
    bytes,
  });
  trio.run();
  assert.equal(follower.group.core.installing, true);
  assert.equal(follower.machine.installed, 0);
  follower.log.release();
  trio.run();
  assert.equal(follower.machine.installed, 1);
  assert.deepEqual(follower.log.last, { term, index: 50 });
});

Deno.test("§1.5 a member behind the log's beginning is sent a snapshot and goes on", () => {
  const trio = new Trio({
    retainEntries: 4,
    checkpointEntries: 8,
    checkpointBytes: 1e9,
  });
  const leader = trio.elect(0);
  const behind = trio.members[2]!;
  trio.lose = (message) => message.to === behind.id;
  const items = Array.from(
    { length: 60 },
    (_, i) => `item ${i} ${"-".repeat(9_999)}`,
  );
  for (const item of items) {
    trio.propose(leader, item);
    trio.run();
  }
  assert.ok(leader.log.base.index > 40, "the log was purged");
  trio.lose = () => false;
  trio.tick(60);
  assert.equal(behind.machine.installed, 1);
  const { built, sent, sentTo, sending } = leader.group.snapshots.tally;
  assert.deepEqual([built, sent, sentTo], [1, 1, behind.id]);
  assert.equal(sending.active, false);
  const { received, receivedFrom, installed, receiving } =
    behind.group.snapshots.tally;
  assert.deepEqual([received, receivedFrom, installed], [1, leader.id, 1]);
  assert.equal(receiving.active, false);
  assert.deepEqual(behind.machine.items, items);
  trio.propose(leader, "after");
  trio.run();
  assert.equal(behind.machine.items.at(-1), "after");
});

Deno.test("§1.5 purge keeps a tail for slow followers", () => {
  const trio = new Trio({
    retainEntries: 10,
    checkpointEntries: 5,
    checkpointBytes: 1e9,
  });
  const leader = trio.elect(0);
  for (let i = 0; i < 50; i++) {
    trio.propose(leader, `${i}`);
    trio.run();
  }
  const { base, last } = leader.log;
  assert.ok(base.index > 0 && last.index - base.index >= 10, `${base.index}`);
});
