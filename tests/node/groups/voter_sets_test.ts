import assert from "node:assert/strict";
import {
  isLost,
  isSettled,
  neededSets,
  votersAfter,
} from "../../../src/node/groups/voter_sets.ts";
import type { RaftStatus } from "../../../src/raft/io.ts";
import { NO_CONFIGURATION } from "../../../src/raft/types.ts";
import type { VoterSets } from "../../../src/state/cluster_facts.ts";

const config = { ...NO_CONFIGURATION, voters: ["1.a", "2.a", "3.a"] };

function known(sets: string[][], term = 4): VoterSets {
  return { number: 7, term, sets };
}

/** What a leader of term 4 says, as text. */
function said(
  present: VoterSets,
  wanted: readonly string[],
  { settled = true, open = false } = {},
): string | null {
  const next = neededSets(present, { term: 4, config }, wanted, settled, open);
  if (next === null) return null;
  assert.equal(next.number, 8);
  assert.equal(next.term, 4);
  return next.sets.map((set) => set.join(" ")).join(" | ");
}

Deno.test("the voters after a change are those before, without who goes and with who comes", () => {
  assert.deepEqual(
    votersAfter(config, { remove: ["2.a"], addLearners: ["2.b"] }),
    [
      "1.a",
      "3.a",
    ],
  );
  assert.deepEqual(votersAfter(config, { promote: ["2.b"] }), [
    "1.a",
    "2.a",
    "2.b",
    "3.a",
  ]);
  assert.deepEqual(votersAfter(config, { demote: ["1.a"] }), ["2.a", "3.a"]);
});

Deno.test("a leader names the next voters before they may vote", () => {
  const { voters } = config;
  assert.equal(said(known([voters]), voters), null);
  assert.equal(said(known([voters]), ["1.a", "3.a"]), "1.a 2.a 3.a | 1.a 3.a");
  assert.equal(said(known([voters, ["1.a", "3.a"]]), ["1.a", "3.a"]), null);
});

Deno.test("a leader acts on nothing that an earlier one said", () => {
  const sets = [config.voters, ["1.a", "3.a"]];
  assert.equal(
    said(known(sets, 3), ["1.a", "3.a"]),
    "1.a 2.a 3.a | 1.a 3.a",
  );
  // It has nothing to do, so it need not speak.
  assert.equal(said(known([config.voters], 3), config.voters), null);
});

Deno.test("what is over is left out once the leader is settled, not before", () => {
  const sets = [config.voters, ["1.a", "9.a"]];
  assert.equal(said(known(sets), config.voters), "1.a 2.a 3.a");
  assert.equal(
    said(known(sets), config.voters, { settled: false }),
    null,
  );
  assert.equal(
    said(known(sets), ["1.a", "2.a"], { settled: false }),
    "1.a 2.a 3.a | 1.a 9.a | 1.a 2.a",
  );
});

Deno.test("what a leader said is said again until it is known whether it took effect", () => {
  const sets = [config.voters, ["1.a", "3.a"]];
  assert.equal(
    said(known(sets), ["1.a", "3.a"], { open: true }),
    "1.a 2.a 3.a | 1.a 3.a",
  );
});

Deno.test("both halves of a joint configuration are named", () => {
  const joint = { ...config, votersOutgoing: ["1.a", "2.a"] };
  const next = neededSets(
    known([config.voters]),
    { term: 4, config: joint },
    joint.voters,
    false,
    false,
  );
  assert.deepEqual(next?.sets, [config.voters, ["1.a", "2.a"]]);
});

Deno.test("a leader is settled when its configuration is committed, and an entry of its own term", () => {
  const status = {
    role: "leader",
    term: 4,
    commit: 10,
    config,
    configIndex: 10,
  } as unknown as RaftStatus;
  const settled = (change: Partial<RaftStatus>, termOfCommit = 4): boolean =>
    isSettled({ ...status, ...change }, () => termOfCommit);
  assert.equal(settled({}), true);
  assert.equal(settled({}, 3), false);
  assert.equal(settled({ configIndex: 11 }), false);
  assert.equal(settled({ role: "follower" }), false);
  const joint = { ...config, votersOutgoing: ["1.a"] };
  assert.equal(settled({ config: joint }), false);
});

