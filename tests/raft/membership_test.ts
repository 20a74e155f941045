/** The checklist of membership, clause by clause (§1.4). */
import assert from "node:assert/strict";
import type { MembershipChange } from "../../src/raft/io.ts";
import { changedConfiguration } from "../../src/raft/membership.ts";
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
  drain,
  progressOf,
  propose,
  reasonOf,
  receive,
  tickUntilCampaign,
  win,
} from "./harness/talk.ts";
import {
  accepted,
  append,
  configEntry,
  heartbeatReply,
  id,
  vote,
} from "./make.ts";

Deno.test("§1.4 a joint configuration elects with both majorities", () => {
  const joint = configOf(["1", "4", "5"], [], ["1", "2", "3"]);
  const cases: [string[], boolean][] = [
    [["2", "3"], false],
    [["4", "5"], false],
    [["2", "4"], true],
    [["3", "5"], true],
  ];
  for (const [votes, wins] of cases) {
    const core = coreOf(initOf("1", joint), { preVote: false });
    tickUntilCampaign(core);
    for (const from of votes) receive(core, vote(1, true, { from }));
    assert.equal(core.role === "leader", wins, votes.join());
  }
});

Deno.test("§1.4 a joint configuration commits with both majorities", () => {
  const core = leaderOf({}, 5);
  core.step({
    kind: "changeMembership",
    change: { demote: ["2", "3"], addLearners: ["6"], promote: ["6"] },
  });
  drain(core);
  for (const from of ["2", "3"]) receive(core, accepted(1, 2, { from }));
  assert.equal(core.commit, 1, "a majority of the old voters only");
  receive(core, accepted(1, 2, { from: "4" }));
  assert.equal(core.commit, 1);
  receive(core, accepted(1, 2, { from: "6" }));
  assert.equal(core.commit, 2, "1, 4 and 6 of 1, 4, 5, 6");
});

Deno.test("§1.4 a joint configuration needs both majorities to keep its leader", () => {
  const cluster = new Cluster({ spares: 2 }).elect(1);
  cluster.reconfigure(1, { addLearners: ["4", "5"] }).tick(3);
  cluster.cut(1, 4).cut(1, 5).cut(2, 4).cut(2, 5).cut(3, 4).cut(3, 5);
  cluster.reconfigure(1, { promote: ["4", "5"], remove: ["2", "3"] }).tick(25);
  assert.notEqual(cluster.leader(), "1", "4 and 5 were not heard");
});

Deno.test("§1.4 a configuration takes effect when it is appended", () => {
  const leader = leaderOf();
  leader.step({ kind: "changeMembership", change: { addLearners: ["4"] } });
  assert.deepEqual(leader.config.learners, ["4"]);
  assert.equal(leader.commit, 1);
  const follower = followerOf([1]);
  const entry = configEntry(id(1, 2), configOf(["1", "2"]));
  receive(follower, append(1, id(1, 1), [1], 0, { entries: [entry] }));
  assert.deepEqual(follower.config, configOf(["1", "2"]));
  assert.equal(follower.status().configIndex, 2);
});

Deno.test("§1.4 a configuration is undone when its entry is truncated", () => {
  const core = followerOf([1]);
  const first = configEntry(id(1, 2), configOf(["1", "2"]));
  const second = configEntry(id(1, 3), configOf(["1"]));
  receive(core, append(1, id(1, 1), [1, 1], 0, { entries: [first, second] }));
  assert.deepEqual(core.config, configOf(["1"]));
  receive(core, append(2, id(1, 2), [2]));
  assert.deepEqual(core.config, configOf(["1", "2"]));
  receive(core, append(3, id(1, 1), [3]));
  assert.deepEqual(core.config, THREE);
  assert.equal(core.status().configIndex, 0);
});

Deno.test("§1.4 a configuration survives a restart, and is undone after it too", () => {
  const init = initOf("1", THREE, [1, 1], { term: 1, vote: null });
  const core = coreOf({
    ...init,
    configs: [{ index: 2, config: configOf(["1", "2"]) }],
  });
  assert.deepEqual(core.config, configOf(["1", "2"]));
  receive(core, append(2, id(1, 1), [2]));
  assert.deepEqual(core.config, THREE);
});

