/** The hint that the connection to the leader broke: `leaderUnreachable`. */
import assert from "node:assert/strict";
import { THREE } from "./harness/configurations.ts";
import { coreOf, followerOf, initOf, leaderOf } from "./harness/core.ts";
import { receive, tick } from "./harness/talk.ts";
import { heartbeat, id, requestVote } from "./make.ts";

Deno.test("a broken connection to the leader leads to a campaign soon", () => {
  const heartbeatTicks = 3;
  for (let seed = 0; seed < 20; seed++) {
    const init = initOf("1", THREE, [], { term: 1, vote: null });
    const core = coreOf(init, { heartbeatTicks }, seed);
    receive(core, heartbeat(1));
    core.step({ kind: "leaderUnreachable" });
    let ticks = 0;
    for (; core.role === "follower"; ticks++) tick(core);
    assert.ok(ticks >= 1 && ticks <= heartbeatTicks, `${ticks}`);
  }
});

Deno.test("members that lose the leader at the same moment campaign one after the other", () => {
  const ticks = ["2", "3"].map((self) => {
    const init = initOf(self, THREE, [], { term: 1, vote: null });
    const core = coreOf(init, { heartbeatTicks: 2 });
    receive(core, heartbeat(1, { from: "1", to: self }));
    core.step({ kind: "leaderUnreachable" });
    let count = 0;
    for (; core.role === "follower"; count++) tick(core);
    return count;
  });
  assert.deepEqual(ticks, [1, 3]);
});

Deno.test("the hint of a broken connection is forgotten when the leader is heard", () => {
  const core = followerOf([], 1);
  receive(core, heartbeat(1));
  core.step({ kind: "leaderUnreachable" });
  receive(core, heartbeat(1));
  tick(core, 9);
  assert.equal(core.role, "follower");
  const preVote = requestVote(2, id(0, 0), { preVote: true, from: "3" });
  assert.deepEqual(receive(core, preVote), []);
});

Deno.test("the hint of a broken connection means nothing to a leader, without a leader, or without pre-vote", () => {
  const leader = leaderOf();
  leader.step({ kind: "leaderUnreachable" });
  assert.equal(leader.role, "leader");
  const lonely = followerOf([], 1);
  lonely.step({ kind: "leaderUnreachable" });
  tick(lonely, 9);
  assert.equal(lonely.role, "follower");
  const plain = coreOf(initOf("1", THREE), { preVote: false });
  receive(plain, heartbeat(1));
  plain.step({ kind: "leaderUnreachable" });
  tick(plain, 9);
  assert.equal(plain.role, "follower");
});
