import assert from "node:assert/strict";
import {
  type FollowedNode,
  followingStep,
} from "../../../src/node/groups/following.ts";
import { isVoter, membersOf } from "../../../src/raft/configuration.ts";
import { changedConfiguration } from "../../../src/raft/membership.ts";
import {
  type Configuration,
  NO_CONFIGURATION,
} from "../../../src/raft/types.ts";
import { leaveJoint } from "../../../src/raft/configuration.ts";
import fc from "fast-check";

const config = (voters: string[], learners: string[] = []): Configuration => ({
  ...NO_CONFIGURATION,
  voters,
  learners,
});
const node = (
  id: number,
  member: string | null,
  votes = true,
): FollowedNode => ({
  node: id,
  member,
  votes,
});

Deno.test("followingStep() replaces a member whose process began anew, and lets it vote later", () => {
  const nodes = [node(1, "1.a"), node(2, "2.b"), node(3, "3.d")];
  assert.deepEqual(followingStep(config(["1.a", "2.b", "3.c"]), nodes), {
    remove: ["3.c"],
    addLearners: ["3.d"],
  });
  assert.deepEqual(followingStep(config(["1.a", "2.b"], ["3.d"]), nodes), {
    promote: ["3.d"],
  });
  assert.equal(followingStep(config(["1.a", "2.b", "3.d"]), nodes), null);
});

Deno.test("followingStep() takes silence for nothing", () => {
  const nodes = [node(1, "1.a"), node(2, null), node(3, null)];
  assert.equal(followingStep(config(["1.a", "2.b", "3.c"]), nodes), null);
});

Deno.test("followingStep() removes who left the durable group, and demotes who became a learner", () => {
  const nodes = [node(1, "1.a"), node(2, "2.b", false)];
  assert.deepEqual(followingStep(config(["1.a", "2.b", "3.c"]), nodes), {
    demote: ["2.b"],
  });
  assert.deepEqual(followingStep(config(["1.a", "3.c"], ["2.b"]), nodes), {
    remove: ["3.c"],
  });
});

Deno.test("followingStep() waits while a configuration is joint", () => {
  const joint = { ...config(["1.a"]), votersOutgoing: ["1.a", "2.b"] };
  assert.equal(followingStep(joint, [node(1, "1.a")]), null);
});

Deno.test("followingStep() leads any configuration to the durable group's in steps the core accepts", () => {
  const member = (id: number) => fc.constantFrom(`${id}.a`, `${id}.b`);
  const any = fc.tuple(member(1), member(2), member(3), member(4)).chain((
    all,
  ) =>
    fc.tuple(fc.subarray(all, { minLength: 1 }), fc.subarray(all)).map((
      [voters, learners],
    ) => config(voters, learners.filter((id) => !voters.includes(id))))
  );
  const wanted = fc.tuple(
    ...[1, 2, 3, 4].map((id) =>
      fc.option(fc.tuple(member(id), fc.boolean()), { nil: undefined })
    ),
  ).map((all) =>
    all.flatMap((one, i) => one ? [node(i + 1, one[0], one[1])] : [])
  ).filter((nodes) => nodes.some(({ votes }) => votes));
  fc.assert(fc.property(any, wanted, (start, nodes) => {
    let now = start;
    for (let steps = 0;; steps++) {
      const change = followingStep(now, nodes);
      if (change === null) break;
      assert.ok(steps < 20, "it does not end");
      let next = changedConfiguration(now, change);
      // The only voter's process is dead: nobody leads, so nobody takes this step.
      if (next === "no voter would be left: promote another member first") {
        return assert.ok(
          (change.remove ?? []).length > 0 && change.addLearners,
        );
      }
      assert.ok(typeof next !== "string", String(next));
      if (next.votersOutgoing.length > 0) next = leaveJoint(next);
      now = next;
    }
    const ids = nodes.map((one) => one.member!);
    assert.deepEqual(membersOf(now), [...ids].sort());
    for (const { member, votes } of nodes) {
      assert.equal(isVoter(now, member!), votes);
    }
  }));
});
