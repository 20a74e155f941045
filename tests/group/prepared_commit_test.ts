import assert from "node:assert/strict";
import { WriterLostError } from "../../src/state/port.ts";
import {
  answers,
  countCheckpoints,
  failed,
  preparingTrio,
} from "./preparing_list.ts";

/** A leader of three whose machine is at the COMMIT of `a` and holds on to it. */
function atCommit(unattended = true) {
  const { trio, leader, machine } = preparingTrio();
  machine.commitsUnattended = unattended;
  machine.commitHeld = true;
  const results = trio.propose(leader, "a");
  trio.run();
  return { trio, leader, machine, results };
}

Deno.test("answers leave with the COMMIT, and who reads is told up to where", () => {
  const { trio, leader, machine, results } = atCommit();
  assert.deepEqual(answers(results), ["1"]);
  assert.deepEqual(machine.items, [], "it is not in the state yet");
  assert.equal(leader.group.answered, 2);
  assert.equal(leader.group.machine.applied.index, 1);
  const heard: boolean[] = [];
  leader.group.whenApplied(2, (applied) => heard.push(applied));
  trio.run();
  assert.deepEqual(heard, []);
  machine.goCommit();
  trio.run();
  assert.deepEqual([heard, machine.items], [[true], ["a"]]);
});

Deno.test("answers leave at the end of a COMMIT that cannot be waited for on the thread of the loop", () => {
  const { trio, leader, machine, results } = atCommit(false);
  trio.propose(leader, "b");
  trio.run();
  assert.deepEqual([results, leader.group.answered], [[], 0]);
  machine.commitHeld = false;
  machine.goCommit();
  trio.run();
  assert.deepEqual(answers(results), ["1"]);
  // All the same what comes next is behind the COMMIT already.
  assert.deepEqual(machine.batches, ["a", "commit", "b", "commit"]);
});

Deno.test("nobody else's answers leave before they are applied", () => {
  const { trio, leader } = preparingTrio();
  const [, follower] = trio.members;
  trio.propose(leader, "a");
  trio.run();
  trio.tick(4);
  assert.equal(follower!.group.machine.applied.index, 2);
  assert.equal(follower!.group.answered, 0);
});

Deno.test("the next batch is handed over with the COMMIT, and runs after it", () => {
  const { trio, leader, machine } = atCommit();
  const next = trio.propose(leader, "b", "c");
  trio.run();
  assert.deepEqual(machine.batches, ["a"]);
  machine.commitHeld = false;
  machine.goCommit();
  trio.run();
  assert.deepEqual(machine.batches, ["a", "commit", "b c", "commit"]);
  assert.deepEqual(answers(next), ["2", "3"]);
});

Deno.test("nothing is handed over while the log holds more than what is being committed", () => {
  const { trio, leader, machine } = atCommit();
  leader.group.changeMembership({
    kind: "addLearner",
    member: { id: "9.a", address: "" },
  } as never);
  const before = leader.log.last.index;
  trio.propose(leader, "b");
  trio.run();
  machine.commitHeld = false;
  machine.goCommit();
  trio.run();
  assert.deepEqual(machine.items, ["a", "b"], `after ${before}`);
});

Deno.test("what waited behind a COMMIT that failed comes again, and nobody is to blame", () => {
  for (const lost of [failed("internal"), new WriterLostError("it is lost")]) {
    const { trio, leader, machine } = atCommit();
    const next = trio.propose(leader, "x", "y");
    trio.run();
    machine.commitFailure = lost;
    machine.goCommit();
    trio.run();
    machine.commitFailure = null;
    machine.commitHeld = false;
    machine.goCommit();
    trio.run();
    assert.deepEqual(machine.items, ["a", "x", "y"]);
    assert.deepEqual(answers(next), ["2", "3"]);
    // Together, as they came: none of them was suspected.
    assert.deepEqual(machine.batches.filter((each) => each.includes("x")), [
      "x y",
    ]);
    assert.equal(leader.fatal, null);
  }
});

Deno.test("what waited behind a COMMIT whose writer died after it runs on what was committed", () => {
  const { trio, leader, machine } = atCommit();
  machine.commitUnheard = true;
  const next = trio.propose(leader, "b");
  trio.run();
  machine.goCommit();
  machine.commitHeld = false;
  trio.run();
  assert.deepEqual(answers(next), ["2"]);
  assert.deepEqual(machine.items, ["a", "b"]);
  assert.equal(leader.fatal, null);
});

Deno.test("a COMMIT that finds no room ends nobody: what waited behind it is refused, what was answered is applied once there is some", () => {
  const { trio, leader, machine } = atCommit();
  const next = trio.propose(leader, "b");
  trio.run();
  const full = Object.assign(new Error("full"), { code: "disk_full" });
  machine.commitFailure = full;
  machine.failure = full;
  machine.goCommit();
  trio.run();
  assert.equal(leader.group.diskFull, true);
  assert.deepEqual(machine.items, []);
  assert.equal(leader.group.answered, 0, "reads do not wait for it");
  machine.commitFailure = null;
  machine.failure = null;
  machine.commitHeld = false;
  trio.tick(21);
  assert.deepEqual(machine.items.slice(0, 1), ["a"]);
  assert.equal(leader.fatal, null);
  assert.equal(next.length, 1, "it was answered, one way or the other");
});

Deno.test("the time of a run begins when the COMMIT before it is over, and is watched from then on", () => {
  const { trio, leader, machine } = atCommit();
  machine.held = true;
  trio.propose(leader, "b");
  trio.run();
  trio.tick(40);
  assert.equal(machine.aborts, 0, "it has not begun");
  machine.goCommit();
  trio.run();
  trio.tick(15);
  assert.equal(machine.aborts, 0, "it may run for a second");
  trio.tick(10);
  assert.equal(machine.aborts, 1);
});

Deno.test("a leader that is deposed at a COMMIT finishes it, and proposes nothing of what waited behind it", () => {
  const { trio, leader, machine } = atCommit();
  const next = trio.propose(leader, "b");
  trio.run();
  trio.lose = ({ from, to }) => from === leader.id || to === leader.id;
  trio.tick(60, trio.members.slice(1));
  trio.lose = () => false;
  trio.tick(4, trio.members.slice(1));
  assert.notEqual(leader.group.core.role, "leader");
  machine.commitHeld = false;
  machine.goCommit();
  trio.run();
  trio.tick(8);
  assert.equal(machine.open, null);
  assert.equal(machine.items[0], "a");
  assert.notEqual(answers(next)[0], "2");
});

Deno.test("writes that never cease leave a moment for a checkpoint", () => {
  const { trio, leader, machine } = preparingTrio({ checkpointEntries: 4 });
  const checkpoints = countCheckpoints(machine);
  machine.commitHeld = true;
  trio.propose(leader, "0");
  trio.run();
  for (let write = 1; write <= 12; write++) {
    trio.propose(leader, `${write}`);
    trio.run();
    machine.goCommit();
    trio.run();
  }
  assert.ok(checkpoints.count >= 2, `${checkpoints.count}`);
  assert.ok(machine.items.length >= 10);
});
