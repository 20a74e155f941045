/**
 * What the Raft paper says of each role, one test per sentence, in the order of
 * etcd's raft_paper_test. Section numbers are those of the extended paper.
 */
import assert from "node:assert/strict";
import type { RaftCore } from "../../src/raft/core.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import { Cluster } from "./harness/cluster.ts";
import { configOf, members, THREE } from "./harness/configurations.ts";
import { coreOf, initOf, leaderOf, TEST_OPTIONS } from "./harness/core.ts";
import { FOLLOWERS, LEADER } from "./harness/figure_7.ts";
import {
  deliver,
  drain,
  propose,
  receive,
  tick,
  tickUntilCampaign,
} from "./harness/talk.ts";
import {
  accepted,
  append,
  entries,
  id,
  ofType,
  requestVote,
  vote,
} from "./make.ts";

/** The paper knows neither pre-vote nor leases. */
const PAPER: Partial<RaftOptions> = { preVote: false, checkQuorum: false };

function paperCore(
  terms: readonly number[] = [],
  { voters = 3, term = terms.at(-1) ?? 0, seed = 1 } = {},
): RaftCore {
  const init = initOf("1", configOf(members(voters)), terms, {
    term,
    vote: null,
  });
  return coreOf(init, PAPER, seed);
}

function paperCandidate(term = 0, voters = 3, seed = 1): RaftCore {
  const core = paperCore([], { voters, term, seed });
  tickUntilCampaign(core);
  assert.equal(core.role, "candidate");
  return core;
}

const paperLeader = (voters = 3, terms: readonly number[] = []): RaftCore =>
  leaderOf(PAPER, voters, terms);

const ROLES = {
  follower: () => paperCore([], { term: 1 }),
  candidate: () => paperCandidate(),
  leader: () => paperLeader(),
};

for (const [role, make] of Object.entries(ROLES)) {
  Deno.test(`§5.1 a ${role} takes over a newer term from a message and follows`, () => {
    const core = make();
    receive(core, append(7, id(0, 0), []));
    assert.equal(core.term, 7);
    assert.equal(core.role, "follower");
    assert.equal(core.leader, "2");
  });
}

Deno.test("§5.1 a message of an older term changes nothing and is answered with the present term", () => {
  const core = paperCore([], { term: 2 });
  const before = core.status();
  const replies = receive(core, append(1, id(0, 0), [1]));
  assert.deepEqual(core.status(), before);
  assert.equal(replies[0]?.term, 2);
});

Deno.test("§5.2 a member starts as a follower", () => {
  assert.equal(paperCore().role, "follower");
});

Deno.test("§5.2 a leader sends heartbeats to everyone at every interval", () => {
  const core = paperLeader();
  for (let i = 0; i < 3; i++) {
    tick(core);
    const beats = ofType(drain(core), "heartbeat");
    assert.deepEqual(beats.map(({ to }) => to), ["2", "3"]);
  }
});

Deno.test("§5.2 a follower without a leader becomes candidate of the next term and asks everyone for votes", () => {
  const core = paperCore([], { term: 1 });
  const requests = ofType(tickUntilCampaign(core), "requestVote");
  assert.equal(core.role, "candidate");
  assert.equal(core.term, 2);
  assert.equal(core.status().vote, "1");
  assert.deepEqual(requests.map(({ to, term }) => [to, term]), [
    ["2", 2],
    ["3", 2],
  ]);
});

Deno.test("§5.2 a candidate that times out starts a new election in the next term", () => {
  const core = paperCandidate();
  assert.equal(core.term, 1);
  for (let i = 0; i < 2 * TEST_OPTIONS.electionTicks && core.term === 1; i++) {
    tick(core);
  }
  const requests = ofType(drain(core), "requestVote");
  assert.equal(core.role, "candidate");
  assert.equal(core.term, 2);
  assert.deepEqual(requests.map(({ term }) => term), [2, 2]);
});

Deno.test("§5.2 a candidate wins, loses or goes on according to the votes of one round", () => {
  const cases: [number, Record<string, boolean>, string][] = [
    [1, {}, "leader"],
    [3, { 2: true, 3: true }, "leader"],
    [3, { 2: true }, "leader"],
    [5, { 2: true, 3: true, 4: true, 5: true }, "leader"],
    [5, { 2: true, 3: true, 4: true }, "leader"],
    [5, { 2: true, 3: true }, "leader"],
    [3, { 2: false, 3: false }, "follower"],
    [5, { 2: false, 3: false, 4: false, 5: false }, "follower"],
    [5, { 2: true, 3: false, 4: false, 5: false }, "follower"],
    [3, {}, "candidate"],
    [5, { 2: true }, "candidate"],
    [5, { 2: false, 3: false }, "candidate"],
    [5, {}, "candidate"],
  ];
  for (const [voters, votes, role] of cases) {
    const core = paperCore([], { voters });
    tickUntilCampaign(core);
    for (const [from, granted] of Object.entries(votes)) {
      receive(core, vote(1, granted, { from }));
    }
    assert.equal(core.role, role, JSON.stringify([voters, votes]));
    assert.equal(core.term, 1);
  }
});

