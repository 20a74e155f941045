/** The checklist of log and commitment, clause by clause (§1.2). */
import assert from "node:assert/strict";
import { ContradictionError } from "../../src/raft/contradiction.ts";
import { EntryKind } from "../../src/raft/types.ts";
import { Cluster } from "./harness/cluster.ts";
import { configOf, THREE } from "./harness/configurations.ts";
import { coreOf, followerOf, initOf, leaderOf } from "./harness/core.ts";
import {
  deliver,
  drain,
  progressOf,
  propose,
  reasonOf,
  receive,
  tick,
  tickUntilCampaign,
  win,
} from "./harness/talk.ts";
import {
  accepted,
  append,
  appendsTo,
  heartbeat,
  heartbeatReply,
  id,
  ofType,
  rejected,
  snapshot,
  vote,
} from "./make.ts";

Deno.test("§1.2 a new leader appends a no-op of its term", () => {
  const core = followerOf([1, 2]);
  core.step({ kind: "campaign" });
  drain(core);
  receive(core, vote(3, true, { preVote: true }));
  deliver(core, vote(3));
  const { persist } = core.takeReady();
  assert.deepEqual(
    persist?.entries.map(({ index, term, kind }) => [
      index,
      term,
      kind,
    ]),
    [[3, 3, EntryKind.noop]],
  );
});

Deno.test("§1.2 only entries of the own term are committed by counting", () => {
  const core = coreOf(initOf("1", THREE, [1, 2]));
  tickUntilCampaign(core);
  win(core);
  assert.equal(core.term, 3);
  for (const from of ["2", "3"]) receive(core, accepted(3, 2, { from }));
  assert.equal(core.commit, 0, "everyone has the entries of terms 1 and 2");
  receive(core, accepted(3, 3));
  assert.equal(core.commit, 3, "with one of the own term they are committed");
});

Deno.test("§1.2 a lone voter commits nothing before it is on its disk", () => {
  const cluster = new Cluster({ voters: 1 });
  cluster.slowDisks.add("1");
  cluster.step(1, { kind: "campaign" });
  cluster.flush(1, 1);
  assert.equal(cluster.core(1).role, "leader", "its vote is on its disk");
  assert.equal(cluster.core(1).commit, 1, "its no-op is not");
  cluster.flush(1);
  cluster.propose(1, "a");
  assert.equal(cluster.core(1).commit, 2);
  assert.deepEqual(cluster.node(1).state, []);
  cluster.flush(1);
  assert.equal(cluster.core(1).commit, 3);
  assert.deepEqual(cluster.node(1).state, ["a"]);
});

Deno.test("§1.2 a leader counts itself only after its own fsync", () => {
  const core = leaderOf({}, 2);
  core.step({ kind: "propose", payloads: [new Uint8Array(1)] });
  const { persist, send } = core.takeReady();
  assert.equal(ofType(send, "appendEntries").length, 1, "replication races it");
  deliver(core, accepted(1, 2));
  assert.equal(core.commit, 1);
  core.step({ kind: "persisted", id: persist!.id });
  assert.equal(core.commit, 2);
});

Deno.test("§1.2 a leader that was removed never counts itself", () => {
  const core = leaderOf();
  core.step({ kind: "changeMembership", change: { remove: ["1"] } });
  drain(core);
  receive(core, accepted(1, 2));
  assert.equal(core.commit, 1);
  receive(core, accepted(1, 2, { from: "3" }));
  assert.equal(core.commit, 2);
  assert.equal(core.role, "follower");
});

Deno.test("§1.2 a follower commits no further than the message verified", () => {
  const core = followerOf([1, 1, 1], 2);
  // Entries 2 and 3 may conflict with the leader's: only the first was verified.
  receive(core, append(2, id(1, 1), [], 3));
  assert.equal(core.commit, 1);
  receive(core, append(2, id(1, 1), [1], 3));
  assert.equal(core.commit, 2);
});

Deno.test("§1.2 the commit index never falls", () => {
  const core = followerOf([1, 1, 1]);
  receive(core, append(1, id(1, 3), [], 3));
  receive(core, append(1, id(1, 1), [], 1));
  receive(core, heartbeat(1, { commit: 1 }));
  assert.equal(core.commit, 3);
});