Deno.test("§1.4 a malformed configuration entry changes nothing before it throws", () => {
  const core = followerOf([1, 1]);
  const entry = configEntry(id(2, 2), THREE);
  const entries = [{ ...entry, payload: new Uint8Array([9]) }];
  assert.throws(
    () => receive(core, append(2, id(1, 1), [2], 0, { entries })),
    /unknown configuration format 9/,
  );
  assert.equal(core.lastIndex, 2);
});

Deno.test("§1.4 there is one pending change", () => {
  const core = leaderOf();
  const step = (change: MembershipChange) =>
    core.step({ kind: "changeMembership", change });
  assert.equal(reasonOf(step({ addLearners: ["4"] })), "appended");
  assert.equal(reasonOf(step({ addLearners: ["5"] })), "change_pending");
  drain(core);
  receive(core, accepted(1, 2));
  assert.equal(reasonOf(step({ addLearners: ["5"] })), "appended");
});

Deno.test("§1.4 a change waits until an entry of this term is committed", () => {
  // The single-server bug: two leaders each change the same old configuration.
  const core = coreOf(initOf("1", configOf(members(4)), [1]));
  core.step({ kind: "campaign" });
  drain(core);
  win(core, ["2", "3"]);
  const change = { addLearners: ["5"], promote: ["5"] };
  const early = core.step({ kind: "changeMembership", change });
  assert.equal(reasonOf(early), "change_pending");
  for (const from of ["2", "3"]) receive(core, accepted(2, 2, { from }));
  assert.equal(core.commit, 2);
  const late = core.step({ kind: "changeMembership", change });
  assert.equal(reasonOf(late), "appended");
});

Deno.test("§1.4 the single-server bug: disjoint quorums never form", () => {
  const cluster = new Cluster({ voters: 4, spares: 2 }).elect(1);
  cluster.cut(1, 2).cut(1, 3).cut(1, 4);
  cluster.reconfigure(1, { addLearners: ["5"], promote: ["5"] });
  cluster.isolate(1);
  cluster.elect(2);
  cluster.change(2, { addLearners: ["6"], promote: ["6"] });
  cluster.tick(3);
  cluster.heal();
  cluster.cut(2, 1).cut(2, 4).cut(2, 5).cut(3, 1).cut(3, 4).cut(3, 5);
  cluster.cut(6, 1).cut(6, 4).cut(6, 5).tick(60);
  // The harness asserts state machine safety; 1, 4 and 5 must not decide alone.
  const leaders = ["1", "4", "5"].filter((node) =>
    cluster.core(node).role === "leader"
  );
  assert.deepEqual(leaders, []);
});

Deno.test("§1.4 a change goes on only once it is committed, not when what precedes it is", () => {
  for (const change of [{ demote: ["3"] }, { remove: ["1"] }]) {
    const core = leaderOf();
    propose(core);
    core.step({ kind: "changeMembership", change });
    drain(core);
    const { config } = core;
    for (const from of ["2", "3"]) receive(core, accepted(1, 2, { from }));
    assert.equal(core.commit, 2);
    assert.equal(core.role, "leader", "its removal is not committed");
    assert.deepEqual(core.config, config, "nor is the joint configuration");
    for (const from of ["2", "3"]) receive(core, accepted(1, 3, { from }));
    assert.equal(core.commit >= 3, true);
    if (change.remove) assert.equal(core.role, "follower");
    else assert.deepEqual(core.config, configOf(["1", "2"], ["3"]));
  }
});

Deno.test("§1.4 a new leader finishes a left-over joint configuration, once", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1);
  cluster.reconfigure(1, { addLearners: ["4"] }).tick(3);
  const joint = cluster.core(1).lastIndex + 1;
  cluster.lose = (message) =>
    message.type === "appendEntries" && message.last > joint;
  cluster.reconfigure(1, { promote: ["4"], remove: ["3"] });
  assert.equal(cluster.core(2).config.votersOutgoing.length, 3);
  cluster.heal().isolate(1).tick(60);
  const leader = cluster.awaitLeader();
  assert.notEqual(leader, "1");
  assert.deepEqual(cluster.core(leader).config, configOf(["1", "2", "4"]));
  // A no-op in between; if the third member led, another one of its successor.
  const after = cluster.node(leader).log.split(" ").slice(joint - 2);
  const kinds = after.map((entry) => entry.slice(1)).join("");
  assert.match(kinds, /^#·#·?$/);
});

