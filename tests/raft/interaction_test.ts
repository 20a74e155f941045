/** The scenarios of etcd's raft `testdata`, by name; each shows members interacting. */
import assert from "node:assert/strict";
import { Cluster } from "./harness/cluster.ts";
import { THREE } from "./harness/configurations.ts";
import { coreOf, followerOf, initOf } from "./harness/core.ts";
import { FOLLOWERS, LEADER } from "./harness/figure_7.ts";
import { deliver, drain, progressOf, win } from "./harness/talk.ts";
import {
  accepted,
  append,
  heartbeatReply,
  id,
  ofType,
  rejected,
} from "./make.ts";

Deno.test("campaign: the winner writes a no-op in its term and commits it", () => {
  const cluster = new Cluster().elect(1);
  for (const node of [1, 2, 3]) {
    assert.equal(cluster.node(node).log, "2·");
    assert.equal(cluster.core(node).commit, 2);
    assert.equal(cluster.core(node).leader, "1");
  }
});

Deno.test("campaign_learner_must_vote: a voter that still believes to be a learner votes", () => {
  const cluster = new Cluster({ voters: 2, learners: 1 }).elect(1);
  cluster.lose = ({ to, type }) => to === "3" && type === "appendEntries";
  cluster.reconfigure(1, { promote: ["3"] });
  assert.deepEqual(cluster.core(2).config.voters, ["1", "2", "3"]);
  assert.deepEqual(cluster.core(3).config.learners, ["3"]);
  cluster.isolate(1);
  cluster.lose = () => false;
  for (let i = 0; i < 12; i++) cluster.step(3, { kind: "tick" });
  cluster.elect(2);
  assert.equal(cluster.core(3).status().vote, "2");
});

Deno.test("checkquorum: a leader without a quorum steps down, one with a quorum is protected", () => {
  const cluster = new Cluster({ options: { preVote: false } }).elect(1);
  cluster.tick(1);
  cluster.isolate(3);
  cluster.step(3, { kind: "campaign" });
  cluster.heal().settle();
  assert.equal(cluster.core(1).role, "leader", "the vote request is ignored");
  assert.equal(cluster.core(2).term, 2);
  cluster.isolate(1).tick(20, 1);
  assert.equal(cluster.core(1).role, "follower");
  assert.equal(cluster.core(1).leader, null);
});

Deno.test("prevote: a member with a stale log gets no pre-vote and disturbs nobody", () => {
  const cluster = new Cluster({ options: { checkQuorum: false } }).elect(1);
  cluster.isolate(3);
  cluster.write(1, "a").tick(40);
  assert.equal(cluster.core(3).role, "precandidate");
  assert.equal(cluster.core(3).term, 2);
  cluster.heal();
  // The others have no leader any more that could protect them, only their logs.
  cluster.crash(1);
  for (let i = 0; i < 12; i++) cluster.step(2, { kind: "tick" });
  cluster.wire = [];
  cluster.step(3, { kind: "campaign" });
  cluster.settle();
  assert.notEqual(cluster.core(3).role, "leader");
  assert.equal(cluster.core(2).term, 2);
  assert.equal(cluster.awaitLeader(), "2");
});

Deno.test("prevote_checkquorum: a recent leader protects, a quorum of precandidates overrides", () => {
  const cluster = new Cluster().elect(1).tick(1);
  cluster.step(3, { kind: "campaign" });
  cluster.settle();
  assert.equal(cluster.core(3).role, "precandidate");
  assert.equal(cluster.core(1).role, "leader");
  cluster.isolate(1);
  // The second one asks too: both now know of no leader.
  cluster.step(2, { kind: "campaign" });
  cluster.settle();
  assert.ok(["2", "3"].includes(cluster.leader()!));
  assert.equal(cluster.node(cluster.leader()!).core.term, 3);
});

Deno.test("forget_leader: after the hint a follower keeps its term and supports a pre-vote", () => {
  const cluster = new Cluster().elect(1).tick(1);
  cluster.isolate(1);
  for (const node of [2, 3]) {
    cluster.step(node, { kind: "leaderUnreachable" });
    assert.equal(cluster.core(node).term, 2);
    assert.equal(cluster.core(node).role, "follower");
  }
  cluster.tick(1, 2);
  assert.equal(cluster.leader(), "2", "one tick is enough");
});

Deno.test("forget_leader_prevote_checkquorum: the hint does not help a log that is behind", () => {
  const cluster = new Cluster().elect(1);
  cluster.isolate(3);
  cluster.write(1, "a");
  cluster.heal().isolate(1);
  cluster.step(2, { kind: "leaderUnreachable" });
  cluster.step(3, { kind: "campaign" });
  cluster.settle();
  assert.equal(cluster.leader(), "1", "nobody else was elected yet");
  assert.equal(cluster.core(3).term, 2);
  cluster.tick(1, 2);
  assert.equal(cluster.leader(), "2", "whose log is complete");
});

