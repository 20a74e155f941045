/** Quorum arithmetic against a second, naive implementation. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { isQuorum, quorumValue, voteResult } from "../../src/raft/quorum.ts";
import type { Configuration, MemberId } from "../../src/raft/types.ts";
import { configOf, members } from "./harness/configurations.ts";

const voters = fc.uniqueArray(fc.constantFrom(...members(9)), { maxLength: 7 });
const config: fc.Arbitrary<Configuration> = fc.record({
  voters: voters.filter(({ length }) => length > 0),
  votersOutgoing: voters,
  learners: fc.constant([]),
  learnersNext: fc.constant([]),
});
const reached = fc.dictionary(
  fc.constantFrom(...members(9)),
  fc.nat({ max: 12 }),
);
const votes = fc.dictionary(fc.constantFrom(...members(9)), fc.boolean());

/** More than half have it, in each list that is not empty: counted one by one. */
function naive(
  { voters, votersOutgoing }: Configuration,
  has: (member: MemberId) => boolean,
): boolean {
  return [voters, votersOutgoing].every((list) => {
    let count = 0;
    for (const member of list) if (has(member)) count++;
    return list.length === 0 || count * 2 > list.length;
  });
}

Deno.test("isQuorum() agrees with counting", () => {
  fc.assert(fc.property(config, reached, (config, values) => {
    const has = (member: MemberId) => (values[member] ?? 0) > 5;
    assert.equal(isQuorum(config, has), naive(config, has));
  }));
});

Deno.test("quorumValue() is the highest value that a quorum reached", () => {
  fc.assert(fc.property(config, reached, (config, values) => {
    const value = (member: MemberId) => values[member] ?? 0;
    let highest = 0;
    while (naive(config, (member) => value(member) >= highest + 1)) highest++;
    assert.equal(quorumValue(config, value), highest);
  }));
});

Deno.test("voteResult() agrees with trying every outcome of the missing votes", () => {
  fc.assert(fc.property(config, votes, (config, given) => {
    const known = new Map(Object.entries(given));
    const wins = (missing: boolean) =>
      naive(config, (member) => known.get(member) ?? missing);
    const expected = wins(false) ? "won" : wins(true) ? "pending" : "lost";
    assert.equal(voteResult(config, known), expected);
  }));
});

Deno.test("any two quorums of one configuration intersect", () => {
  fc.assert(fc.property(config, reached, reached, (config, a, b) => {
    const inA = (member: MemberId) => a[member] !== undefined;
    const inB = (member: MemberId) => b[member] !== undefined;
    fc.pre(isQuorum(config, inA) && isQuorum(config, inB));
    assert.ok(config.voters.some((member) => inA(member) && inB(member)));
  }));
});

Deno.test("quorumValue() without voters is 0", () => {
  assert.equal(quorumValue(configOf([]), () => 7), 0);
  assert.equal(voteResult(configOf([]), new Map([["1", true]])), "lost");
});

Deno.test("quorumValue() tells an infinite value of the only voter", () => {
  assert.equal(quorumValue(configOf(["1"]), () => Infinity), Infinity);
  assert.equal(
    quorumValue(configOf(["1"], [], ["1"]), () => Infinity),
    Infinity,
  );
});
