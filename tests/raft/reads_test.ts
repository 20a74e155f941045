/** The checklist of linearizable reads, clause by clause (§1.3). */
import assert from "node:assert/strict";
import type { RaftCore } from "../../src/raft/core.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import { MAX_WAITING_READS } from "../../src/raft/read_queues.ts";
import { Cluster } from "./harness/cluster.ts";
import { THREE } from "./harness/configurations.ts";
import {
  coreOf,
  followerOf,
  initOf,
  leaderOf,
  TEST_OPTIONS,
} from "./harness/core.ts";
import { hear, newLeader, read, roundOf, take } from "./harness/reads.ts";
import { receive, tick } from "./harness/talk.ts";
import {
  accepted,
  append,
  heartbeat,
  heartbeatReply,
  id,
  ofType,
  readIndex,
  readIndexReply,
  vote,
} from "./make.ts";

function followerOf2(options: Partial<RaftOptions> = {}): RaftCore {
  const core = followerOf([1], 1, options);
  receive(core, heartbeat(1));
  return core;
}

Deno.test("§1.3 a read waits for an entry of the own term to be committed", () => {
  const core = newLeader();
  const { reads, messages } = read(core, 1);
  assert.deepEqual([reads, messages], [[], []]);
  const committed = hear(core, accepted(1, 1));
  assert.deepEqual(committed.reads, [], "and then for a round");
  const round = roundOf(committed.messages);
  assert.deepEqual(hear(core, heartbeatReply(1, round)).reads, [
    { requestId: 1, index: 1 },
  ]);
});

Deno.test("§1.3 a read that waited for a commit gets a round at once then", () => {
  const core = newLeader();
  read(core, 1);
  tick(core);
  const early = roundOf(take(core).messages);
  assert.deepEqual(hear(core, heartbeatReply(1, early)).reads, []);
  const { messages } = hear(core, accepted(1, 1));
  assert.equal(roundOf(messages), early + 1);
});

Deno.test("§1.3 a read gets the commit index of when it came", () => {
  const core = leaderOf();
  const round = roundOf(read(core, 1).messages);
  core.step({ kind: "propose", payloads: [new Uint8Array(1)] });
  take(core);
  hear(core, accepted(1, 2));
  assert.equal(core.commit, 2);
  assert.deepEqual(hear(core, heartbeatReply(1, round)).reads, [
    { requestId: 1, index: 1 },
  ]);
});

Deno.test("§1.3 a round that began before the read confirms nothing", () => {
  const core = leaderOf();
  tick(core);
  const before = roundOf(take(core).messages);
  const after = roundOf(read(core, 1).messages);
  assert.ok(after > before);
  assert.deepEqual(hear(core, heartbeatReply(1, before)).reads, []);
  assert.equal(hear(core, heartbeatReply(1, after)).reads.length, 1);
});

Deno.test("§1.3 a round of an earlier term confirms nothing", () => {
  const core = leaderOf();
  const old = roundOf(read(core, 1).messages);
  hear(core, append(2, id(1, 1), []));
  for (let i = 0; i < 30 && core.role === "follower"; i++) {
    tick(core);
  }
  take(core);
  hear(core, vote(3, true, { preVote: true }));
  hear(core, vote(3));
  hear(core, accepted(3, core.lastIndex));
  const now = roundOf(read(core, 2).messages);
  assert.deepEqual(hear(core, heartbeatReply(1, Math.max(old, now))).reads, []);
  assert.equal(hear(core, heartbeatReply(3, now)).reads.length, 1);
});

Deno.test("§1.3 a heartbeat of an older term is answered without its round: its sender may lead again, and counts anew", () => {
  const [reply] = receive(followerOf([1], 3), heartbeat(1, { round: 1000 }));
  assert.equal(reply?.type === "heartbeatReply" && reply.round, 0);
  const core = leaderOf({}, 3, [1, 2]);
  assert.equal(core.term, 3);
  read(core, 1);
  assert.deepEqual(hear(core, { ...reply!, from: "2", to: "1" }).reads, []);
  tick(core);
  const later = roundOf(take(core).messages);
  assert.equal(hear(core, heartbeatReply(3, later)).reads.length, 1);
});

Deno.test("§1.3 a later round confirms earlier reads", () => {
  const core = leaderOf();
  read(core, 1);
  tick(core);
  const later = roundOf(take(core).messages);
  assert.equal(hear(core, heartbeatReply(1, later)).reads.length, 1);
});