Deno.test("§5.2 a follower votes for at most one candidate of a term, first come first served", () => {
  const cases: [string | null, string, boolean][] = [
    [null, "2", true],
    [null, "3", true],
    ["2", "2", true],
    ["3", "3", true],
    ["2", "3", false],
    ["3", "2", false],
  ];
  for (const [given, from, granted] of cases) {
    const core = coreOf(
      initOf("1", THREE, [], { term: 1, vote: given }),
      PAPER,
    );
    const [reply] = receive(core, requestVote(1, id(0, 0), { from }));
    assert.equal(reply?.type === "voteReply" && reply.granted, granted);
    assert.equal(core.status().vote, given ?? from);
  }
});

Deno.test("§5.2 a candidate that hears a leader of its term or later follows it", () => {
  for (const term of [1, 2]) {
    const core = paperCandidate();
    receive(core, append(term, id(0, 0), []));
    assert.equal(core.role, "follower");
    assert.equal(core.term, term);
    assert.equal(core.leader, "2");
  }
});

function timeouts(from: "follower" | "candidate"): Set<number> {
  const seen = new Set<number>();
  for (let seed = 0; seed < 500; seed++) {
    const core = paperCore([], { term: 1, seed });
    if (from === "candidate") tickUntilCampaign(core);
    const { term } = core;
    let ticks = 0;
    for (; core.term === term; ticks++) tick(core);
    seen.add(ticks);
  }
  return seen;
}

for (const role of ["follower", "candidate"] as const) {
  Deno.test(`§5.2 the election timeout of a ${role} is random within electionTicks … 2 × electionTicks - 1`, () => {
    const { electionTicks } = TEST_OPTIONS;
    const all = Array.from(
      { length: electionTicks },
      (_, i) => i + electionTicks,
    );
    assert.deepEqual([...timeouts(role)].sort((a, b) => a - b), all);
  });
}

for (const role of ["follower", "candidate"] as const) {
  Deno.test(`§5.2 mostly a single ${role} of five times out first`, () => {
    const rounds = 500;
    let conflicts = 0;
    for (let round = 0; round < rounds; round++) {
      const cores = members(5).map((_, i) => {
        const core = paperCore([], { voters: 5, seed: round * 5 + i });
        if (role === "candidate") tickUntilCampaign(core);
        return core;
      });
      const terms = cores.map(({ term }) => term);
      let timedOut = 0;
      while (timedOut === 0) {
        for (const core of cores) tick(core);
        timedOut = cores.filter((core, i) => core.term > terms[i]!).length;
      }
      if (timedOut > 1) conflicts++;
    }
    assert.ok(conflicts / rounds < 0.4, `${conflicts} of ${rounds}`);
  });
}

Deno.test("§5.3 a leader appends a proposal and sends it to everyone with the id of what precedes it", () => {
  const core = paperLeader();
  const appends = propose(core);
  assert.deepEqual(core.status().last, id(1, 2));
  assert.deepEqual(
    appends.map(({ to, prev, last, commit }) => ({ to, prev, last, commit })),
    ["2", "3"].map((to) => ({ to, prev: id(1, 1), last: 2, commit: 1 })),
  );
});

Deno.test("§5.3 a leader commits what a majority has and tells everyone at once", () => {
  const core = paperLeader();
  propose(core);
  const first = receive(core, accepted(1, 2));
  assert.equal(core.commit, 2);
  const second = receive(core, accepted(1, 2, { from: "3" }));
  const told = [...first, ...second].map((message) =>
    message.type === "heartbeat" && [message.to, message.commit]
  );
  assert.deepEqual(told, [["2", 2], ["3", 2]]);
});

Deno.test("§5.3 a leader commits once a majority acknowledged, itself included", () => {
  const cases: [number, string[], boolean][] = [
    [1, [], true],
    [3, [], false],
    [3, ["2"], true],
    [3, ["2", "3"], true],
    [5, [], false],
    [5, ["2"], false],
    [5, ["2", "3"], true],
    [5, ["2", "3", "4"], true],
    [5, ["2", "3", "4", "5"], true],
  ];
  for (const [voters, acks, committed] of cases) {
    const core = paperLeader(voters);
    propose(core);
    for (const from of acks) receive(core, accepted(1, 2, { from }));
    assert.equal(core.commit === 2, committed, JSON.stringify([voters, acks]));
  }
});

