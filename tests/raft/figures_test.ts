/** Figures 7 and 8 of the paper, as they are drawn. */
import assert from "node:assert/strict";
import { Cluster } from "./harness/cluster.ts";
import { FOLLOWERS, LEADER } from "./harness/figure_7.ts";

for (const [name, log] of Object.entries(FOLLOWERS)) {
  Deno.test(`figure 7 (${name}): the follower's log becomes the leader's`, () => {
    // Two members without entries give the leader its majority.
    const cluster = new Cluster({ voters: 4, logs: [LEADER, log, [], []] });
    cluster.cut(1, 2);
    cluster.elect(1);
    cluster.heal().tick(4);
    assert.equal(cluster.node(2).log, cluster.node(1).log);
    assert.equal(cluster.core(2).commit, cluster.core(1).lastIndex);
    cluster.checkLogMatching();
  });
}

/**
 * Up to figure 8 (c): S1's entry of term 2 is on S1, S2 and S3, a majority,
 * while S5 has another entry of term 3 at the same place; S1 leads term 4.
 */
function untilC(): Cluster {
  const cluster = new Cluster({
    voters: 5,
    logs: [[2], [2], [], [], [3]],
    options: { preVote: false },
  });
  cluster.isolate(5);
  // The leader's own no-op of term 4 does not get anywhere yet.
  cluster.lose = (message) =>
    message.type === "appendEntries" &&
    message.entries.some(({ term }) => term >= 4);
  cluster.cut(1, 4);
  cluster.elect(1);
  return cluster;
}

Deno.test("figure 8 (c): an entry of an old term on a majority is not committed by counting", () => {
  const cluster = untilC();
  // Only the old entry goes to S3.
  cluster.lose = () => false;
  const one = cluster.node(1);
  cluster.step(3, {
    kind: "message",
    message: {
      type: "appendEntries",
      from: "1",
      to: "3",
      term: one.core.term,
      prev: { term: 1, index: 1 },
      last: 2,
      commit: 1,
      entries: one.entries.slice(0, 1),
    },
  });
  const reply = cluster.wire.find(({ type }) => type === "appendReply");
  assert.ok(reply?.type === "appendReply" && reply.ok && reply.index === 2);
  cluster.deliver(reply);
  const matches = cluster.node(1).status.progress.map(({ match }) => match);
  assert.ok(matches.filter((match) => match >= 2).length >= 1);
  assert.equal(cluster.node(3).log, "22.0");
  assert.equal(cluster.core(1).commit, 1);
});

Deno.test("figure 8 (d): the entry of the old term may still be replaced", () => {
  const cluster = untilC();
  cluster.crash(1).heal();
  cluster.wire = [];
  const five = cluster.core(5);
  while (five.term < cluster.core(2).term) {
    cluster.step(5, { kind: "campaign" });
  }
  cluster.wire = [];
  cluster.elect(5);
  cluster.tick(4);
  for (const node of [2, 3, 4, 5]) {
    assert.ok(
      cluster.node(node).log.startsWith("33.0"),
      cluster.node(node).log,
    );
  }
});

Deno.test("figure 8 (e): with an entry of the own term on a majority both are committed for good", () => {
  const cluster = untilC();
  cluster.lose = () => false;
  cluster.tick(4);
  assert.ok(cluster.core(1).commit >= 3);
  cluster.crash(1).heal();
  // S5 cannot win any more.
  cluster.step(5, { kind: "campaign" });
  cluster.settle().tick(60);
  assert.notEqual(cluster.awaitLeader(), "5");
  assert.ok(cluster.node(5).log.startsWith("22.0"), cluster.node(5).log);
});