/** From its proposal until the last member knows that the change is done. */
const JOINT_CHANGE_MESSAGES = 33;

for (let stop = 0; stop <= JOINT_CHANGE_MESSAGES; stop++) {
  Deno.test(`§1.4 leadership changes after ${stop} messages of a joint change`, () => {
    const cluster = new Cluster({ spares: 2 }).elect(1);
    cluster.reconfigure(1, { addLearners: ["4", "5"] }).tick(3);
    cluster.change(1, { promote: ["4", "5"], remove: ["1", "2"] });
    for (let i = 0; i < stop; i++) {
      assert.ok(cluster.wire.length > 0, "the change is done already");
      cluster.deliver();
    }
    const isDone = cluster.wire.length === 0;
    assert.equal(isDone, stop === JOINT_CHANGE_MESSAGES);
    cluster.wire = [];
    cluster.isolate(cluster.leader() ?? 1).tick(80);
    cluster.heal().tick(80);
    const leader = cluster.awaitLeader();
    cluster.write(leader, "a").tick(3);
    const { config } = cluster.core(leader);
    assert.deepEqual(config.votersOutgoing, [], "whatever it is, it is final");
    for (const voter of config.voters) {
      assert.deepEqual(cluster.node(voter).state, ["a"]);
      assert.deepEqual(cluster.core(voter).config, config);
    }
    cluster.checkLogMatching();
  });
}

Deno.test("§1.4 a newcomer gets the log as a learner and does not count", () => {
  const cluster = new Cluster({ voters: 2, spares: 1 }).elect(1);
  cluster.reconfigure(1, { addLearners: ["3"] }).tick(3);
  cluster.cut(1, 2);
  cluster.write(1, "a");
  assert.equal(cluster.node(3).log.endsWith("a"), true);
  assert.deepEqual(cluster.node(1).state, []);
});

Deno.test("§1.4 a learner is promoted only when it has caught up", () => {
  const cluster = new Cluster({
    spares: 1,
    options: { maxInflightBytes: 100, maxInflightAppends: 2 },
  }).elect(1);
  const promotion = () => {
    const outcome = cluster.change(1, { promote: ["4"] });
    return outcome.kind === "refused"
      ? `${outcome.reason}: ${outcome.detail}`
      : outcome.kind;
  };
  const isLagging = (match: number) => {
    const problem = new RegExp(
      `^lagging: 4 has not caught up: .* up to ${match} of \\d+`,
    );
    assert.match(promotion(), problem);
  };
  cluster.lose = ({ to }) => to === "4";
  cluster.reconfigure(1, { addLearners: ["4"] });
  isLagging(0);
  cluster.lose = () => false;
  cluster.tick(3);
  const has = cluster.core(1).lastIndex;
  // It answers heartbeats and gets nothing else.
  cluster.lose = ({ to, type }) => to === "4" && type === "appendEntries";
  cluster.write(1, "x".repeat(100)).write(1, "y");
  isLagging(has);
  cluster.write(1, "z").purge(1);
  isLagging(has);
  cluster.lose = () => false;
  cluster.tick(6);
  assert.equal(promotion(), "appended");
});

Deno.test("§1.4 a learner whose log is not known, or is behind what is purged, is not promoted", () => {
  const core = coreOf(initOf("1", configOf(["1"], ["2"])));
  tickUntilCampaign(core);
  drain(core);
  const promotion = () =>
    core.step({ kind: "changeMembership", change: { promote: ["2"] } });
  receive(core, heartbeatReply(1, 1));
  assert.equal(progressOf(core).state, "probe");
  assert.equal(reasonOf(promotion()), "lagging");
  receive(core, accepted(1, 1));
  propose(core, 3);
  drain(core);
  core.step({ kind: "applied", index: 3 });
  core.step({ kind: "purged", index: 3 });
  assert.equal(progressOf(core).state, "replicate");
  assert.equal(reasonOf(promotion()), "lagging");
  receive(core, accepted(1, 3));
  assert.equal(promotion().kind, "appended", "one entry is on its way");
});

