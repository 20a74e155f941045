/** The checklist of snapshots, clause by clause (§1.5). */
import assert from "node:assert/strict";
import type { RaftCore } from "../../src/raft/core.ts";
import { Cluster } from "./harness/cluster.ts";
import { configOf, members, THREE } from "./harness/configurations.ts";
import { coreOf, followerOf, initOf, leaderOf } from "./harness/core.ts";
import {
  deliver,
  drain,
  progressOf,
  receive,
  tick,
  tickUntilCampaign,
  win,
} from "./harness/talk.ts";
import {
  accepted,
  append,
  heartbeat,
  heartbeatReply,
  id,
  ofType,
  rejected,
  requestVote,
  snapshot,
} from "./make.ts";

const FOUR = configOf(members(4));

const installed = (core: RaftCore, last: ReturnType<typeof id>) =>
  core.step({
    kind: "snapshotInstalled",
    snapshot: { last, config: FOUR },
  });

Deno.test("§1.5 a snapshot at or below the commit index is answered and not installed", () => {
  const core = followerOf([1, 1, 1], 2);
  receive(core, append(2, id(1, 3), [], 3));
  deliver(core, snapshot(2, id(1, 2), FOUR));
  const ready = core.takeReady();
  assert.equal(ready.installSnapshot, null);
  const [reply] = ofType(ready.sendAfterPersist, "appendReply");
  assert.deepEqual([reply?.ok, reply?.index], [true, 3]);
});

Deno.test("§1.5 a snapshot whose last entry the log has only advances the commit index, and the tail stays", () => {
  const core = followerOf([1, 1, 1, 1], 2);
  deliver(core, snapshot(2, id(1, 3), FOUR));
  const ready = core.takeReady();
  assert.equal(ready.installSnapshot, null);
  assert.equal(ready.commit, 3);
  assert.equal(core.lastIndex, 4);
  assert.deepEqual(core.config, THREE, "the log's own configuration holds");
  const [reply] = ofType(ready.sendAfterPersist, "appendReply");
  assert.equal(reply?.index, 3);
});

Deno.test("§1.5 a snapshot that conflicts with the log replaces all of it, with its configuration", () => {
  const core = followerOf([1, 1, 1, 1], 2);
  deliver(core, snapshot(2, id(2, 3), FOUR));
  const ready = core.takeReady();
  assert.deepEqual(ready.installSnapshot, { last: id(2, 3), config: FOUR });
  assert.deepEqual(ready.sendAfterPersist, [], "not before it is installed");
  assert.equal(core.commit, 0);
  installed(core, id(2, 3));
  const status = core.status();
  assert.deepEqual(
    [status.base, status.last, status.commit, status.applied],
    [id(2, 3), id(2, 3), 3, 3],
  );
  assert.deepEqual(status.config, FOUR);
  assert.equal(status.configIndex, 3);
  const [reply] = ofType(core.takeReady().sendAfterPersist, "appendReply");
  assert.deepEqual([reply?.to, reply?.ok, reply?.index], ["2", true, 3]);
});

Deno.test("§1.5 a snapshot of an earlier term is ignored", () => {
  const core = followerOf([1], 2);
  assert.deepEqual(receive(core, snapshot(1, id(1, 5), FOUR)), []);
  assert.equal(core.hasReady(), false);
});

Deno.test("§1.5 a snapshot of a newer term brings the term and the leader", () => {
  const core = followerOf([1], 2);
  deliver(core, snapshot(7, id(6, 5), FOUR));
  const ready = core.takeReady();
  assert.deepEqual(ready.persist?.hardState, { term: 7, vote: null });
  assert.equal(core.leader, "2");
});

Deno.test("§1.5 a candidate that receives a snapshot of its term follows", () => {
  const core = coreOf(initOf("1", THREE), { preVote: false });
  tickUntilCampaign(core);
  deliver(core, snapshot(1, id(1, 5), FOUR));
  assert.equal(core.role, "follower");
});

