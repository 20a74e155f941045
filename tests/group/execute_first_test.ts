import assert from "node:assert/strict";
import type { Third, Trio } from "../node/trio.ts";
import {
  answers,
  countCheckpoints,
  failed,
  type PreparingList,
  preparingTrio,
  SEALS,
} from "./preparing_list.ts";

function others(trio: Trio): Third[] {
  return trio.members.slice(1);
}

Deno.test("a batch is run, then replicated, and answered when it is committed", () => {
  const { trio, leader, machine } = preparingTrio();
  for (const { log } of trio.members) log.held = true;
  const told: number[] = [];
  const cursor = leader.group.events.cursor();
  leader.group.events.listen(() => {
    for (let next; (next = cursor.next()) !== null;) {
      if (!("gap" in next)) told.push(next.index);
    }
  });
  const results = trio.propose(leader, "a", "b");
  trio.run();
  assert.deepEqual(machine.batches, ["a b"]);
  assert.equal(leader.log.last.index, 3, "it was proposed");
  assert.deepEqual([machine.items, results, told], [[], [], []]);
  for (const { log } of trio.members) log.release();
  trio.run();
  assert.deepEqual(machine.batches, ["a b", "commit"]);
  assert.deepEqual(answers(results), ["1", "2"]);
  assert.deepEqual(told, [2, 3]);
  trio.tick(4);
  for (const { machine } of trio.members) {
    assert.deepEqual(machine.items, ["a", "b"]);
  }
});

Deno.test("what arrives while a batch is replicated is the next batch", () => {
  const { trio, leader, machine } = preparingTrio();
  for (const { log } of trio.members) log.held = true;
  const results = trio.propose(leader, "a");
  trio.run();
  results.push(...trio.propose(leader, "b", "c"));
  trio.run();
  for (const { log } of trio.members) log.release();
  trio.run();
  assert.deepEqual(machine.batches, ["a", "commit", "b c", "commit"]);
});

Deno.test("a commit index inside a batch commits nothing of it", () => {
  const { trio, leader, machine } = preparingTrio();
  let most = Infinity;
  trio.lose = (message) =>
    message.type === "appendReply" && message.index > most;
  most = 2;
  const results = trio.propose(leader, "a", "b", "c");
  trio.run();
  leader.group.receive({
    type: "appendReply",
    from: "2.b",
    to: leader.id,
    term: leader.group.core.term,
    ok: true,
    index: 2,
    hint: { index: 0, term: 0 },
    agreement: 0,
  } as never);
  trio.run();
  assert.equal(leader.group.core.commit, 2, "the first of it is committed");
  assert.deepEqual([machine.items, answers(results)], [[], []]);
  most = Infinity;
  trio.tick(60, [leader]);
  trio.tick(4);
  assert.deepEqual(answers(results), ["1", "2", "3"]);
});

Deno.test("nothing is run before everything in the log is applied, the own first entry included", () => {
  const { trio, leader } = preparingTrio();
  const successor = trio.members[1]!;
  const machine = successor.machine as PreparingList;
  machine.applyHeld = true;
  leader.group.transferLeadership(successor.id);
  trio.run();
  assert.equal(successor.group.core.role, "leader");
  trio.propose(successor, "a");
  trio.run();
  assert.deepEqual(machine.batches, []);
  machine.applyHeld = false;
  machine.goOn();
  trio.run();
  assert.deepEqual(machine.batches, ["a", "commit"]);
});

Deno.test("a leader that loses leadership rolls back before it applies, and answers from what is applied", () => {
  for (const replicated of [true, false]) {
    const { trio, leader, machine } = preparingTrio();
    trio.lose = ({ from, to }) =>
      to === leader.id || (from === leader.id && !replicated);
    const results = trio.propose(leader, "a");
    trio.run();
    assert.notEqual(machine.open, null);
    trio.tick(40, others(trio));
    trio.lose = () => false;
    trio.tick(4, others(trio));
    assert.notEqual(leader.group.core.role, "leader");
    assert.deepEqual(machine.batches, ["a", "rollback"]);
    assert.deepEqual(
      answers(results),
      [replicated ? "applied" : "refused"]
        .map((kind) => kind === "applied" ? "1" : kind),
    );
  }
});

Deno.test("a leader that loses leadership while a batch runs proposes nothing of it", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.held = true;
  const results = trio.propose(leader, "a");
  trio.run();
  leader.group.transferLeadership("2.b");
  trio.run();
  assert.notEqual(leader.group.core.role, "leader");
  const { last } = leader.log;
  machine.go();
  trio.run();
  assert.deepEqual(machine.batches, ["a", "rollback"]);
  assert.deepEqual(leader.log.last, last);
  assert.ok(results[0]?.kind === "refused");
  assert.equal(results[0].reason, "not_leader");
});

