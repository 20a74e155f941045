/** The checklist of leader transfer, clause by clause (§1.5). */
import assert from "node:assert/strict";
import { Cluster } from "./harness/cluster.ts";
import { configOf } from "./harness/configurations.ts";
import { leaderOf, TEST_OPTIONS } from "./harness/core.ts";
import { reasonOf, receive } from "./harness/talk.ts";
import { accepted, ofType, timeoutNow } from "./make.ts";

Deno.test("§1.5 a transfer to an up-to-date voter moves leadership at once", () => {
  const cluster = new Cluster().elect(1);
  assert.equal(cluster.transfer(1, "3").kind, "done");
  cluster.settle();
  assert.equal(cluster.core(3).role, "leader");
  assert.equal(cluster.core(1).leader, "3");
  assert.equal(cluster.core(1).status().transferee, null);
});

Deno.test("§1.5 a transfer works although everyone has a live leader, and skips pre-vote", () => {
  const cluster = new Cluster().elect(1).tick(1);
  const sent = cluster.sent.length;
  cluster.transfer(1, "2");
  cluster.settle();
  const requests = ofType(cluster.sent.slice(sent), "requestVote");
  assert.ok(requests.length > 0);
  assert.ok(requests.every(({ preVote, transfer }) => !preVote && transfer));
  assert.equal(cluster.leader(), "2");
});

Deno.test("§1.5 a transfer stops proposals and membership changes until it ends", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1).isolate(3);
  cluster.transfer(1, "3");
  const proposal = cluster.propose(1, "a");
  assert.equal(reasonOf(proposal), "transferring");
  const change = cluster.change(1, { addLearners: ["4"] });
  assert.equal(reasonOf(change), "transferring");
  cluster.tick(TEST_OPTIONS.electionTicks);
  assert.equal(cluster.propose(1, "a").kind, "appended");
});

Deno.test("§1.5 a lagging target catches up first", () => {
  const cluster = new Cluster().elect(1).isolate(3);
  cluster.write(1, "a", "b");
  const sent = cluster.sent.length;
  cluster.transfer(1, "3");
  cluster.settle();
  assert.deepEqual(ofType(cluster.sent.slice(sent), "timeoutNow"), []);
  cluster.heal().tick(4);
  assert.equal(cluster.leader(), "3");
  assert.deepEqual(cluster.node(3).state, ["a", "b"]);
});

Deno.test("§1.5 a target that needs a snapshot gets one first", () => {
  const cluster = new Cluster().elect(1).isolate(3);
  cluster.write(1, "a", "b");
  cluster.purge(1);
  cluster.heal();
  cluster.transfer(1, "3");
  cluster.tick(5);
  assert.equal(cluster.leader(), "3");
});

Deno.test("§1.5 a transfer is given up after an election timeout", () => {
  const cluster = new Cluster().elect(1).isolate(3);
  cluster.propose(1, "a");
  cluster.transfer(1, "3");
  cluster.tick(TEST_OPTIONS.electionTicks - 1);
  assert.equal(cluster.core(1).status().transferee, "3");
  cluster.tick(1);
  assert.equal(cluster.core(1).status().transferee, null);
  assert.equal(cluster.core(1).role, "leader");
});

Deno.test("§1.5 a transfer after one that was given up has its whole time", () => {
  const cluster = new Cluster().elect(1).isolate(3);
  cluster.write(1, "a");
  for (let i = 0; i < 2; i++) {
    assert.equal(cluster.transfer(1, "3").kind, "done");
    cluster.tick(9);
    assert.equal(cluster.node(1).status.transferee, "3");
    cluster.tick();
    assert.equal(cluster.node(1).status.transferee, null);
  }
});

Deno.test("§1.5 a lost TimeoutNow ends with the timeout", () => {
  const cluster = new Cluster().elect(1);
  cluster.lose = ({ type }) => type === "timeoutNow";
  cluster.transfer(1, "2");
  cluster.settle().tick(TEST_OPTIONS.electionTicks);
  assert.equal(cluster.leader(), "1");
  assert.equal(cluster.propose(1, "a").kind, "appended");
});

Deno.test("§1.5 a transfer to oneself does nothing", () => {
  const cluster = new Cluster().elect(1);
  assert.equal(cluster.transfer(1, "1").kind, "done");
  assert.equal(cluster.core(1).status().transferee, null);
});