Deno.test("forget_leader_read_only_lease_based: the hint lifts no lease that reads rely on", () => {
  const cluster = new Cluster({ options: { leaseReads: true } }).tick(10);
  const leader = cluster.awaitLeader();
  const [first, second] = ["1", "2", "3"].filter((node) => node !== leader);
  cluster.tick(1).isolate(leader);
  cluster.step(first!, { kind: "leaderUnreachable" });
  cluster.step(second!, { kind: "leaderUnreachable" });
  cluster.tick(3);
  assert.equal(cluster.leader(), leader);
  assert.equal(cluster.core(first!).role, "follower");
});

Deno.test("async_storage_writes: appends are pipelined, acknowledgements wait for the disk", () => {
  const cluster = new Cluster().elect(1);
  cluster.slowDisks.add("2").add("3");
  for (const text of ["a", "b", "c"]) cluster.propose(1, text);
  cluster.settle();
  assert.equal(cluster.core(2).lastIndex, 5, "three appends without an answer");
  assert.equal(cluster.core(1).commit, 2);
  cluster.flush(2, 1);
  cluster.settle();
  assert.equal(cluster.core(1).commit, 3);
  cluster.flush(2);
  cluster.settle();
  assert.equal(cluster.core(1).commit, 5);
});

Deno.test("async_storage_writes_append_aba_race: a write finished after its entries were replaced proves nothing", () => {
  const cluster = new Cluster({ voters: 5 }).elect(1);
  // Member 1's entries of term 2 reach only member 5, whose disk is slow.
  cluster.slowDisks.add("5");
  cluster.cut(1, 2).cut(1, 3).cut(1, 4);
  cluster.write(1, "a");
  assert.equal(cluster.node(5).log, "2· 2a");
  cluster.isolate(1).tick(25);
  const second = cluster.awaitLeader();
  assert.equal(cluster.node(5).log, "2· 3·");
  // The old write becomes durable now: entry 3 of term 2 is not entry 3 of term 3.
  const acks = cluster.node(5).writes[0]!.after;
  assert.deepEqual(ofType(acks, "appendReply").map(({ term }) => term), [2]);
  const before = cluster.node(second).status.progress;
  cluster.flush(5, 1);
  cluster.settle();
  assert.deepEqual(
    cluster.node(second).status.progress.find(({ member }) => member === "5")
      ?.match,
    before.find(({ member }) => member === "5")?.match,
  );
});

Deno.test("async_storage_writes_apply_nonlocally_committed: a member applies only what its own disk has", () => {
  const cluster = new Cluster().elect(1);
  cluster.slowDisks.add("1");
  cluster.write(1, "a");
  assert.equal(cluster.core(1).commit, 3, "the two others are a quorum");
  assert.deepEqual(cluster.node(1).state, []);
  assert.deepEqual(cluster.node(2).state, ["a"]);
  cluster.flush(1);
  assert.deepEqual(cluster.node(1).state, ["a"]);
});

Deno.test("heartbeat_resp_recovers_from_probing: a lost probe is sent anew after a heartbeat", () => {
  const cluster = new Cluster().elect(1);
  cluster.step(1, { kind: "unreachable", member: "2" });
  cluster.cut(1, 2);
  cluster.write(1, "a", "b");
  const progress = (): string => progressOf(cluster.core(1), "2").state;
  assert.equal(progress(), "probe");
  cluster.heal().tick(1);
  assert.equal(progress(), "replicate");
  assert.deepEqual(cluster.node(2).state, ["a", "b"]);
});

Deno.test("lagging_commit: a heartbeat tells no more than the member is known to have", () => {
  const cluster = new Cluster().elect(1);
  cluster.cut(1, 3);
  cluster.write(1, "a", "b");
  assert.equal(cluster.core(1).commit, 4);
  cluster.heal();
  cluster.lose = ({ type }) => type === "appendEntries";
  cluster.tick(1);
  const told = ofType(cluster.sent, "heartbeat").filter(({ to }) => to === "3");
  assert.equal(told.at(-1)?.commit, 2);
  assert.equal(cluster.core(3).commit, 2);
  cluster.lose = () => false;
  cluster.tick(4);
  assert.equal(cluster.core(3).commit, 4, "without another proposal");
});