Deno.test("§1.2 a late short append does not cut the tail", () => {
  const core = followerOf([1, 1, 1, 1]);
  deliver(core, append(1, id(0, 0), [1, 1]));
  const { persist, sendAfterPersist } = core.takeReady();
  assert.equal(persist, null);
  assert.equal(core.lastIndex, 4);
  const [reply] = ofType(sendAfterPersist, "appendReply");
  assert.deepEqual([reply?.ok, reply?.index], [true, 2], "and acks no more");
});

Deno.test("§1.2 a real conflict cuts the log from there on", () => {
  const core = followerOf([1, 1, 1, 1], 2);
  deliver(core, append(2, id(1, 1), [1, 2]));
  const { persist } = core.takeReady();
  assert.equal(persist?.truncateAfter, 2);
  assert.deepEqual(persist?.entries.map(({ index }) => index), [3]);
  assert.equal(core.lastIndex, 3);
});

Deno.test("§1.2 cutting below the commit index is a broken invariant", () => {
  const core = followerOf([1, 1, 1]);
  receive(core, append(1, id(1, 3), [], 2));
  assert.throws(
    () => receive(core, append(2, id(2, 2), [2])),
    /contradicts committed entry 2/,
  );
});

Deno.test("§1.2 entries that contradict committed ones are not passed over", () => {
  const core = followerOf([1, 1, 1, 1]);
  receive(core, append(1, id(1, 4), [], 3));
  assert.deepEqual(
    receive(core, append(2, id(1, 2), [1])).length,
    1,
    "what is committed may come again",
  );
  assert.throws(
    () => receive(core, append(2, id(1, 1), [2, 2, 2, 2], 5)),
    new ContradictionError(2, 2),
  );
});

Deno.test("§1.2 a term above the last one that was purged contradicts what was purged", () => {
  const core = followerOf([1, 1, 1, 1]);
  receive(core, append(1, id(1, 4), [], 4));
  core.step({ kind: "applied", index: 4 });
  core.step({ kind: "purged", index: 3 });
  receive(core, append(2, id(0, 0), [1, 1]));
  assert.throws(
    () => receive(core, append(2, id(1, 1), [2])),
    new ContradictionError(2, 2),
  );
});

Deno.test("§1.2 an append that reaches over the commit index leaves committed entries alone", () => {
  const core = followerOf([1, 1]);
  receive(core, append(1, id(1, 2), [], 2));
  const [reply] = receive(core, append(1, id(0, 0), [1, 1, 1], 3));
  assert.equal(reply?.type === "appendReply" && reply.index, 3);
  assert.equal(core.commit, 3);
  const [old] = receive(core, append(1, id(0, 0), [1]));
  assert.equal(old?.type === "appendReply" && old.index, 3);
});

Deno.test("§1.2 malformed appends are dropped", () => {
  const core = followerOf([1]);
  const good = append(1, id(1, 1), [1, 1]);
  const gap = { ...good, entries: [good.entries[1]!] };
  const newer = append(1, id(1, 1), [2]);
  const falling = append(3, id(2, 1), [1]);
  for (const message of [gap, newer, falling]) {
    assert.deepEqual(receive(core, message), []);
  }
  assert.equal(core.lastIndex, 1);
});

Deno.test("§1.2 an append filled in part is accepted as far as it goes", () => {
  const core = followerOf([1]);
  const whole = append(1, id(1, 1), [1, 1], 3);
  const part = { ...whole, entries: whole.entries.slice(0, 1) };
  const [reply] = receive(core, part);
  assert.equal(reply?.type === "appendReply" && reply.index, 2);
  assert.equal(core.commit, 2);
});

Deno.test("§1.2 the conflict hint skips whole terms", () => {
  const core = followerOf([1, 1, 1, 2, 2, 2, 2], 3);
  const [reply] = receive(core, append(3, id(3, 6), []));
  assert.ok(reply?.type === "appendReply");
  assert.deepEqual([reply.index, reply.hint], [6, id(2, 6)]);
  const [short] = receive(core, append(3, id(3, 20), []));
  assert.deepEqual(short?.type === "appendReply" && short.hint, id(2, 7));
  const [old] = receive(core, append(3, id(1, 5), []));
  assert.deepEqual(old?.type === "appendReply" && old.hint, id(1, 3));
});

