/** The checklist of elections, clause by clause (§1.1). */
import assert from "node:assert/strict";
import type { Message } from "../../src/raft/messages.ts";
import { Cluster } from "./harness/cluster.ts";
import { configOf, members, THREE } from "./harness/configurations.ts";
import {
  coreOf,
  followerOf,
  initOf,
  leaderOf,
  TEST_OPTIONS,
} from "./harness/core.ts";
import {
  deliver,
  drain,
  receive,
  tick,
  tickUntilCampaign,
} from "./harness/talk.ts";
import {
  accepted,
  append,
  heartbeat,
  heartbeatReply,
  id,
  ofType,
  readIndex,
  readIndexReply,
  rejected,
  requestVote,
  timeoutNow,
  vote,
} from "./make.ts";

const follower = (term = 1) => followerOf([], term);

Deno.test("§1.1 a vote reply waits until term and vote are durable", () => {
  const core = follower();
  deliver(core, requestVote(5));
  const { persist, send, sendAfterPersist } = core.takeReady();
  assert.deepEqual(persist?.hardState, { term: 5, vote: "2" });
  assert.deepEqual(send, []);
  assert.deepEqual(ofType(sendAfterPersist, "voteReply").length, 1);
});

Deno.test("§1.1 a candidacy waits until term and vote are durable", () => {
  const core = coreOf(initOf("1", THREE), { preVote: false });
  core.step({ kind: "campaign" });
  const { persist, send, sendAfterPersist } = core.takeReady();
  assert.deepEqual(persist?.hardState, { term: 1, vote: "1" });
  assert.deepEqual(send, []);
  assert.equal(ofType(sendAfterPersist, "requestVote").length, 2);
});

Deno.test("§1.1 a candidate's own vote counts once it is durable", () => {
  const core = coreOf(initOf("1", THREE), { preVote: false });
  core.step({ kind: "campaign" });
  const { persist } = core.takeReady();
  deliver(core, vote(1));
  assert.equal(core.role, "candidate");
  core.step({ kind: "persisted", id: persist!.id });
  assert.equal(core.role, "leader");
});

Deno.test("§1.1 an earlier write that becomes durable is not the own vote", () => {
  const core = coreOf(initOf("1", THREE), { preVote: false });
  deliver(core, append(1, id(0, 0), [1]));
  const earlier = core.takeReady().persist!;
  core.step({ kind: "campaign" });
  const own = core.takeReady().persist!;
  deliver(core, vote(2));
  core.step({ kind: "persisted", id: earlier.id });
  assert.equal(core.role, "candidate");
  core.step({ kind: "persisted", id: own.id });
  assert.equal(core.role, "leader");
});

Deno.test("§1.1 a term is durable no later than its entries", () => {
  const core = follower();
  deliver(core, append(4, id(0, 0), [4]));
  const { persist } = core.takeReady();
  assert.deepEqual(persist?.hardState, { term: 4, vote: null });
  assert.equal(persist?.entries.length, 1);
});

Deno.test("§1.1 there is one vote per term, across restarts", () => {
  const cluster = new Cluster();
  cluster.deliver(wired(cluster, requestVote(2, id(1, 1), { from: "2" })));
  assert.equal(cluster.core(1).status().vote, "2");
  cluster.crash(1).restart(1);
  cluster.wire = [];
  cluster.deliver(wired(cluster, requestVote(2, id(1, 1), { from: "3" })));
  assert.equal(cluster.core(1).status().vote, "2");
  assert.equal(ofType(cluster.wire, "voteReply")[0]?.granted, false);
});

function wired(cluster: Cluster, message: Message): Message {
  cluster.wire.push(message);
  return message;
}

Deno.test("§1.1 a vote that was not durable at a crash was not given", () => {
  const cluster = new Cluster();
  cluster.slowDisks.add("1");
  cluster.deliver(wired(cluster, requestVote(2, id(1, 1), { from: "2" })));
  assert.deepEqual(cluster.wire, []);
  cluster.crash(1).restart(1);
  assert.equal(cluster.core(1).status().vote, null);
});