Deno.test("a membership change waits while a batch runs", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.held = true;
  const results = trio.propose(leader, "a");
  trio.run();
  const outcomes: string[] = [];
  leader.group.changeMembership(
    { demote: ["3.c"] },
    ({ kind }) => outcomes.push(kind),
  );
  trio.run();
  assert.deepEqual([outcomes, leader.log.last.index], [[], 1]);
  machine.go();
  trio.run();
  assert.deepEqual(outcomes, ["appended"]);
  assert.deepEqual(machine.batches, ["a", "commit"], "it ran once");
  assert.deepEqual(answers(results), ["1"]);
});

Deno.test("what must be alone is proposed without a seal and applied by everyone", () => {
  const { trio, leader, machine } = preparingTrio();
  let first = true;
  machine.fate = (items) => {
    if (!first) return null;
    first = false;
    assert.deepEqual(items, ["a", "b"]);
    return [{ kind: "alone" }];
  };
  const results = trio.propose(leader, "a", "b");
  trio.run();
  assert.deepEqual(machine.batches, ["a b", "rollback", "b", "commit"]);
  assert.deepEqual(answers(results), ["1", "2"]);
  const sealed = leader.log.readCached(2, 3, Infinity)!
    .map(({ payload }) => SEALS.has(payload));
  assert.deepEqual(sealed, [false, true]);
});

Deno.test("what was not run of a batch comes next, before what arrived meanwhile", () => {
  const { trio, leader, machine } = preparingTrio();
  let first = true;
  machine.fate = () => {
    if (!first) return null;
    first = false;
    trio.propose(leader, "c");
    return [{ kind: "prepared", answer: new Uint8Array(), hash: 1 }];
  };
  trio.propose(leader, "a", "b");
  trio.run();
  assert.deepEqual(machine.items, ["a", "b", "c"]);
});

Deno.test("a batch that is committed and finds no room is answered, and applied later", () => {
  const { trio, leader, machine } = preparingTrio();
  const full = Object.assign(new Error("full"), { code: "disk_full" });
  machine.commitFailure = full;
  machine.failure = full;
  const results = trio.propose(leader, "a");
  trio.run();
  assert.equal(leader.group.diskFull, true);
  assert.deepEqual([machine.batches, answers(results)], [
    ["a", "rollback"],
    ["1"],
  ]);
  assert.deepEqual(machine.items, []);
  machine.failure = null;
  trio.tick(21);
  assert.deepEqual(machine.items, ["a"]);
  assert.equal(leader.fatal, null);
});

Deno.test("a transaction that is lost after it was proposed is applied from the log", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.commitFailure = failed("internal");
  const results = trio.propose(leader, "a");
  trio.run();
  assert.deepEqual(machine.batches, ["a", "rollback"]);
  assert.deepEqual(answers(results), ["1"]);
});

Deno.test("a COMMIT whose answer is lost with its writer stays: its writes are answered, and its events count as missed", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.commitUnheard = true;
  const cursor = leader.group.events.cursor();
  const results = trio.propose(leader, "a", "b");
  trio.run();
  assert.deepEqual(machine.batches, ["a b", "commit"], "nothing is undone");
  assert.deepEqual(answers(results), ["1", "2"]);
  const missed = cursor.next();
  assert.ok(missed !== null && "gap" in missed);
  machine.commitUnheard = false;
  const next = trio.propose(leader, "c");
  trio.run();
  assert.deepEqual(answers(next), ["3"]);
});

Deno.test("a checkpoint waits for the transaction", () => {
  const { trio, leader, machine } = preparingTrio();
  const checkpoints = countCheckpoints(machine);
  for (const { log } of trio.members) log.held = true;
  trio.propose(leader, "a");
  trio.run();
  leader.group.checkpoint();
  trio.run();
  assert.equal(checkpoints.count, 0);
  for (const { log } of trio.members) log.release();
  trio.run();
  assert.equal(checkpoints.count, 1);
});

Deno.test("stop() refuses what is not proposed, and calls what is unknown", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.held = true;
  const results = trio.propose(leader, "a");
  trio.run();
  leader.group.stop();
  assert.ok(results[0]?.kind === "refused");
  assert.equal(results[0].reason, "stopped");
  machine.go();
  trio.run();
  assert.equal(results.length, 1);
});

Deno.test("an entry that is answered differently than its leader did is told of", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.fate = (items) =>
    items.map(() => ({ kind: "prepared", answer: new Uint8Array(), hash: 7 }));
  trio.propose(leader, "a");
  trio.run();
  trio.tick(4);
  assert.deepEqual(trio.members.map(({ diverged }) => diverged), [[], [2], [
    2,
  ]]);
});

Deno.test("a leader that hands over runs nothing that it cannot propose", () => {
  const { trio, leader, machine } = preparingTrio();
  trio.lose = ({ to }) => to === "2.b";
  leader.group.transferLeadership("2.b");
  const results = trio.propose(leader, "a");
  trio.run();
  assert.deepEqual(machine.batches, []);
  assert.ok(results[0]?.kind === "refused");
  assert.equal(results[0].reason, "transferring");
});