Deno.test("§1.5 a transfer to a learner, a stranger or a removed member is refused", () => {
  const cluster = new Cluster({ learners: 1 }).elect(1);
  cluster.reconfigure(1, { remove: ["3"] });
  for (const target of ["4", "9", "3"]) {
    const outcome = cluster.transfer(1, target);
    assert.equal(reasonOf(outcome), "invalid");
  }
});

Deno.test("§1.5 a second transfer to the same target changes nothing, to another one it counts", () => {
  const cluster = new Cluster().elect(1).isolate(3);
  cluster.write(1, "a");
  cluster.transfer(1, "3");
  cluster.tick(5);
  cluster.transfer(1, "3");
  cluster.tick(5);
  assert.equal(cluster.core(1).status().transferee, null, "not prolonged");
  cluster.transfer(1, "3");
  cluster.transfer(1, "2");
  cluster.settle();
  assert.equal(cluster.leader(), "2");
});

Deno.test("§1.5 without a name the most up-to-date voter that answers takes over", () => {
  const cluster = new Cluster({ voters: 5, learners: 1 }).elect(1).tick(1);
  cluster.isolate(2);
  cluster.write(1, "a").tick(1);
  cluster.cut(1, 3).cut(1, 4);
  cluster.write(1, "b");
  cluster.transfer(1, null);
  cluster.settle();
  cluster.heal().tick(3);
  assert.equal(cluster.leader(), "5");
});

Deno.test("§1.5 a lone voter has nobody to hand over to", () => {
  const cluster = new Cluster({ voters: 1, learners: 1 }).elect(1);
  const outcome = cluster.transfer(1, null);
  assert.equal(reasonOf(outcome), "invalid");
});

Deno.test("§1.5 only a leader hands over", () => {
  const cluster = new Cluster().elect(1);
  const outcome = cluster.transfer(2, "3");
  assert.deepEqual(
    outcome.kind === "refused" && [outcome.reason, outcome.leader],
    ["not_leader", "1"],
  );
});

Deno.test("§1.5 a transfer ends when its target is removed from the configuration", () => {
  const core = leaderOf();
  core.step({ kind: "changeMembership", change: { demote: ["3"] } });
  for (const from of ["2", "3"]) receive(core, accepted(1, 2, { from }));
  assert.deepEqual(core.config, configOf(["1", "2"], ["3"]));
  core.step({ kind: "transferLeadership", target: "3" });
  assert.equal(core.status().transferee, null);
});

Deno.test("§1.5 while joint, leadership may go to an incoming voter and not to an outgoing one", () => {
  const core = leaderOf({}, 4);
  const change = { remove: ["3", "4"] };
  core.step({ kind: "changeMembership", change });
  const outgoing = core.step({ kind: "transferLeadership", target: "3" });
  assert.equal(reasonOf(outgoing), "invalid");
  assert.equal(
    core.step({ kind: "transferLeadership", target: "2" }).kind,
    "done",
  );
});

Deno.test("§1.5 a transfer begun in a joint configuration ends with the target's place", () => {
  const cluster = new Cluster({ voters: 4 }).elect(1);
  cluster.cut(1, 2).cut(1, 3);
  cluster.change(1, { remove: ["1", "4"] });
  cluster.transfer(1, "2");
  cluster.settle();
  cluster.heal().tick(4);
  assert.ok(["2", "3"].includes(cluster.awaitLeader()));
  cluster.tick(3);
  assert.deepEqual(
    cluster.core(cluster.leader()!).config,
    configOf(["2", "3"]),
  );
});

Deno.test("§1.5 a TimeoutNow of an earlier term, or to a candidate, is ignored", () => {
  const cluster = new Cluster().elect(1);
  const message = timeoutNow(1, { from: "1", to: "2" });
  cluster.step(2, { kind: "message", message });
  assert.equal(cluster.core(2).role, "follower");
  const now = timeoutNow(2, { from: "1", to: "2" });
  cluster.step(2, { kind: "message", message: now });
  assert.equal(cluster.core(2).term, 3);
  const again = timeoutNow(3, { from: "1", to: "2" });
  cluster.step(2, { kind: "message", message: again });
  assert.equal(cluster.core(2).term, 3);
});