Deno.test("§1.1 the later last term is more up to date, then the higher index", () => {
  const cases: [last: ReturnType<typeof id>, granted: boolean][] = [
    [id(1, 9), false],
    [id(2, 2), false],
    [id(2, 4), true],
    [id(3, 1), true],
  ];
  for (const [lastLog, granted] of cases) {
    const [reply] = receive(followerOf([1, 2, 2]), requestVote(4, lastLog));
    assert.equal(reply?.type === "voteReply" && reply.granted, granted);
  }
});

Deno.test("§1.1 an equal log is up to date enough", () => {
  const core = followerOf([1, 1]);
  const [reply] = receive(core, requestVote(2, id(1, 2)));
  assert.equal(reply?.type === "voteReply" && reply.granted, true);
});

Deno.test("§1.1 the timeout is drawn anew for each round", () => {
  const core = follower();
  const rounds = new Set<number>();
  for (let round = 0; round < 50; round++) {
    let ticks = 0;
    do {
      tick(core);
      ticks++;
    } while (ofType(drain(core), "requestVote").length === 0);
    rounds.add(ticks);
  }
  assert.ok(rounds.size >= 5, `${[...rounds]}`);
});

/** Ticks until the campaign when `message` arrives after 9 of at least 10 ticks. */
function ticksAfter(message: Message | null): number {
  const core = followerOf([2], 2);
  tick(core, 9);
  if (message !== null) receive(core, message);
  let ticks = 9;
  while (core.role === "follower") {
    tick(core);
    ticks++;
  }
  return ticks;
}

Deno.test("§1.1 only a granted vote or the leader resets the election timer", () => {
  const plain = ticksAfter(null);
  assert.equal(ticksAfter(requestVote(3, id(1, 5))), plain, "refused vote");
  assert.equal(ticksAfter(requestVote(1, id(9, 9))), plain, "stale candidate");
  assert.equal(ticksAfter(heartbeat(1)), plain, "stale leader");
  assert.equal(ticksAfter(accepted(3, 1)), plain, "newer term in a reply");
  const preVote = requestVote(3, id(2, 1), { preVote: true });
  assert.equal(ticksAfter(preVote), plain, "granted pre-vote");
  assert.equal(ticksAfter(requestVote(3, id(2, 1))), plain + 9, "vote granted");
  assert.equal(ticksAfter(heartbeat(2)), plain + 9, "heartbeat");
  assert.equal(ticksAfter(append(2, id(2, 1), [])), plain + 9, "append");
});

Deno.test("§1.1 a higher term in any message makes a leader step down", () => {
  const messages: Message[] = [
    vote(9, false),
    vote(9, false, { preVote: true }),
    append(9, id(0, 0), []),
    accepted(9, 1),
    rejected(9, 1, id(0, 0)),
    heartbeat(9),
    heartbeatReply(9, 1),
    timeoutNow(9),
    requestVote(9, id(9, 9), { transfer: true }),
    readIndex(9, 1),
    readIndexReply(9, 1, 1),
  ];
  for (const message of messages) {
    const core = leaderOf();
    receive(core, message);
    assert.notEqual(core.role, "leader", message.type);
    assert.ok(core.term >= 9, message.type);
  }
});

Deno.test("§1.1 stale senders get an answer with the present term", () => {
  const messages: Message[] = [
    requestVote(1),
    requestVote(1, id(0, 0), { preVote: true }),
    append(1, id(0, 0), []),
    heartbeat(1),
    readIndex(1, 7),
  ];
  for (const message of messages) {
    const [reply, ...more] = receive(follower(5), message);
    assert.equal(reply?.term, 5, message.type);
    assert.equal(reply?.to, "2");
    assert.deepEqual(more, []);
  }
});

Deno.test("§1.1 stale replies get no answer", () => {
  const messages = [
    vote(1),
    accepted(1, 1),
    heartbeatReply(1, 1),
    timeoutNow(1),
  ];
  for (const message of messages) {
    assert.deepEqual(receive(follower(5), message), []);
  }
});