Deno.test("§1.4 a change that would leave no majority that answers is refused, and the dead may be removed", () => {
  for (const change of [{ demote: ["2"] }, { remove: ["2"] }]) {
    const cluster = new Cluster({ voters: 3 }).elect(1).tick(3);
    cluster.isolate(3).tick(40);
    const outcome = cluster.change(1, change);
    assert.equal(reasonOf(outcome), "lagging");
    assert.match(
      outcome.kind === "refused" ? outcome.detail : "",
      /of the 2 voters that would be left 3 do not answer/,
    );
    cluster.write(1, "a");
    assert.deepEqual(cluster.node(1).state, ["a"], "the cluster works");
    assert.equal(reasonOf(cluster.change(1, { remove: ["3"] })), "appended");
    cluster.write(1, "b");
    assert.deepEqual(cluster.node(2).state, ["a", "b"]);
  }
});

Deno.test("§1.4 a learner that does not answer is not promoted", () => {
  const cluster = new Cluster({ voters: 1, learners: 1 }).elect(1).tick(3);
  cluster.isolate(2).tick(20);
  const outcome = cluster.change(1, { promote: ["2"] });
  assert.equal(reasonOf(outcome), "lagging");
  assert.match(
    outcome.kind === "refused" ? outcome.detail : "",
    /2 does not answer: start it/,
  );
  cluster.write(1, "a");
  assert.deepEqual(cluster.node(1).state, ["a"], "the cluster works");
  for (let ticks = 0; ticks < TEST_OPTIONS.electionTicks; ticks++) {
    const calm = new Cluster({ voters: 1, learners: 1 }).elect(1).tick(3);
    // Since its last answer an election timeout has not passed.
    for (let i = 0; i < ticks; i++) calm.step(1, { kind: "tick" });
    assert.equal(calm.change(1, { promote: ["2"] }).kind, "appended");
  }
});

Deno.test("§1.4 an isolated learner does not block commitment", () => {
  const cluster = new Cluster({ learners: 1 }).elect(1).isolate(4);
  cluster.write(1, "a");
  assert.deepEqual(cluster.node(2).state, ["a"]);
});

Deno.test("§1.4 a demoted voter becomes a learner when the joint configuration is left", () => {
  const cluster = new Cluster().elect(1);
  cluster.change(1, { demote: ["3"] });
  assert.deepEqual(cluster.core(1).config.learnersNext, ["3"]);
  cluster.settle();
  assert.deepEqual(cluster.core(3).config, configOf(["1", "2"], ["3"]));
  cluster.write(1, "a");
  assert.deepEqual(cluster.node(3).state, ["a"]);
});

Deno.test("§1.4 a leader that demotes itself steps down and stays a learner", () => {
  const cluster = new Cluster().elect(1);
  cluster.reconfigure(1, { demote: ["1"] }).tick(3);
  assert.equal(cluster.core(1).role, "follower");
  const leader = cluster.awaitLeader();
  cluster.write(leader, "a");
  assert.deepEqual(cluster.node(1).state, ["a"]);
});

Deno.test("§1.4 a member is replaced by its next incarnation in one step", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1).isolate(3);
  const outcome = cluster.change(1, { remove: ["3"], addLearners: ["4"] });
  assert.equal(outcome.kind, "appended");
  assert.deepEqual(cluster.core(1).config, configOf(["1", "2"], ["4"]));
  cluster.settle().tick(3);
  cluster.reconfigure(1, { promote: ["4"] }).tick(3);
  assert.deepEqual(cluster.core(4).config, configOf(["1", "2", "4"]));
});

Deno.test("§1.4 a removed leader commits its removal without its own vote, then steps down", () => {
  const cluster = new Cluster().elect(1);
  cluster.cut(1, 3);
  cluster.reconfigure(1, { remove: ["1"] });
  assert.equal(cluster.core(1).role, "leader");
  assert.equal(cluster.core(1).commit, 2, "it is on its own disk and on 2's");
  // What was lost is found out by heartbeats.
  cluster.heal().tick(4);
  assert.equal(cluster.core(1).commit, 3);
  assert.equal(cluster.core(1).role, "follower");
  assert.equal(cluster.core(2).commit >= 3, true);
});

Deno.test("§1.4 a removed leader's successor knows that the change is committed", () => {
  const cluster = new Cluster().elect(1);
  cluster.reconfigure(1, { remove: ["1"] });
  assert.ok(["2", "3"].includes(cluster.leader()!), "without a timeout");
  assert.equal(cluster.core(1).role, "follower");
});