Deno.test("§1.5 appends that race an install are ignored, heartbeats are answered", () => {
  const core = followerOf([1], 2);
  deliver(core, snapshot(2, id(2, 5), FOUR));
  core.takeReady();
  assert.ok(core.installing);
  assert.deepEqual(receive(core, append(2, id(2, 5), [2], 6)), []);
  assert.deepEqual(receive(core, append(2, id(1, 1), [2], 6)), []);
  const beats = receive(core, heartbeat(2));
  assert.equal(ofType(beats, "heartbeatReply").length, 1);
  deliver(core, snapshot(2, id(2, 9), FOUR));
  assert.equal(core.hasReady(), false, "one at a time");
  installed(core, id(2, 5));
  drain(core);
  const [reply] = receive(core, append(2, id(2, 5), [2], 6));
  assert.equal(reply?.type === "appendReply" && reply.index, 6);
});

Deno.test("§1.5 a member does not campaign while its state is being replaced", () => {
  const core = followerOf([1], 2);
  deliver(core, snapshot(2, id(2, 5), FOUR));
  core.takeReady();
  tick(core, 50);
  assert.equal(core.role, "follower");
  assert.equal(core.step({ kind: "campaign" }).kind, "refused");
});

Deno.test("§1.5 an install that ends in a later term is acknowledged to that term's leader", () => {
  const core = followerOf([1], 2);
  deliver(core, snapshot(2, id(2, 5), FOUR));
  core.takeReady();
  receive(core, heartbeat(3, { from: "3" }));
  installed(core, id(2, 5));
  const [reply] = ofType(drain(core), "appendReply");
  assert.deepEqual([reply?.to, reply?.term, reply?.index], ["3", 3, 5]);
});

Deno.test("§1.5 an install that ends without a leader is acknowledged to nobody", () => {
  const core = followerOf([1], 2);
  deliver(core, snapshot(2, id(2, 5), FOUR));
  core.takeReady();
  receive(core, requestVote(3, id(2, 9), { transfer: true }));
  installed(core, id(2, 5));
  assert.deepEqual(ofType(drain(core), "appendReply"), []);
});

Deno.test("§1.5 another snapshot than the one asked for is a broken invariant", () => {
  const core = followerOf([1], 2);
  assert.throws(() => installed(core, id(2, 5)), /snapshot 5 was installed/);
});

Deno.test("§1.5 writes older than an install do not make its log shorter or longer", () => {
  const core = followerOf([], 2);
  deliver(core, append(2, id(0, 0), [1, 1, 1]));
  const old = core.takeReady().persist!;
  deliver(core, snapshot(2, id(2, 5), FOUR));
  core.takeReady();
  installed(core, id(2, 5));
  core.step({ kind: "persisted", id: old.id });
  assert.equal(core.takeReady().commit, 5);
  assert.equal(core.status().last.index, 5);
});

/** A leader whose log begins after entry 5, and whose second member needs what is gone. */
function leaderWithBase(): RaftCore {
  const init = initOf("1", THREE, [], { term: 1, vote: null });
  const core = coreOf({
    ...init,
    base: { last: id(1, 5), config: THREE },
    entries: [{ index: 6, term: 1, bytes: 1 }],
    applied: 5,
  });
  core.step({ kind: "campaign" });
  drain(core);
  win(core);
  deliver(core, rejected(2, 6, id(0, 0)));
  return core;
}

Deno.test("§1.5 a member whose next entry is purged gets a snapshot, asked for once", () => {
  const core = leaderWithBase();
  const { sendSnapshots } = core.takeReady();
  assert.deepEqual(sendSnapshots, [{ to: "2", term: 2, atLeast: 5 }]);
  tick(core);
  drain(core);
  receive(core, heartbeatReply(2, 1));
  assert.deepEqual(core.takeReady().sendSnapshots, []);
  assert.equal(progressOf(core).state, "snapshot");
});

Deno.test("§1.5 no snapshot is asked for a member that does not answer", () => {
  const cluster = new Cluster().elect(1).isolate(3);
  cluster.write(1, "a").tick(25);
  cluster.autoSnapshots = false;
  cluster.purge(1);
  cluster.step(1, { kind: "unreachable", member: "3" });
  cluster.tick(5);
  assert.deepEqual(cluster.node(1).snapshotRequests, []);
  cluster.heal().tick(2);
  assert.equal(cluster.node(1).snapshotRequests.length, 1);
});

