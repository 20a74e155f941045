import assert from "node:assert/strict";
import { type Third, Trio } from "../node/trio.ts";

function lingering(): Trio {
  const trio = new Trio({}, [], { lingers: true });
  trio.elect(0);
  // The first entry of the term is applied everywhere.
  for (const end of [...trio.lingering]) end();
  trio.run();
  return trio;
}

Deno.test("a follower lets entries that nobody waits for gather, a leader answers at once", () => {
  const trio = lingering();
  const [leader, follower] = trio.members as [Third, Third];
  for (const item of ["a", "b", "c"]) {
    const results = trio.propose(leader, item);
    trio.run();
    assert.equal(results[0]?.kind, "applied");
  }
  assert.equal(follower.group.core.commit, leader.group.core.commit);
  assert.deepEqual(follower.machine.items, []);
  assert.equal(trio.lingering.size, 2, "one waiting time for each follower");
  for (const end of [...trio.lingering]) end();
  trio.run();
  assert.deepEqual(follower.machine.items, ["a", "b", "c"]);
});

Deno.test("whenApplied() ends the gathering, also of entries that are committed later", () => {
  const trio = lingering();
  const [leader, follower] = trio.members as [Third, Third];
  trio.propose(leader, "a");
  trio.run();
  const { commit } = leader.group.core;
  const applied: boolean[] = [];
  follower.group.whenApplied(commit, (done) => applied.push(done));
  follower.group.whenApplied(commit + 1, (done) => applied.push(done));
  trio.run();
  assert.deepEqual([applied, follower.machine.items], [[true], ["a"]]);
  trio.propose(leader, "b");
  trio.run();
  assert.deepEqual([applied, follower.machine.items], [[true, true], [
    "a",
    "b",
  ]]);
});

Deno.test("a wait that was ended, or that waits for what nobody wrote, lets entries gather", () => {
  const trio = lingering();
  const [leader, follower] = trio.members as [Third, Third];
  const { commit } = leader.group.core;
  const applied: boolean[] = [];
  const end = follower.group.whenApplied(
    commit + 1,
    (done) => applied.push(done),
  );
  follower.group.whenApplied(
    Number.MAX_SAFE_INTEGER,
    (done) => applied.push(done),
  );
  end();
  trio.propose(leader, "a");
  trio.run();
  assert.deepEqual([applied, follower.machine.items], [[], []]);
  for (const end of [...trio.lingering]) end();
  trio.run();
  assert.deepEqual([applied, follower.machine.items], [[], ["a"]]);
});

Deno.test("while somebody waits for events nothing gathers", () => {
  const trio = lingering();
  const [leader, follower, other] = trio.members as [Third, Third, Third];
  const ends = [follower.group.events.hurry(), follower.group.events.hurry()];
  trio.propose(leader, "a");
  trio.run();
  assert.deepEqual([follower.machine.items, other.machine.items], [["a"], []]);
  ends[0]!();
  trio.propose(leader, "b");
  trio.run();
  assert.deepEqual(follower.machine.items, ["a", "b"]);
  ends[1]!();
  trio.propose(leader, "c");
  trio.run();
  assert.deepEqual(follower.machine.items, ["a", "b"]);
  for (const end of [...trio.lingering]) end();
  trio.run();
});

Deno.test("many committed entries are applied without a wait", () => {
  const trio = lingering();
  const [leader, follower] = trio.members as [Third, Third];
  trio.propose(leader, ...Array.from({ length: 600 }, (_, n) => `${n}`));
  trio.run();
  assert.equal(follower.machine.items.length, 600);
});

Deno.test("stop() ends the gathering", () => {
  const trio = lingering();
  trio.propose(trio.members[0]!, "a");
  trio.run();
  for (const { group } of trio.members) group.stop();
  assert.equal(trio.lingering.size, 0);
});