Deno.test("a group is lost when no set of voters has a majority that may live", () => {
  const lost = (sets: string[][], ...dead: string[]): boolean =>
    isLost(
      known(sets),
      (voter) => ({
        dead: dead.includes(voter),
        voters: undefined,
        last: undefined,
      }),
    );
  const three = ["1.a", "2.a", "3.a"];
  assert.equal(lost([three]), false);
  assert.equal(lost([three], "1.a"), false);
  assert.equal(lost([three], "1.a", "3.a"), true);
  assert.equal(lost([["1.a", "2.a"]], "1.a"), true);
  assert.equal(lost([three, ["4.a", "2.a", "3.a"]], "1.a", "3.a"), false);
  assert.equal(lost([three, ["4.a", "2.a", "3.a"]], "2.a", "3.a"), true);
});

Deno.test("a set that is in no log of the living does not keep a group from being lost", () => {
  const four = ["1.a", "2.a", "3.a", "4.a"];
  const next = ["2.a", "3.a", "4.a"];
  const lost = (
    logs: Record<string, readonly (readonly string[])[] | null | undefined>,
  ): boolean =>
    isLost(known([four, next]), (voter) => ({
      dead: !(voter in logs),
      voters: logs[voter],
      last: undefined,
    }));
  assert.equal(lost({ "3.a": [four], "4.a": [four] }), true);
  assert.equal(lost({ "3.a": [four], "4.a": [four, next] }), false);
  assert.equal(lost({ "3.a": [four], "4.a": null }), false);
  assert.equal(lost({ "3.a": [four], "4.a": undefined }), false);
  // What nobody speaks of is no reason to give a group up.
  assert.equal(lost({ "3.a": [["9.a"]], "4.a": [["9.a"]] }), false);
  assert.equal(lost({}), true);
});

Deno.test("a group is lost when nobody can win an election any more, whatever was in force before", () => {
  const [three, four] = [["1.a", "2.a", "5.a"], ["1.a", "2.a", "3.a", "5.a"]];
  /** By the living: where a log ends (index, in term 2), and the set that is in force by it. */
  const lost = (
    logs: Record<string, readonly [index: number, set?: readonly string[]]>,
  ): boolean =>
    isLost(known([three, four]), (voter) => {
      const log = logs[voter];
      if (log === undefined) {
        return { dead: true, voters: undefined, last: undefined };
      }
      const [index, set] = log;
      const voters = set === undefined ? [] : [set];
      return { dead: false, voters, last: { term: 2, index } };
    });
  // Two of three would do, but both have the set of four in their logs for good.
  assert.equal(lost({ "2.a": [9, four], "5.a": [9, four] }), true);
  assert.equal(lost({ "2.a": [8, three], "5.a": [8, three] }), false);
  // Whoever is behind gets no vote of whoever is ahead, and that one has too few.
  assert.equal(lost({ "2.a": [8, three], "5.a": [9, four] }), true);
  assert.equal(lost({ "2.a": [9, three], "5.a": [8, four] }), false);
  assert.equal(
    lost({ "1.a": [7, three], "2.a": [8, three], "5.a": [9, four] }),
    false,
  );
  // Who has just come has nothing in its log, and makes no difference.
  assert.equal(lost({ "3.a": [0], "5.a": [9, three] }), true);
  assert.equal(lost({}), true);
});

Deno.test("who goes from one set of voters to another needs a majority of both", () => {
  const sets = [["1.a", "2.a", "3.a"], ["3.a", "4.a", "5.a"]];
  const lost = (...living: string[]): boolean =>
    isLost(known(sets), (voter) => {
      const last = { term: 2, index: 9 };
      return living.includes(voter)
        ? { dead: false, voters: sets, last }
        : { dead: true, voters: undefined, last: undefined };
    });
  assert.equal(lost("2.a", "3.a"), true);
  assert.equal(lost("2.a", "3.a", "4.a"), false);
});