Deno.test("§1.1 a pre-vote changes nothing at the voter", () => {
  const core = follower();
  const before = core.status();
  const [reply] = receive(core, requestVote(2, id(0, 0), { preVote: true }));
  assert.equal(reply?.type === "voteReply" && reply.granted, true);
  assert.equal(reply?.term, 2);
  assert.deepEqual(core.status(), before);
  const [other] = receive(
    core,
    requestVote(2, id(0, 0), { preVote: true, from: "3" }),
  );
  assert.equal(other?.type === "voteReply" && other.granted, true);
});

Deno.test("§1.1 a pre-vote changes no term at the precandidate until it is won", () => {
  const core = follower();
  tickUntilCampaign(core);
  assert.equal(core.role, "precandidate");
  assert.equal(core.term, 1);
  receive(core, vote(2, true, { preVote: true }));
  assert.equal(core.role, "candidate");
  assert.equal(core.term, 2);
});

Deno.test("§1.1 members with and without pre-vote elect together", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const cluster = new Cluster({
      seed,
      optionsOf: (member) => ({ preVote: member !== "1" }),
    });
    cluster.tick(3);
    const leader = cluster.awaitLeader();
    cluster.isolate(leader);
    cluster.tick(60);
    cluster.heal().tick(60);
    const now = cluster.awaitLeader();
    cluster.write(now, "a").tick(3);
    for (const member of [1, 2, 3]) {
      assert.deepEqual(cluster.node(member).state, ["a"], `seed ${seed}`);
    }
  }
});

Deno.test("§1.1 a precandidate of a higher term than the others rejoins them", () => {
  const cluster = new Cluster({ options: { preVote: true } }).elect(1);
  cluster.isolate(3);
  // It once stood for election, as a transfer's target may.
  cluster.step(3, {
    kind: "message",
    message: timeoutNow(2, { to: "3", from: "1" }),
  });
  cluster.tick(30);
  assert.ok(cluster.core(3).term > 2);
  cluster.write(1, "a");
  cluster.heal().tick(60);
  const leader = cluster.awaitLeader();
  cluster.write(leader, "b").tick(3);
  assert.deepEqual(cluster.node(3).state, ["a", "b"]);
});

Deno.test("§1.1 a leader that hears no quorum for an election timeout steps down", () => {
  const core = leaderOf();
  tick(core, 2 * TEST_OPTIONS.electionTicks - 1);
  assert.equal(core.role, "leader", "it was heard in the first interval");
  tick(core);
  assert.equal(core.role, "follower");
  assert.equal(core.term, 1);
});

Deno.test("§1.1 without check-quorum a leader stays", () => {
  const core = leaderOf({ checkQuorum: false });
  tick(core, 50);
  assert.equal(core.role, "leader");
});

Deno.test("§1.1 members that cannot reach each other through the middle one keep a leader", () => {
  const cluster = new Cluster({ seed: 3 });
  cluster.elect(1).cut(1, 3).tick(100);
  const term = cluster.core(2).term;
  cluster.tick(200);
  assert.equal(cluster.core(2).term, term, "no term is spent on unrest");
  cluster.write(cluster.awaitLeader(), "a");
  assert.deepEqual(cluster.node(2).state, ["a"]);
});

Deno.test("§1.1 a leader that can send and not receive loses leadership", () => {
  const cluster = new Cluster().elect(1);
  cluster.cut(2, 1, true).cut(3, 1, true).tick(60);
  assert.notEqual(cluster.core(1).role, "leader");
  assert.ok(["2", "3"].includes(cluster.awaitLeader()));
});

Deno.test("§1.1 a member that can send and not receive disturbs nobody", () => {
  const cluster = new Cluster().elect(1);
  cluster.cut(1, 3, true).cut(2, 3, true).tick(100);
  assert.equal(cluster.core(1).role, "leader");
  assert.equal(cluster.core(1).term, 2);
});

