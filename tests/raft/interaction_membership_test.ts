/** The scenarios of etcd's raft `testdata` that change the membership, by name. */
import assert from "node:assert/strict";
import { Cluster } from "./harness/cluster.ts";
import { configOf, THREE } from "./harness/configurations.ts";
import { reasonOf } from "./harness/talk.ts";

Deno.test("confchange_v1_add_single: a founder adds a member, which becomes a voter", () => {
  const cluster = new Cluster({ voters: 1, spares: 1 }).elect(1);
  cluster.reconfigure(1, { addLearners: ["2"], promote: ["2"] }).tick(3);
  for (const node of [1, 2]) {
    assert.deepEqual(cluster.core(node).config, configOf(["1", "2"]));
    assert.equal(cluster.core(node).commit, 3);
  }
});

Deno.test("confchange_v1_remove_leader: a leader that is removed no longer counts itself", () => {
  const cluster = new Cluster().elect(1);
  cluster.write(1, "a");
  cluster.cut(1, 2);
  cluster.reconfigure(1, { remove: ["1"] });
  assert.equal(cluster.core(1).role, "leader");
  assert.equal(
    cluster.core(1).commit,
    3,
    "the third member alone is no quorum",
  );
  cluster.heal();
  // A member whose window was lost is found out by heartbeats.
  cluster.tick(4);
  assert.equal(cluster.core(2).commit >= 4, true);
  assert.equal(cluster.core(1).role, "follower");
});

Deno.test("confchange_v1_remove_leader_stepdown: a removed leader neither proposes nor campaigns", () => {
  const cluster = new Cluster().elect(1);
  cluster.change(1, { remove: ["1"] });
  const during = cluster.propose(1, "late");
  assert.equal(reasonOf(during), "transferring");
  cluster.settle();
  assert.equal(cluster.core(1).role, "follower");
  const after = cluster.propose(1, "later");
  assert.equal(reasonOf(after), "not_leader");
  assert.equal(cluster.step(1, { kind: "campaign" }).kind, "refused");
  cluster.tick(50, 1);
  assert.equal(cluster.core(1).role, "follower");
  assert.notEqual(cluster.leader(), null, "a successor leads at once");
});

Deno.test("confchange_v2_add_single_auto: one new voter needs no joint configuration", () => {
  const cluster = new Cluster({ voters: 1, spares: 1 }).elect(1);
  cluster.change(1, { addLearners: ["2"], promote: ["2"] });
  assert.deepEqual(cluster.core(1).config, configOf(["1", "2"]));
});

Deno.test("confchange_v2_add_single_explicit: while joint, a second change is refused", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1);
  cluster.change(1, { demote: ["3"] });
  assert.deepEqual(
    cluster.core(1).config,
    configOf(["1", "2"], [], ["1", "2", "3"], ["3"]),
  );
  const second = cluster.change(1, { addLearners: ["4"] });
  assert.equal(reasonOf(second), "change_pending");
  cluster.settle();
  assert.deepEqual(cluster.core(2).config, configOf(["1", "2"], ["3"]));
  assert.equal(cluster.change(1, { addLearners: ["4"] }).kind, "appended");
});

Deno.test("confchange_v2_add_double_auto: two new voters join by snapshot; the joint configuration is left once", () => {
  const cluster = new Cluster({ voters: 1, spares: 2 }).elect(1);
  cluster.propose(1, "a");
  cluster.purge(1);
  cluster.reconfigure(1, { addLearners: ["2", "3"], promote: ["2", "3"] });
  cluster.tick(3);
  assert.equal(cluster.node(1).log, "2# 2#");
  for (const node of [1, 2, 3]) {
    assert.deepEqual(cluster.core(node).config, THREE);
    assert.deepEqual(cluster.node(node).state, ["a"]);
  }
});

Deno.test("confchange_v2_add_double_implicit: a snapshot carries the joint configuration as it is", () => {
  const cluster = new Cluster({ voters: 1, spares: 3 }).elect(1);
  cluster.reconfigure(1, { addLearners: ["2", "3"] }).tick(3);
  const joint = cluster.core(1).lastIndex + 1;
  cluster.lose = (message) =>
    message.type === "appendEntries" &&
    (message.to === "3" || message.last > joint);
  cluster.reconfigure(1, { promote: ["2", "3"] });
  assert.equal(cluster.core(1).commit, joint);
  cluster.purge(1);
  cluster.step(1, { kind: "unreachable", member: "3" });
  cluster.settle();
  assert.deepEqual(
    cluster.core(3).config,
    configOf(["1", "2", "3"], [], ["1"]),
  );
  cluster.lose = () => false;
  cluster.tick(4);
  assert.deepEqual(cluster.core(3).config, THREE);
});

Deno.test("confchange_v2_replace_leader: leadership moves within a joint configuration", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1);
  cluster.reconfigure(1, { addLearners: ["4"] }).tick(3);
  cluster.cut(1, 2).cut(1, 3);
  cluster.reconfigure(1, { promote: ["4"], remove: ["1"] });
  assert.equal(cluster.core(1).config.votersOutgoing.length, 3, "joint");
  cluster.heal();
  cluster.transfer(1, "4");
  cluster.tick(4);
  assert.equal(cluster.leader(), "4");
  cluster.tick(3);
  assert.deepEqual(cluster.core(4).config, configOf(["2", "3", "4"]));
  assert.equal(cluster.core(1).role, "follower");
});

Deno.test("confchange_v2_replace_leader_stepdown: a leader replaced in a joint change steps down at its end", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1);
  cluster.reconfigure(1, { addLearners: ["4"], promote: ["4"], remove: ["1"] });
  cluster.tick(3);
  assert.notEqual(cluster.core(1).role, "leader");
  assert.ok(["2", "3", "4"].includes(cluster.awaitLeader()));
});

Deno.test("confchange_disable_validation: validation cannot be disabled; a bad change appends nothing", () => {
  const cluster = new Cluster().elect(1);
  const before = cluster.core(1).lastIndex;
  const outcome = cluster.change(1, { remove: ["1", "2", "3"] });
  assert.equal(reasonOf(outcome), "invalid");
  assert.equal(cluster.core(1).lastIndex, before);
});