Deno.test("§1.5 after a sent snapshot the member is probed behind it, once it answers", () => {
  const core = leaderWithBase();
  core.takeReady();
  core.step({ kind: "snapshotSent", to: "2", last: id(1, 6), ok: true });
  assert.deepEqual(
    [progressOf(core).state, progressOf(core).next],
    ["probe", 7],
  );
  assert.equal(core.hasReady(), false, "it is still installing");
  const appends = ofType(receive(core, accepted(2, 6)), "appendEntries");
  assert.deepEqual(appends.map(({ to, prev }) => [to, prev.index]), [["2", 6]]);
  assert.equal(progressOf(core).state, "replicate");
});

Deno.test("§1.5 if the answer of the installed snapshot is lost, the next heartbeat finds out", () => {
  const core = leaderWithBase();
  core.takeReady();
  core.step({ kind: "snapshotSent", to: "2", last: id(1, 6), ok: true });
  tick(core);
  drain(core);
  const probes = ofType(receive(core, heartbeatReply(2, 1)), "appendEntries");
  assert.deepEqual(probes.map(({ prev }) => prev.index), [6]);
});

Deno.test("§1.5 a snapshot that could not be sent is asked for again after a pause", () => {
  const core = leaderWithBase();
  core.takeReady();
  core.step({ kind: "snapshotSent", to: "2", last: id(1, 6), ok: false });
  let ticks = 0;
  let asked = 0;
  for (; asked === 0 && ticks < 50; ticks++) {
    deliver(core, heartbeatReply(2, 1));
    tick(core);
    asked = core.takeReady().sendSnapshots.length;
  }
  assert.equal(asked, 1);
  assert.ok(ticks >= 10, `${ticks}`);
});

Deno.test("§1.5 the end of a stream that nobody waits for changes nothing", () => {
  const core = leaderOf();
  const before = core.status();
  core.step({ kind: "snapshotSent", to: "2", last: id(1, 1), ok: true });
  core.step({ kind: "snapshotSent", to: "9", last: id(1, 1), ok: false });
  assert.deepEqual(core.status(), before);
});

Deno.test("§1.5 a refusal while a snapshot is on its way is ignored", () => {
  const core = leaderWithBase();
  core.takeReady();
  receive(core, rejected(2, 6, id(0, 0)));
  assert.equal(progressOf(core).state, "snapshot");
});

/** A cluster whose third member is about to install a snapshot of `a` and `b`. */
function installing(): Cluster {
  const cluster = new Cluster().elect(1).isolate(3);
  cluster.write(1, "a", "b").purge(1);
  cluster.autoInstall = false;
  return cluster.heal().tick(4);
}

Deno.test("§1.5 while a snapshot is built, appends, commits and applies go on", () => {
  const cluster = new Cluster().elect(1).isolate(3);
  cluster.write(1, "a").purge(1);
  cluster.autoSnapshots = false;
  cluster.heal().tick(3);
  assert.equal(cluster.node(1).snapshotRequests.length, 1);
  cluster.write(1, "b").tick(20);
  assert.equal(cluster.leader(), "1");
  for (const member of [1, 2]) {
    assert.deepEqual(cluster.node(member).state, ["a", "b"]);
  }
  cluster.sendSnapshot(1);
  cluster.write(1, "c").tick(3);
  assert.deepEqual(cluster.node(3).state, ["a", "b", "c"]);
});

Deno.test("§1.5 replication to others goes on while one member installs", () => {
  const cluster = installing();
  assert.notEqual(cluster.node(3).installing, null);
  cluster.write(1, "c");
  assert.deepEqual(cluster.node(2).state, ["a", "b", "c"]);
  cluster.tick(10);
  assert.equal(cluster.leader(), "1");
  cluster.install(3);
  cluster.settle().tick(3);
  assert.deepEqual(cluster.node(3).state, ["a", "b", "c"]);
});

for (const step of ["received", "installed"] as const) {
  Deno.test(`§1.5 a crash when the snapshot is ${step} loses nothing`, () => {
    const cluster = installing();
    if (step === "installed") cluster.install(3);
    cluster.wire = [];
    cluster.crash(3).restart(3);
    cluster.autoInstall = true;
    cluster.tick(12);
    assert.deepEqual(cluster.node(3).state, ["a", "b"]);
  });
}

Deno.test("§1.5 a restart begins with what is applied as committed, and no more", () => {
  const cluster = new Cluster().elect(1);
  cluster.write(1, "a", "b");
  cluster.purge(2, 3);
  cluster.crash(2).restart(2);
  assert.equal(cluster.core(2).commit, 3);
  assert.equal(cluster.core(2).lastIndex, 4);
});
