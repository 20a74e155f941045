import assert from "node:assert/strict";
import { Cluster } from "./harness/cluster.ts";

Deno.test("RaftCore elects a leader and replicates", () => {
  const cluster = new Cluster().elect(1);
  assert.equal(cluster.propose(1, "a", "b").kind, "appended");
  cluster.settle();
  for (const id of [1, 2, 3]) {
    assert.deepEqual(cluster.node(id).state, ["a", "b"]);
  }
});

Deno.test("RaftCore leads alone", () => {
  const cluster = new Cluster({ voters: 1 });
  cluster.awaitLeader();
  cluster.propose(1, "a");
  assert.deepEqual(cluster.node(1).state, ["a"]);
});

Deno.test("RaftCore serves linearizable reads on every member", () => {
  const cluster = new Cluster().elect(1);
  cluster.write(1, "a");
  for (const id of [1, 2, 3]) {
    const read = cluster.read(id);
    cluster.settle();
    assert.equal(cluster.node(id).reads.get(read), 3);
  }
});

Deno.test("RaftCore joins a new member by snapshot and makes it a voter", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1);
  cluster.write(1, "a").purge(1);
  assert.equal(cluster.change(1, { addLearners: ["4"] }).kind, "appended");
  cluster.settle().tick(3);
  assert.equal(cluster.change(1, { promote: ["4"] }).kind, "appended");
  cluster.settle();
  assert.deepEqual(cluster.node(4).state, ["a"]);
  assert.deepEqual(cluster.core(4).config.voters, ["1", "2", "3", "4"]);
});

Deno.test("RaftCore hands over leadership", () => {
  const cluster = new Cluster().elect(1);
  cluster.transfer(1, "2");
  cluster.settle();
  assert.equal(cluster.leader(), "2");
});

Deno.test("RaftCore replaces two voters through a joint configuration", () => {
  const cluster = new Cluster({ spares: 2 }).elect(1);
  const outcome = cluster.change(1, {
    addLearners: ["4", "5"],
    promote: ["4", "5"],
    remove: ["1", "2"],
  });
  assert.equal(outcome.kind, "appended");
  cluster.settle().tick(3);
  assert.deepEqual(cluster.core(3).config.voters, ["3", "4", "5"]);
  assert.deepEqual(cluster.core(3).config.votersOutgoing, []);
  assert.equal(cluster.core(1).role, "follower");
  assert.notEqual(cluster.awaitLeader(), "1");
});