Deno.test("§1.2 a long conflict is resolved within a few rounds", () => {
  const lead = [...Array(100).fill(1), ...Array(100).fill(4)];
  const other = [...Array(100).fill(1), ...Array(90).fill(2)];
  const cluster = new Cluster({ logs: [lead, other, lead] });
  cluster.elect(1);
  const probes = ofType(cluster.sent, "appendReply")
    .filter(({ from, ok }) => from === "2" && !ok);
  assert.ok(probes.length <= 2, `${probes.length} refusals`);
  assert.equal(cluster.node(2).log, cluster.node(1).log);
});

Deno.test("§1.2 a late refusal is no log reversion", () => {
  const core = leaderOf();
  propose(core, 3);
  receive(core, accepted(1, 4));
  const before = progressOf(core);
  assert.deepEqual(receive(core, rejected(1, 3, id(0, 0))), []);
  assert.deepEqual(progressOf(core), before);
  assert.deepEqual(receive(core, rejected(1, 4, id(0, 4))), []);
  assert.deepEqual(progressOf(core), before);
});

Deno.test("§1.2 a refusal that may agree on less than was acknowledged since is late", () => {
  const core = leaderOf();
  propose(core, 5);
  receive(core, accepted(1, 4));
  const before = progressOf(core);
  assert.deepEqual(receive(core, rejected(1, 5, id(1, 3))), []);
  assert.deepEqual(progressOf(core), before);
  assert.equal(appendsTo(receive(core, rejected(1, 5, id(1, 4)))).length, 1);
});

Deno.test("§1.2 the match index never falls in a term", () => {
  const core = leaderOf();
  propose(core, 3);
  receive(core, accepted(1, 4));
  receive(core, accepted(1, 2));
  assert.equal(progressOf(core).match, 4);
});

Deno.test("§1.2 over a new link a member may have lost the end of its log: what it acknowledged counts no more", () => {
  const core = leaderOf();
  propose(core, 3);
  receive(core, accepted(1, 4));
  assert.equal(core.commit, 4);
  core.step({ kind: "linkBroke", member: "2" });
  core.step({ kind: "linkBroke", member: "9" });
  assert.equal(progressOf(core).match, 0);
  const [probe] = appendsTo(drain(core));
  assert.deepEqual(
    probe?.prev,
    id(1, 4),
    "the log is asked for where it ended",
  );
  tick(core);
  const beats = ofType(drain(core), "heartbeat").filter(({ to }) => to === "2");
  assert.deepEqual(beats.map(({ commit }) => commit), [0]);
  const [resent] = appendsTo(receive(core, rejected(1, 4, id(1, 2))));
  assert.deepEqual([resent?.prev.index, resent?.last], [2, 4]);
  receive(core, accepted(1, 4));
  assert.deepEqual(
    [progressOf(core).match, progressOf(core).state, core.commit],
    [4, "replicate", 4],
  );
});

Deno.test("§1.2 the answer to an append of an older term says nothing of the log: its sender may lead again", () => {
  const [reply] = receive(followerOf([1, 2], 3), append(2, id(2, 2), []));
  assert.equal(reply?.type === "appendReply" && reply.ok, false);
  const core = coreOf(initOf("1", THREE, [1, 2]));
  tickUntilCampaign(core);
  win(core);
  assert.equal(core.term, 3);
  receive(core, { ...reply!, from: "2", to: "1" });
  assert.equal(progressOf(core).next, 3);
});

Deno.test("§1.2 a refusal of another probe than the present one is ignored", () => {
  const core = leaderOf();
  propose(core, 3);
  const probes = appendsTo(receive(core, rejected(1, 4, id(1, 2))));
  assert.deepEqual(probes.map(({ prev }) => prev.index), [1], "back to match");
  assert.deepEqual(receive(core, rejected(1, 3, id(1, 2))), []);
  assert.equal(progressOf(core).next, 2);
});