Deno.test("probe_and_replicate: every log of figure 7 converges to the leader's", () => {
  const logs = [LEADER, ...Object.values(FOLLOWERS)];
  const cluster = new Cluster({ voters: 7, logs });
  cluster.elect(1).tick(4);
  const different = new Set(cluster.logs());
  assert.equal(different.size, 1, [...different].join("\n"));
  cluster.checkLogMatching();
});

Deno.test("replicate_pause: a full window stops the stream; it recovers after a loss", () => {
  const cluster = new Cluster({ options: { maxInflightAppends: 3 } }).elect(1);
  cluster.lose = ({ to, type }) => to === "3" && type === "appendEntries";
  const sent = cluster.sent.length;
  for (let i = 0; i < 10; i++) {
    cluster.write(1, `${i}`);
  }
  const lost = ofType(cluster.sent.slice(sent), "appendEntries")
    .filter(({ to }) => to === "3");
  assert.equal(lost.length, 3);
  assert.equal(cluster.core(1).commit, 12);
  cluster.lose = () => false;
  cluster.tick(3);
  assert.equal(cluster.core(3).commit, 12);
});

Deno.test("slow_follower_after_compaction: who misses purged entries gets a snapshot", () => {
  const cluster = new Cluster({ options: { maxInflightAppends: 2 } }).elect(1);
  cluster.isolate(3);
  for (let i = 0; i < 5; i++) {
    cluster.write(1, `${i}`);
  }
  cluster.purge(1);
  cluster.heal().tick(5);
  assert.deepEqual(cluster.node(3).state, ["0", "1", "2", "3", "4"]);
  assert.equal(cluster.node(3).base.last.index, 7);
});

Deno.test("snapshot_succeed_via_app_resp: the answer of the receiver alone resumes replication", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1);
  cluster.purge(1);
  cluster.reconfigure(1, { addLearners: ["4"] });
  const progress = () => progressOf(cluster.core(1), "4");
  cluster.tick(2);
  assert.equal(progress().state, "replicate");
  assert.equal(progress().match, cluster.core(1).lastIndex);
  cluster.write(1, "tip");
  assert.deepEqual(cluster.node(4).state, ["tip"]);
});

Deno.test("snapshot_succeed_via_app_resp_behind: an older snapshot than asked for still helps if the log continues it", () => {
  const init = initOf("1", THREE);
  const core = coreOf({
    ...init,
    hardState: { term: 1, vote: null },
    base: { ...init.base, last: id(1, 5) },
    entries: [{ index: 6, term: 1, bytes: 1 }],
    applied: 6,
  });
  core.step({ kind: "campaign" });
  drain(core);
  const probes = ofType(win(core), "appendEntries");
  assert.deepEqual(probes.map(({ prev }) => prev), [id(1, 6), id(1, 6)]);
  const state = () => progressOf(core);
  deliver(core, rejected(2, 6, id(1, 2)));
  const { sendSnapshots } = core.takeReady();
  assert.deepEqual(sendSnapshots, [{ to: "2", term: 2, atLeast: 5 }]);
  assert.equal(state().state, "snapshot");
  // It reports less than the log begins with: not enough.
  deliver(core, accepted(2, 4));
  assert.equal(state().state, "snapshot");
  // And now enough, though nobody said that the snapshot was sent.
  deliver(core, accepted(2, 5));
  assert.equal(state().state, "replicate");
  assert.equal(state().next, 6);
});

Deno.test("single_node: a lone voter elects itself and commits only what is on its disk", () => {
  const cluster = new Cluster({ voters: 1 });
  cluster.slowDisks.add("1");
  cluster.step(1, { kind: "campaign" });
  assert.equal(cluster.core(1).role, "candidate", "the vote is not durable");
  cluster.flush(1, 1);
  assert.equal(cluster.core(1).role, "leader");
  assert.equal(cluster.core(1).commit, 1);
  cluster.flush(1);
  assert.equal(cluster.core(1).commit, 2);
});

Deno.test("a duplicated heartbeat reply of an earlier round confirms no later one", () => {
  const core = followerOf([]);
  core.step({ kind: "campaign" });
  drain(core);
  win(core);
  deliver(core, accepted(1, 1));
  core.step({ kind: "readIndex", requestId: 1 });
  const [beat] = ofType(drain(core), "heartbeat").slice(-1);
  deliver(core, heartbeatReply(1, beat!.round));
  assert.deepEqual(core.takeReady().reads, [{ requestId: 1, index: 1 }]);
  core.step({ kind: "readIndex", requestId: 2 });
  drain(core);
  deliver(core, heartbeatReply(1, beat!.round));
  assert.equal(core.hasReady(), false);
  deliver(core, append(2, id(1, 1), []));
  assert.deepEqual(core.takeReady().reads, [{ requestId: 2, index: null }]);
});