Deno.test("§5.3 a leader commits its predecessors' entries together with one of its own", () => {
  for (const terms of [[], [2], [1, 2], [1]]) {
    const core = paperLeader(3, terms);
    propose(core);
    receive(core, accepted(core.term, core.lastIndex));
    assert.equal(core.commit, terms.length + 2);
  }
});

Deno.test("§5.3 a follower applies what the leader says is committed", () => {
  for (const [terms, commit] of [[[1], 1], [[1, 1], 2], [[1, 1], 1]] as const) {
    const core = paperCore([], { term: 1 });
    receive(core, append(1, id(0, 0), terms, commit));
    assert.equal(core.takeReady().commit, commit);
  }
});

Deno.test("§5.3 a follower refuses an append unless it has the entry that precedes it", () => {
  const cases: [number, number, boolean][] = [
    [0, 0, true],
    [1, 1, true],
    [2, 2, true],
    [1, 2, false],
    [3, 3, false],
  ];
  for (const [term, index, ok] of cases) {
    const core = paperCore([1, 2]);
    const [reply] = receive(core, append(4, id(term, index), []));
    assert.ok(reply?.type === "appendReply");
    assert.deepEqual([reply.ok, reply.index], [ok, index]);
  }
});

Deno.test("§5.3 a follower deletes what conflicts and appends what is missing", () => {
  const cases: [[number, number], number[], number[]][] = [
    [[2, 2], [3], [1, 2, 3]],
    [[1, 1], [3, 4], [1, 3, 4]],
    [[0, 0], [1], [1, 2]],
    [[0, 0], [3], [3]],
  ];
  for (const [prev, sent, expected] of cases) {
    const core = paperCore([1, 2]);
    receive(core, append(4, id(...prev), sent));
    const { last } = core.status();
    assert.deepEqual(last, id(expected.at(-1)!, expected.length));
  }
});

Deno.test("§5.3 figure 7: a leader brings every follower's log to its own", () => {
  for (const terms of Object.values(FOLLOWERS)) {
    // The third member lets the first one win against any log.
    const cluster = new Cluster({ logs: [LEADER, terms, []], options: PAPER });
    cluster.elect(1);
    cluster.write(1, "x");
    assert.equal(cluster.node(2).log, cluster.node(1).log);
    cluster.checkLogMatching();
  }
});

Deno.test("§5.4.1 a vote request tells the candidate's last entry", () => {
  for (const [terms, term] of [[[1], 2], [[1, 2], 3]] as const) {
    const core = paperCore([], { term: 1 });
    receive(core, append(term - 1, id(0, 0), terms));
    const requests = ofType(tickUntilCampaign(core), "requestVote");
    assert.equal(requests.length, 2);
    for (const request of requests) {
      assert.equal(request.term, term);
      assert.deepEqual(request.lastLog, id(terms.at(-1)!, terms.length));
    }
  }
});

Deno.test("§5.4.1 a voter refuses a candidate whose log is less up to date", () => {
  const cases: [number[], [number, number], boolean][] = [
    [[1], [1, 1], true],
    [[1], [1, 2], true],
    [[1, 1], [1, 1], false],
    [[1], [2, 1], true],
    [[1], [2, 2], true],
    [[1, 1], [2, 1], true],
    [[2], [1, 1], false],
    [[2], [1, 2], false],
    [[2, 1].sort(), [1, 1], false],
  ];
  for (const [terms, last, granted] of cases) {
    const core = paperCore(terms);
    const [reply] = receive(core, requestVote(3, id(...last)));
    assert.equal(reply?.type === "voteReply" && reply.granted, granted);
  }
});

Deno.test("§5.4.2 a leader commits by counting only entries of its own term", () => {
  for (const [index, commit] of [[1, 0], [2, 0], [3, 3]] as const) {
    const core = paperCore([1, 2], { term: 2 });
    tickUntilCampaign(core);
    receive(core, vote(3));
    assert.deepEqual(core.status().last, id(3, 3));
    receive(core, accepted(3, index));
    assert.equal(core.commit, commit);
  }
});

Deno.test("§5.3 entries received are handed on by reference and not copied", () => {
  const core = paperCore([], { term: 1 });
  const sent = entries(0, [1]);
  deliver(core, append(1, id(0, 0), [1], 0, { entries: sent }));
  assert.equal(core.takeReady().persist?.entries[0], sent[0]);
});