Deno.test("§1.2 an acknowledgement beyond the leader's log is a broken invariant", () => {
  const core = leaderOf();
  assert.throws(
    () => receive(core, accepted(1, 9)),
    /leader of term 1 ends at 1/,
  );
});

Deno.test("§1.2 an acknowledgement carries the term in which it was given", () => {
  const core = followerOf([1], 2);
  deliver(core, append(2, id(1, 1), [2]));
  const first = core.takeReady();
  deliver(core, append(3, id(1, 1), [3], 0, { from: "3" }));
  const second = core.takeReady();
  const term = ({ sendAfterPersist }: typeof first) =>
    ofType(sendAfterPersist, "appendReply").map(({ to, term }) => [to, term]);
  assert.deepEqual(term(first), [["2", 2]]);
  assert.deepEqual(term(second), [["3", 3]]);
  assert.equal(second.persist?.truncateAfter, 1);
});

Deno.test("§1.2 a write older than a truncation does not make the rewritten entry durable", () => {
  // A leader whose own entry was first another one: 2 of term 1, then 2 of term 3.
  const core = coreOf(
    initOf("1", configOf(["1", "2"]), [1], { term: 1, vote: null }),
  );
  deliver(core, append(1, id(1, 1), [1]));
  const old = core.takeReady().persist!;
  deliver(core, append(2, id(1, 1), [], 0));
  deliver(core, append(3, id(1, 1), [3]));
  core.takeReady();
  core.step({ kind: "persisted", id: old.id });
  deliver(core, append(3, id(3, 2), [], 2));
  assert.equal(core.commit, 2);
  assert.equal(core.takeReady().commit, 1, "only entry 1 is on this disk");
});

Deno.test("§1.2 a deposed leader shows that its entries may be replaced", () => {
  const cluster = new Cluster().elect(1).isolate(1);
  const outcome = cluster.propose(1, "a");
  assert.deepEqual(outcome, { kind: "appended", first: id(2, 3) });
  cluster.settle();
  cluster.tick(40);
  const leader = cluster.awaitLeader();
  cluster.write(leader, "b");
  cluster.purge(leader);
  cluster.heal().tick(5);
  // A snapshot jumped past the entry: the member knows that it cannot know.
  assert.equal(cluster.core(1).role, "follower");
  assert.ok(cluster.node(1).status.base.index >= 3);
  assert.ok(cluster.node(1).status.term > 2);
});

Deno.test("a proposal of nothing is refused", () => {
  const outcome = leaderOf().step({ kind: "propose", payloads: [] });
  assert.equal(reasonOf(outcome), "invalid");
});

Deno.test("a follower refuses proposals and names the leader", () => {
  const core = followerOf([1]);
  receive(core, heartbeat(1));
  const outcome = core.step({ kind: "propose", payloads: [new Uint8Array(1)] });
  assert.deepEqual(
    outcome.kind === "refused" && [outcome.reason, outcome.leader],
    ["not_leader", "2"],
  );
});

Deno.test("an append reply or heartbeat reply of a stranger changes nothing", () => {
  const core = leaderOf();
  const before = core.status();
  receive(core, accepted(1, 1, { from: "9" }));
  receive(core, heartbeatReply(1, 1, { from: "9" }));
  assert.deepEqual(core.status(), before);
});

Deno.test("§1.5 purged ≤ applied ≤ commit ≤ last is asserted", () => {
  const core = leaderOf();
  assert.throws(
    () => core.step({ kind: "applied", index: 2 }),
    /beyond the commit/,
  );
  assert.throws(
    () => core.step({ kind: "purged", index: 1 }),
    /beyond the applied/,
  );
  assert.throws(
    () => core.step({ kind: "persisted", id: 99 }),
    /never asked for/,
  );
});

Deno.test("a heartbeat of a leader that is behind a snapshot commits nothing beyond the log", () => {
  const core = followerOf([1]);
  receive(core, heartbeat(1, { commit: 9 }));
  assert.equal(core.commit, 1);
  deliver(core, snapshot(1, id(1, 5), THREE));
  core.takeReady();
  receive(core, heartbeat(1, { commit: 9 }));
  assert.equal(core.commit, 1, "the snapshot is being installed");
});