Deno.test("§1.4 a leader that removes itself from two members leaves a working one", () => {
  const cluster = new Cluster({ voters: 2 }).elect(1);
  cluster.reconfigure(1, { remove: ["1"] });
  assert.equal(cluster.leader(), "2");
  assert.deepEqual(cluster.core(2).config, configOf(["2"]));
});

Deno.test("§1.4 a voter whose removal is not committed may lead, and then goes (thesis §4.2.2)", () => {
  const cluster = new Cluster({ voters: 2 }).elect(1);
  cluster.propose(1, "a");
  cluster.cut(1, 2);
  cluster.reconfigure(1, { remove: ["1"] }).tick(25);
  assert.equal(cluster.leader(), null);
  // Only the first one has the whole log, and it is not in its last configuration.
  cluster.heal().tick(80);
  assert.equal(cluster.leader(), "2");
  assert.deepEqual(cluster.core(2).config, configOf(["2"]));
});

Deno.test("§1.4 the last other voter is removed", () => {
  const cluster = new Cluster({ voters: 2 }).elect(1);
  cluster.reconfigure(1, { remove: ["2"] });
  cluster.propose(1, "a");
  assert.deepEqual(cluster.node(1).state, ["a"]);
  assert.equal(cluster.node(1).reads.get(cluster.read(1)), 4);
});

Deno.test("§1.4 only a leader changes the membership", () => {
  const cluster = new Cluster().elect(1);
  const outcome = cluster.change(2, { remove: ["3"] });
  assert.deepEqual(
    outcome.kind === "refused" && [outcome.reason, outcome.leader],
    ["not_leader", "1"],
  );
});

Deno.test("changedConfiguration() says what is wrong with a change", () => {
  const config = configOf(["1", "2"], ["3"]);
  const cases: [MembershipChange, RegExp][] = [
    [{}, /empty/],
    [{ remove: [] }, /empty/],
    [{ addLearners: ["1"] }, /1 is already a member/],
    [{ addLearners: ["3"] }, /3 is already a member/],
    [{ addLearners: [""] }, /not a member id/],
    [{ promote: ["1"] }, /1 is a voter already/],
    [{ promote: ["9"] }, /9 is not a learner: add it/],
    [{ demote: ["3"] }, /3 is not a voter/],
    [{ remove: ["9"] }, /9 is not a member/],
    [{ remove: ["3", "3"] }, /3 is named twice/],
    [{ promote: ["3", "3"] }, /3 is named twice/],
    [{ addLearners: ["4"], promote: ["4", "4"] }, /4 is named twice/],
    [{ promote: ["3"], remove: ["3"] }, /3 is named twice/],
    [{ demote: ["1"], remove: ["1"] }, /1 is named twice/],
    [{ remove: ["1", "2"] }, /no voter would be left/],
    [{ demote: ["1"], remove: ["2"] }, /no voter would be left/],
  ];
  for (const [change, problem] of cases) {
    const result = changedConfiguration(config, change);
    assert.match(typeof result === "string" ? result : "fine", problem);
  }
});

Deno.test("changedConfiguration() is direct for one voter or learners only, else joint", () => {
  const config = configOf(["1", "2"], ["3"]);
  const direct: [MembershipChange, ReturnType<typeof configOf>][] = [
    [{ addLearners: ["4", "5"] }, configOf(["1", "2"], ["3", "4", "5"])],
    [{ promote: ["3"] }, configOf(["1", "2", "3"])],
    [{ remove: ["2"] }, configOf(["1"], ["3"])],
    [{ remove: ["3"] }, configOf(["1", "2"])],
    [{ remove: ["2", "3"], addLearners: ["4"] }, configOf(["1"], ["4"])],
    [
      { addLearners: ["0"], promote: ["0"] },
      configOf(["0", "1", "2"], ["3"]),
    ],
  ];
  const joint: [MembershipChange, ReturnType<typeof configOf>][] = [
    [
      { promote: ["3"], remove: ["1"] },
      configOf(["2", "3"], [], ["1", "2"]),
    ],
    [{ demote: ["2"] }, configOf(["1"], ["3"], ["1", "2"], ["2"])],
    [
      { addLearners: ["4"], promote: ["3", "4"] },
      configOf(["1", "2", "3", "4"], [], ["1", "2"]),
    ],
  ];
  for (const [change, expected] of [...direct, ...joint]) {
    assert.deepEqual(changedConfiguration(config, change), expected);
  }
});