Deno.test("§1.3 reads that come while a round is on its way share the next one", () => {
  const core = leaderOf();
  const first = roundOf(read(core, 1).messages);
  for (let i = 2; i <= 100; i++) assert.deepEqual(read(core, i).messages, []);
  const done = hear(core, heartbeatReply(1, first));
  assert.deepEqual(done.reads.map(({ requestId }) => requestId), [1]);
  const beats = ofType(done.messages, "heartbeat");
  assert.deepEqual(beats.map(({ to, round }) => [to, round]), [
    ["2", first + 1],
    ["3", first + 1],
  ]);
  assert.equal(hear(core, heartbeatReply(1, first + 1)).reads.length, 99);
});

Deno.test("§1.3 a lone voter confirms at once", () => {
  const cluster = new Cluster({ voters: 1, learners: 1 }).elect(1);
  assert.equal(cluster.node(1).reads.get(cluster.read(1)), 2);
});

Deno.test("§1.3 the learner's answer does not count", () => {
  const cluster = new Cluster({ voters: 2, learners: 1 }).elect(1);
  cluster.cut(1, 2);
  const requestId = cluster.read(1);
  cluster.settle();
  cluster.tick(2);
  assert.equal(cluster.node(1).reads.has(requestId), false);
});

/** Five voters of two configurations, of which the leader reaches the old one only. */
function halfJoint(): Cluster {
  const cluster = new Cluster({ voters: 3, spares: 2 }).elect(1);
  cluster.reconfigure(1, { addLearners: ["4", "5"] }).tick(3);
  cluster.cut(1, 4).cut(1, 5);
  cluster.change(1, { promote: ["4", "5"], remove: ["2", "3"] });
  return cluster;
}

Deno.test("§1.3 a joint configuration confirms with both majorities", () => {
  const cluster = halfJoint();
  const requestId = cluster.read(1);
  cluster.settle();
  assert.equal(cluster.node(1).reads.has(requestId), false);
  cluster.heal().tick(2);
  assert.ok(cluster.node(1).reads.get(requestId) !== undefined);
});

Deno.test("§1.3 the question of a voter that is a quorum with the leader is its own confirmation", () => {
  const { messages } = hear(leaderOf(), readIndex(1, 7, { from: "3" }));
  assert.deepEqual(
    messages.map((message) =>
      message.type === "readIndexReply" &&
      [message.to, message.requestId, message.index]
    ),
    [["3", 7, 1]],
  );
});

Deno.test("§1.3 a question confirms nothing before an entry of the own term is committed", () => {
  const core = newLeader();
  assert.deepEqual(hear(core, readIndex(1, 7, { from: "3" })).messages, []);
});

Deno.test("§1.3 a question of an older term confirms nothing", () => {
  const core = leaderOf({}, 3, [1]);
  assert.equal(core.term, 2);
  const { messages } = hear(core, readIndex(1, 7, { from: "3" }));
  assert.deepEqual(ofType(messages, "readIndexReply"), []);
  assert.equal(ofType(messages, "heartbeat").length, 2);
});

Deno.test("§1.3 nor does one of five voters, nor a learner's", () => {
  const five = hear(leaderOf({}, 5), readIndex(1, 7, { from: "3" }));
  assert.deepEqual(ofType(five.messages, "readIndexReply"), []);
  const cluster = new Cluster({ voters: 3, learners: 1 }).elect(1);
  cluster.cut(1, 2).cut(1, 3);
  const requestId = cluster.read(4);
  cluster.settle();
  cluster.tick(2);
  assert.equal(cluster.node(4).reads.has(requestId), false);
});

Deno.test("§1.3 a question during a joint configuration needs both majorities", () => {
  const cluster = halfJoint();
  const requestId = cluster.read(2);
  cluster.settle();
  assert.equal(cluster.node(2).reads.has(requestId), false);
});

Deno.test("§1.3 a leader that steps down fails its reads, also those of followers", () => {
  const core = leaderOf({}, 5);
  read(core, 1);
  hear(core, readIndex(1, 77, { from: "3" }));
  const { reads, messages } = hear(core, heartbeat(2));
  assert.deepEqual(reads, [{ requestId: 1, index: null }]);
  const replies = ofType(messages, "readIndexReply");
  assert.deepEqual(
    replies.map(({ to, requestId, index }) => [
      to,
      requestId,
      index,
    ]),
    [["3", 77, null]],
  );
});

Deno.test("§1.3 a read that waits an election timeout fails", () => {
  const core = leaderOf({ checkQuorum: false });
  read(core, 1);
  tick(core, TEST_OPTIONS.electionTicks - 1);
  assert.deepEqual(take(core).reads, []);
  tick(core);
  assert.deepEqual(take(core).reads, [{ requestId: 1, index: null }]);
});

