import assert from "node:assert/strict";
import { Trio } from "../node/trio.ts";

Deno.test("§1.5 Checkpoints purge no entry that the state could still lose", () => {
  const trio = new Trio({ retainEntries: 1, checkpointEntries: 5 });
  const leader = trio.elect(0);
  // Nine entries are applied and visible, and a power cut would leave four of them.
  leader.machine.checkpoint = (done) => done(null, 4);
  trio.propose(leader, ..."abcdefghi");
  trio.run();
  leader.group.checkpoint();
  trio.run();
  assert.ok(leader.machine.applied.index >= 9);
  assert.equal(leader.log.base.index, 3);
});
