/** What is on its way at once: bounds (§1.2), shared appends, commit indexes, probes. */
import assert from "node:assert/strict";
import type { Message } from "../../src/raft/messages.ts";
import { Cluster } from "./harness/cluster.ts";
import { leaderOf } from "./harness/core.ts";
import {
  drain,
  progressOf,
  propose,
  reasonOf,
  receive,
  tick,
} from "./harness/talk.ts";
import {
  accepted,
  appendsTo,
  heartbeatReply,
  id,
  ofType,
  readIndex,
  rejected,
} from "./make.ts";

Deno.test("§1.2 appends on their way are bounded by count", () => {
  const core = leaderOf({ maxInflightAppends: 2 });
  const sent = Array.from({ length: 5 }, () => appendsTo(propose(core, 1)));
  assert.deepEqual(sent.map(({ length }) => length), [1, 1, 0, 0, 0]);
  const next = appendsTo(receive(core, accepted(1, 2)));
  assert.deepEqual(next.map(({ prev, last }) => [prev.index, last]), [[3, 6]]);
});

Deno.test("§1.2 appends on their way are bounded by bytes", () => {
  const core = leaderOf({ maxInflightBytes: 100 });
  const sent = Array.from({ length: 4 }, () => appendsTo(propose(core, 1, 60)));
  assert.deepEqual(sent.map(({ length }) => length), [1, 1, 0, 0]);
  assert.equal(appendsTo(receive(core, accepted(1, 2))).length, 1);
});

Deno.test("§1.2 one append is bounded by count and bytes, and has at least one entry", () => {
  const byCount = appendsTo(propose(leaderOf({ maxEntriesPerAppend: 3 }), 7));
  assert.deepEqual(byCount.map(({ last }) => last), [4, 7, 8]);
  const byBytes = appendsTo(
    propose(leaderOf({ maxBytesPerAppend: 100 }), 4, 40),
  );
  assert.deepEqual(byBytes.map(({ last }) => last), [3, 5]);
  const big = appendsTo(propose(leaderOf({ maxBytesPerAppend: 100 }), 2, 400));
  assert.deepEqual(big.map(({ last }) => last), [2, 3]);
});

Deno.test("§1.2 the uncommitted tail is bounded by bytes", () => {
  const core = leaderOf({ maxUncommittedBytes: 100 });
  propose(core, 1, 500);
  const outcome = core.step({ kind: "propose", payloads: [new Uint8Array(1)] });
  assert.equal(reasonOf(outcome), "overloaded");
  assert.match(
    outcome.kind === "refused" ? outcome.detail : "",
    /limit is 100/,
  );
  const change = { addLearners: ["4"] };
  assert.equal(
    core.step({ kind: "changeMembership", change }).kind,
    "appended",
    "configurations are exempt",
  );
  receive(core, accepted(1, 3));
  propose(core, 1, 60);
  propose(core, 1, 40);
});

Deno.test("proposals between two takeReady share one append per member", () => {
  const core = leaderOf();
  for (let i = 0; i < 10; i++) {
    core.step({ kind: "propose", payloads: [new Uint8Array(1)] });
  }
  const { persist, send } = core.takeReady();
  assert.equal(persist?.entries.length, 10);
  assert.deepEqual(
    ofType(send, "appendEntries").map(({ to, prev, last, entries }) => [
      to,
      prev.index,
      last,
      entries.length,
    ]),
    [["2", 1, 11, 0], ["3", 1, 11, 0]],
  );
});

Deno.test("an advanced commit index goes out at once when nothing else is on its way", () => {
  const cluster = new Cluster().elect(1);
  cluster.write(1, "a");
  for (const node of [1, 2, 3]) assert.equal(cluster.core(node).commit, 3);
});

Deno.test("an advanced commit index travels with the next append while a stream runs", () => {
  const core = leaderOf();
  propose(core, 1);
  propose(core, 1);
  assert.deepEqual(receive(core, accepted(1, 2)), []);
  const [next] = appendsTo(propose(core, 1));
  assert.equal(next?.commit, 2);
});

Deno.test("at most one message with nothing but the commit index is on its way", () => {
  const core = leaderOf();
  // The no-op's commit was told; nobody answered yet.
  propose(core, 1);
  const first = ofType(receive(core, accepted(1, 2)), "heartbeat");
  assert.deepEqual(first.map(({ to, commit }) => [to, commit]), [["2", 2]]);
  propose(core, 1);
  const third = receive(core, accepted(1, 3, { from: "3" }));
  assert.deepEqual(ofType(third, "heartbeat").map(({ to }) => to), ["3"]);
  assert.equal(core.hasReady(), false);
});

Deno.test("while commits are held they are told with entries only, and at once when they are let go", () => {
  const core = leaderOf();
  propose(core, 1);
  core.step({ kind: "holdCommits", held: true });
  assert.deepEqual(receive(core, accepted(1, 2)), []);
  assert.equal(core.commit, 2);
  const [next] = appendsTo(propose(core, 1));
  assert.equal(next?.commit, 2);
  assert.deepEqual(receive(core, accepted(1, 3)), []);
  core.step({ kind: "holdCommits", held: false });
  const told = ofType(drain(core), "heartbeat");
  assert.deepEqual(told.map(({ to, commit }) => [to, commit]), [["2", 3]]);
});

Deno.test("a member that asks for a read index is told of the commit, held or not", () => {
  const core = leaderOf();
  propose(core, 1);
  core.step({ kind: "holdCommits", held: true });
  receive(core, accepted(1, 2));
  const messages = receive(core, readIndex(1, 7));
  assert.equal(ofType(messages, "readIndexReply").length, 1);
  propose(core, 1);
  const told = ofType(receive(core, accepted(1, 3)), "heartbeat");
  assert.deepEqual(told.map(({ to, commit }) => [to, commit]), [["2", 3]]);
});

Deno.test("a lost append is found by a heartbeat once nothing moved for an interval", () => {
  const core = leaderOf();
  propose(core, 2);
  tick(core);
  const round = (messages: Message[]) =>
    ofType(messages, "heartbeat")[0]!.round;
  const calm = receive(core, heartbeatReply(1, round(drain(core))));
  assert.deepEqual(appendsTo(calm), [], "it may still be on its way");
  tick(core);
  const check = appendsTo(receive(core, heartbeatReply(1, round(drain(core)))));
  assert.deepEqual(check.map(({ prev, last }) => [prev.index, last]), [[3, 3]]);
  const resent = appendsTo(receive(core, rejected(1, 3, id(1, 1))));
  assert.deepEqual(resent.map(({ prev, last }) => [prev.index, last]), [[
    1,
    3,
  ]]);
});

Deno.test("an unreachable member is probed anew, once", () => {
  const core = leaderOf();
  propose(core, 2);
  core.step({ kind: "unreachable", member: "2" });
  assert.equal(progressOf(core).state, "probe");
  assert.equal(appendsTo(drain(core)).length, 1);
  core.step({ kind: "unreachable", member: "2" });
  core.step({ kind: "unreachable", member: "9" });
  assert.deepEqual(drain(core), [], "the probe waits for an answer");
});
