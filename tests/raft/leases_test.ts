/** The checklist of reads under a lease, clause by clause (§1.3). */
import assert from "node:assert/strict";
import type { RaftCore } from "../../src/raft/core.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../src/raft/options.ts";
import { THREE } from "./harness/configurations.ts";
import {
  coreOf,
  followerOf,
  initOf,
  leaderOf,
  TEST_OPTIONS,
} from "./harness/core.ts";
import { hear, newLeader, read, roundOf, take } from "./harness/reads.ts";
import { reasonOf, receive, tick } from "./harness/talk.ts";
import {
  accepted,
  heartbeat,
  heartbeatReply,
  ofType,
  requestVote,
  timeoutNow,
} from "./make.ts";

Deno.test("§1.3 lease reads are off by default", () => {
  assert.equal(DEFAULT_RAFT_OPTIONS.leaseReads, false);
  const core = leaderOf();
  tick(core);
  hear(core, heartbeatReply(1, roundOf(take(core).messages)));
  assert.deepEqual(read(core, 1).reads, []);
});

const LEASE: Partial<RaftOptions> = { leaseReads: true };

/** A leader whose lease of four ticks began `ticks` ago. */
function leaseLeader(ticks: number): RaftCore {
  const core = leaderOf(LEASE);
  tick(core);
  const round = roundOf(take(core).messages);
  tick(core, ticks);
  take(core);
  hear(core, heartbeatReply(1, round));
  return core;
}

Deno.test("§1.3 a lease counts from the sending of the heartbeat and lasts less than half an election timeout", () => {
  assert.deepEqual(read(leaseLeader(0), 1).reads, [{ requestId: 1, index: 1 }]);
  assert.deepEqual(read(leaseLeader(3), 1).reads.length, 1);
  assert.deepEqual(read(leaseLeader(4), 1).reads.length, 0);
});

Deno.test("§1.3 after a pause whose ticks came before the read, the lease is over (SIGSTOP)", () => {
  const core = leaseLeader(0);
  assert.equal(read(core, 1).reads.length, 1);
  // What was sent meanwhile waits; nobody answered anything.
  for (let i = 0; i < TEST_OPTIONS.electionTicks - 1; i++) {
    core.step({ kind: "tick" });
  }
  assert.deepEqual(read(core, 2).reads, []);
  const other = leaseLeader(0);
  for (let i = 0; i < 2 * TEST_OPTIONS.electionTicks; i++) {
    other.step({ kind: "tick" });
  }
  assert.equal(other.role, "follower");
  assert.deepEqual(read(other, 1).reads, [{ requestId: 1, index: null }]);
});

Deno.test("§1.3 a stall that no tick told of ends the lease, and what was sent before it begins no other (SIGSTOP)", () => {
  const core = leaseLeader(0);
  tick(core, TEST_OPTIONS.heartbeatTicks);
  const before = roundOf(take(core).messages);
  core.step({ kind: "stalled" });
  assert.deepEqual(read(core, 1).reads, []);
  take(core);
  hear(core, heartbeatReply(1, before));
  assert.deepEqual(read(core, 2).reads, []);
  tick(core, TEST_OPTIONS.heartbeatTicks);
  hear(core, heartbeatReply(1, roundOf(take(core).messages)));
  assert.equal(read(core, 3).reads.length, 1, "a later round begins a lease");
});

Deno.test("§1.3 a read under a lease waits for an entry of the own term too", () => {
  const core = newLeader(LEASE);
  tick(core);
  const round = roundOf(take(core).messages);
  hear(core, heartbeatReply(1, round));
  assert.deepEqual(read(core, 1).reads, []);
  assert.deepEqual(hear(core, accepted(1, 1)).reads, [
    { requestId: 1, index: 1 },
  ]);
});

Deno.test("§1.3 a lease is dropped before a transfer and stays so in that term", () => {
  const core = leaseLeader(0);
  hear(core, accepted(1, 1));
  core.step({ kind: "transferLeadership", target: "2" });
  take(core);
  assert.deepEqual(read(core, 1).reads, []);
  for (let i = 0; i < TEST_OPTIONS.electionTicks; i++) {
    tick(core);
    hear(core, heartbeatReply(1, roundOf(take(core).messages)));
  }
  assert.equal(core.status().transferee, null, "the transfer was given up");
  assert.deepEqual(
    read(core, 2).reads,
    [],
    "but the target may still campaign",
  );
});

Deno.test("§1.3 with leases a member that restarted refuses votes for an election timeout", () => {
  const fresh = coreOf(initOf("1", THREE), LEASE);
  assert.deepEqual(receive(fresh, requestVote(5)), []);
  tick(fresh, TEST_OPTIONS.electionTicks - 1);
  assert.deepEqual(receive(fresh, requestVote(5)), []);
  tick(fresh);
  assert.equal(ofType(receive(fresh, requestVote(5)), "voteReply").length, 1);
});

Deno.test("§1.3 with leases nobody campaigns by hand while the leader lives", () => {
  const core = followerOf([1], 1, LEASE);
  tick(core, 9);
  receive(core, heartbeat(1));
  const outcome = core.step({ kind: "campaign" });
  assert.equal(reasonOf(outcome), "invalid");
  receive(core, timeoutNow(1));
  assert.equal(core.role, "candidate", "the leader may ask for it");
});

Deno.test("§1.3 leases need check-quorum", () => {
  assert.throws(
    () => leaderOf({ leaseReads: true, checkQuorum: false }),
    /needs/,
  );
});
