/** The cases of etcd's `confchange/testdata`, by name, and changes against a naive twin. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  configurationProblem,
  isJoint,
  leaveJoint,
} from "../../src/raft/configuration.ts";
import type { MembershipChange } from "../../src/raft/io.ts";
import { changedConfiguration } from "../../src/raft/membership.ts";
import type { Configuration, MemberId } from "../../src/raft/types.ts";
import { Cluster } from "./harness/cluster.ts";
import { configOf, members, THREE } from "./harness/configurations.ts";
import { reasonOf } from "./harness/talk.ts";

const subset = (of: readonly MemberId[]) =>
  fc.subarray(of as MemberId[], { minLength: 0 });
const some = subset(members(6));
const config = fc.tuple(some, some).map(([voters, others]) =>
  configOf(voters, others.filter((id) => !voters.includes(id)))
).filter(({ voters }) => voters.length > 0);
const change: fc.Arbitrary<MembershipChange> = fc.record({
  addLearners: subset(["4", "5", "6", "7"]),
  promote: subset(["3", "4", "5", "7"]),
  demote: subset(["1", "2", "3"]),
  remove: subset(["1", "2", "3", "4"]),
}, { requiredKeys: [] });

/** Who would be what in the end, one member after the other; null if a step makes no sense. */
function twin(
  { voters, learners }: Configuration,
  { addLearners = [], promote = [], demote = [], remove = [] }:
    MembershipChange,
): Map<MemberId, string> | null {
  const roles = new Map<MemberId, string>();
  for (const id of voters) roles.set(id, "voter");
  for (const id of learners) roles.set(id, "learner");
  const changed = new Set<MemberId>();
  const turn = (id: MemberId, from: string | undefined, to: string) => {
    const known = roles.get(id);
    const fits = from === "any" ? known !== undefined : known === from;
    roles.set(id, to);
    return fits && changed.size < changed.add(id).size;
  };
  const fine = [
    ...addLearners.map((id) => turn(id, undefined, "learner")),
    ...promote.map((id) => {
      // What was added in the same step may be promoted in it.
      if (addLearners.includes(id)) changed.delete(id);
      return turn(id, "learner", "voter");
    }),
    ...demote.map((id) => turn(id, "voter", "learner")),
    ...remove.map((id) => turn(id, "any", "gone")),
  ];
  for (const id of remove) roles.delete(id);
  const decides = [...roles.values()].includes("voter");
  return fine.length > 0 && fine.every(Boolean) && decides ? roles : null;
}

Deno.test("changedConfiguration() agrees with changing members one by one", () => {
  let done = 0;
  fc.assert(
    fc.property(config, change, (before, change) => {
      const expected = twin(before, change);
      const next = changedConfiguration(before, change);
      assert.equal(typeof next === "string", expected === null, `${next}`);
      if (typeof next === "string") return;
      done++;
      assert.equal(configurationProblem(next), null);
      const { voters, learners } = leaveJoint(next);
      const roles = [
        ...voters.map((id) => [id, "voter"] as const),
        ...learners.map((id) => [id, "learner"] as const),
      ];
      assert.deepEqual(roles.sort(), [...expected!].sort());
      const moved = new Set(before.voters).symmetricDifference(
        new Set(voters),
      );
      if (moved.size > 1) assert.ok(isJoint(next), "two majorities might miss");
      if (isJoint(next)) {
        assert.deepEqual(next.votersOutgoing, before.voters);
      }
    }),
    { numRuns: 5000 },
  );
  assert.ok(done > 200, `${done} changes were possible`);
});

Deno.test("joint_autoleave: a joint configuration is left by itself once it is committed", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1);
  cluster.change(1, { addLearners: ["4"], promote: ["4"], remove: ["3"] });
  assert.ok(isJoint(cluster.core(1).config));
  cluster.settle().tick(3);
  assert.deepEqual(cluster.core(1).config, configOf(["1", "2", "4"]));
});

Deno.test("joint_idempotency: naming a member twice in one change is refused", () => {
  for (
    const change of [
      { remove: ["1", "1", "2"] },
      { addLearners: ["4", "4"], promote: ["4"] },
      { demote: ["1", "2"], remove: ["2"] },
    ]
  ) assert.match(`${changedConfiguration(THREE, change)}`, /named twice/);
});

Deno.test("joint_learners_next: a demoted voter votes until the joint configuration is left", () => {
  const next = changedConfiguration(THREE, { demote: ["1"] });
  const joint = configOf(["2", "3"], [], ["1", "2", "3"], ["1"]);
  assert.deepEqual(next, joint);
  assert.deepEqual(leaveJoint(joint), configOf(["2", "3"], ["1"]));
});

Deno.test("joint_safety: a joint configuration is not changed, and none is without voters", () => {
  const cluster = new Cluster({ spares: 1 }).elect(1);
  const none = cluster.change(1, { remove: ["1", "2", "3"] });
  assert.equal(reasonOf(none), "invalid");
  cluster.change(1, { demote: ["2", "3"] });
  const again = cluster.change(1, { addLearners: ["4"] });
  assert.equal(reasonOf(again), "change_pending");
});

Deno.test("simple_idempotency: what a member is already is refused and changes nothing", () => {
  const config = configOf(["1", "2"], ["3"]);
  for (
    const change of [
      { addLearners: ["1"] },
      { addLearners: ["3"] },
      { promote: ["1"] },
      { demote: ["3"] },
      { remove: ["4"] },
    ]
  ) {
    assert.match(
      `${changedConfiguration(config, change)}`,
      /already|is not a (voter|member)/,
    );
  }
});

Deno.test("simple_promote_demote: one voter more needs no joint configuration, a demotion does", () => {
  const config = configOf(["1", "2"], ["3"]);
  assert.deepEqual(changedConfiguration(config, { promote: ["3"] }), THREE);
  const demoted = changedConfiguration(THREE, { demote: ["3"] });
  assert.ok(typeof demoted === "object" && isJoint(demoted));
});

Deno.test("simple_safety: two voters changed at once are joint, the last voter stays", () => {
  const two = changedConfiguration(THREE, { remove: ["2", "3"] });
  assert.ok(typeof two === "object" && isJoint(two));
  const last = changedConfiguration(configOf(["1"]), { remove: ["1"] });
  assert.match(`${last}`, /no voter would be left/);
});

Deno.test("zero: an empty name is no member, an empty change no change", () => {
  const nobody = changedConfiguration(THREE, { addLearners: [""] });
  assert.match(`${nobody}`, /is not a member id/);
  assert.match(`${changedConfiguration(THREE, {})}`, /empty/);
});