Deno.test("§1.3 a stale leader behind a partition confirms nothing", () => {
  const cluster = new Cluster({ options: { checkQuorum: false } }).elect(1);
  cluster.isolate(1).elect(2);
  cluster.write(2, "new");
  assert.equal(cluster.core(1).role, "leader");
  const requestId = cluster.read(1);
  cluster.tick(3);
  assert.equal(cluster.node(1).reads.has(requestId), false);
  cluster.heal().tick(3);
  assert.equal(cluster.node(1).reads.get(requestId), null);
});

Deno.test("§1.3 a follower's reads share one question; later ones the next", () => {
  const core = followerOf2();
  const [ask] = ofType(read(core, 1).messages, "readIndex");
  assert.deepEqual(read(core, 2).messages, []);
  assert.deepEqual(read(core, 3).messages, []);
  const done = hear(core, readIndexReply(1, ask!.requestId, 9));
  assert.deepEqual(done.reads, [{ requestId: 1, index: 9 }]);
  const [next] = ofType(done.messages, "readIndex");
  assert.notEqual(next?.requestId, ask?.requestId);
  const late = hear(core, readIndexReply(1, ask!.requestId, 9));
  assert.deepEqual(late.reads, [], "a duplicate answers nothing");
  const rest = hear(core, readIndexReply(1, next!.requestId, 10));
  assert.deepEqual(rest.reads, [
    { requestId: 2, index: 10 },
    { requestId: 3, index: 10 },
  ]);
});

Deno.test("§1.3 a member that restarts never uses the ids of its former self", () => {
  const firstId = (seed: number) => {
    const init = initOf("1", THREE, [1], { term: 1, vote: null });
    const core = coreOf(init, {}, seed);
    receive(core, heartbeat(1));
    return ofType(read(core, 1).messages, "readIndex")[0]!.requestId;
  };
  assert.notEqual(firstId(1), firstId(2));
});

Deno.test("§1.3 a follower repeats a question that may be lost, and gives up after an election timeout", () => {
  const core = followerOf2({ heartbeatTicks: 3 });
  const [ask] = ofType(read(core, 1).messages, "readIndex");
  read(core, 2);
  const asked: number[] = [];
  let failed: number[] = [];
  for (let i = 0; i < TEST_OPTIONS.electionTicks; i++) {
    hear(core, heartbeat(1));
    tick(core);
    const { reads, messages } = take(core);
    asked.push(...ofType(messages, "readIndex").map((m) => m.requestId));
    failed = reads.map(({ requestId }) => requestId);
  }
  assert.deepEqual(asked.slice(0, 3), Array(3).fill(ask!.requestId));
  assert.deepEqual(failed, [1]);
  assert.equal(asked.length, 4, "then the next question leaves");
});

Deno.test("§1.3 a follower's reads fail when the leader changes or is lost", () => {
  const newTerm = followerOf2();
  read(newTerm, 1);
  read(newTerm, 2);
  const failed = [{ requestId: 1, index: null }, { requestId: 2, index: null }];
  assert.deepEqual(hear(newTerm, heartbeat(2, { from: "3" })).reads, failed);
  const lost = followerOf2();
  tick(lost, 5);
  read(lost, 1);
  read(lost, 2);
  for (let i = 0; lost.role === "follower"; i++) tick(lost);
  assert.deepEqual(take(lost).reads, failed);
});

Deno.test("§1.3 a read without a leader fails at once", () => {
  const core = followerOf([]);
  assert.deepEqual(read(core, 1).reads, [{ requestId: 1, index: null }]);
});

Deno.test("§1.3 a question repeated while it waits is answered once", () => {
  const core = leaderOf({}, 5);
  const ask = readIndex(1, 5, { from: "3" });
  const round = roundOf(hear(core, ask).messages);
  hear(core, ask);
  hear(core, heartbeatReply(1, round, { from: "4" }));
  const done = hear(core, heartbeatReply(1, round));
  assert.equal(ofType(done.messages, "readIndexReply").length, 1);
  assert.deepEqual(ofType(done.messages, "heartbeat"), [], "nobody waits");
});

Deno.test("§1.3 who does not lead says so", () => {
  const core = followerOf2();
  const ask = readIndex(1, 5, { from: "3" });
  const [reply] = hear(core, ask).messages;
  assert.ok(reply?.type === "readIndexReply");
  assert.deepEqual([reply.requestId, reply.index], [5, null]);
});

Deno.test("§1.3 waiting reads are bounded; more fail at once", () => {
  const leader = leaderOf();
  const follower = followerOf2();
  for (const core of [leader, follower]) {
    read(core, 0);
    let failed = 0;
    for (let i = 1; i <= MAX_WAITING_READS + 1; i++) {
      core.step({ kind: "readIndex", requestId: i });
    }
    failed = take(core).reads.length;
    assert.equal(failed, core === leader ? 2 : 1);
  }
});