Deno.test("§1.1 a member that comes back from a partition disturbs nobody", () => {
  const cluster = new Cluster().elect(1).isolate(3).tick(100);
  cluster.write(1, "a").heal();
  const campaigns = ofType(cluster.sent, "requestVote").length;
  assert.ok(campaigns > 0, "it tried");
  cluster.tick(50);
  assert.equal(cluster.leader(), "1");
  for (const member of [1, 2, 3]) assert.equal(cluster.core(member).term, 2);
  assert.deepEqual(cluster.node(3).state, ["a"]);
});

Deno.test("§1.1 a removed member does not disturb", () => {
  const cluster = new Cluster().elect(1).isolate(3);
  cluster.reconfigure(1, { remove: ["3"] });
  cluster.heal().tick(100);
  assert.ok(cluster.core(3).config.voters.includes("3"), "it was not told");
  assert.equal(cluster.core(1).role, "leader");
  assert.equal(cluster.core(1).term, 2);
});

Deno.test("§1.1 a learner that is asked to vote votes: its configuration may be stale", () => {
  const core = coreOf(initOf("1", configOf(["2", "3"], ["1"]), [1]));
  const [reply] = receive(core, requestVote(3, id(1, 1)));
  assert.equal(reply?.type === "voteReply" && reply.granted, true);
});

Deno.test("§1.1 a member that knows of no configuration votes", () => {
  const core = coreOf(initOf("1", configOf([])));
  const [reply] = receive(core, requestVote(3, id(2, 4)));
  assert.equal(reply?.type === "voteReply" && reply.granted, true);
});

Deno.test("§1.1 who is no voter in its own configuration never campaigns", () => {
  for (
    const config of [configOf([]), configOf(["2"], ["1"]), configOf(["2"])]
  ) {
    const core = coreOf(initOf("1", config, [1]));
    tick(core, 100);
    assert.equal(core.step({ kind: "campaign" }).kind, "refused");
    receive(core, timeoutNow(1));
    assert.equal(core.role, "follower");
    assert.equal(core.term, 1);
  }
});

Deno.test("§1.1 late vote replies are ignored", () => {
  const core = coreOf(initOf("1", configOf(members(5))), { preVote: false });
  tickUntilCampaign(core);
  receive(core, vote(1, true, { from: "2" }));
  receive(core, vote(1, true, { from: "2" }));
  assert.equal(core.role, "candidate", "a vote counts once");
  receive(core, vote(1, false, { from: "2" }));
  receive(core, vote(1, true, { from: "3" }));
  assert.equal(core.role, "leader", "the first answer holds");
  receive(core, vote(1, false, { from: "4" }));
  assert.equal(core.role, "leader");
  const again = followerOf([]);
  tickUntilCampaign(again);
  receive(again, vote(0, true, { from: "2" }));
  receive(again, vote(9, true, { from: "2", preVote: true }));
  assert.equal(again.role, "precandidate", "consent to another term");
  assert.equal(again.term, 0);
});

Deno.test("§1.1 votes of strangers do not count", () => {
  const core = coreOf(initOf("1", THREE), { preVote: false });
  tickUntilCampaign(core);
  receive(core, vote(1, true, { from: "8" }));
  receive(core, vote(1, true, { from: "9" }));
  assert.equal(core.role, "candidate");
});

Deno.test("§1.1 messages to another incarnation are ignored", () => {
  const core = follower();
  const before = core.status();
  receive(core, append(9, id(0, 0), [9], 1, { to: "1.old" }));
  receive(core, requestVote(9, id(9, 9), { to: "3" }));
  receive(core, requestVote(9, id(9, 9), { from: "1" }));
  assert.deepEqual(core.status(), before);
});

Deno.test("a leader that is told to campaign goes on", () => {
  const core = leaderOf();
  assert.equal(core.step({ kind: "campaign" }).kind, "done");
  assert.equal(core.role, "leader");
  assert.equal(core.term, 1);
});

Deno.test("two leaders of one term are a broken invariant", () => {
  const core = follower();
  receive(core, heartbeat(1, { from: "2" }));
  assert.throws(
    () => receive(core, heartbeat(1, { from: "3" })),
    /two leaders in term 1/,
  );
});
