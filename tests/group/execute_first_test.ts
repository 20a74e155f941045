import assert from "node:assert/strict";
import type { ProposalResult } from "../../src/group/proposals.ts";
import { HungMachineError } from "../../src/group/run_watch.ts";
import { PrepareFailedError } from "../../src/state/port.ts";
import type { Third, Trio } from "../node/trio.ts";
import { type PreparingList, preparingTrio, SEALS } from "./preparing_list.ts";

function answers(results: readonly ProposalResult[]): string[] {
  return results.map((result) =>
    result.kind === "applied"
      ? new TextDecoder().decode(result.answer)
      : result.kind
  );
}

function others(trio: Trio): Third[] {
  return trio.members.slice(1);
}

function failed(
  reason: PrepareFailedError["reason"],
  at: number | null = null,
): PrepareFailedError {
  return new PrepareFailedError(reason, "it failed", at);
}

Deno.test("a batch is run, then replicated, then committed, and answered after that", () => {
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

Deno.test("the certain cause of a failure is kept out of the log; a stand-in answers for it", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.fate = (items) =>
    items.includes("bad") ? failed("timeout", items.indexOf("bad")) : null;
  const results = trio.propose(leader, "a", "bad", "c");
  trio.run();
  assert.deepEqual(machine.batches, [
    "a bad c",
    "a timeout bad c",
    "commit",
  ]);
  assert.deepEqual(answers(results), ["1", "2", "3"]);
  assert.deepEqual(machine.items, ["a", "timeout bad", "c"]);
});

Deno.test("without a certain cause each entry runs by itself, and the one that fails again is kept out", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.fate = (items) => items.includes("bad") ? failed("internal") : null;
  trio.propose(leader, "a", "bad", "c");
  trio.run();
  trio.propose(leader, "d", "e");
  trio.run();
  assert.deepEqual(
    machine.batches.filter((batch) => batch !== "commit"),
    [
      "a bad c",
      "a",
      "bad",
      "internal bad c",
      "d e",
    ].flatMap((batch) =>
      batch === "internal bad c" ? ["internal bad", "c"] : batch
    )
      .filter((batch) => batch !== ""),
  );
  assert.equal(leader.group.core.role, "leader");
});

Deno.test("of a batch that took too long each is tried alone, and what still takes too long runs behind all others", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.fate = (items) => items.includes("slow") ? failed("timeout") : null;
  const results = trio.propose(leader, "a", "slow", "b", "slow", "c");
  trio.run();
  assert.deepEqual(machine.batches, [
    "a slow b slow c",
    ...["a", "commit", "slow", "b", "commit", "slow", "c", "commit"],
    ...["slow", "timeout slow", "commit", "slow", "timeout slow", "commit"],
  ]);
  assert.equal(results.length, 5);
  assert.equal(leader.group.core.role, "leader");
});

Deno.test("what takes too long takes turns with all others, and what is slow but ends is done", () => {
  const { trio, leader, machine } = preparingTrio();
  let runs = 0;
  machine.fate = (items) => {
    if (!items.includes("slow")) return null;
    if (runs++ === 2) {
      trio.propose(leader, "late");
      return null;
    }
    return failed("timeout");
  };
  trio.propose(leader, "a", "slow", "slow");
  trio.run();
  assert.deepEqual(machine.batches, [
    "a slow slow",
    ...["a", "commit", "slow", "slow", "commit", "late", "commit"],
    ...["slow", "timeout slow", "commit"],
  ]);
});

Deno.test("what takes too long alone is refused at once", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.fate = (items) => items.includes("slow") ? failed("timeout") : null;
  trio.propose(leader, "slow");
  trio.run();
  assert.deepEqual(machine.batches, ["slow", "timeout slow", "commit"]);
});

Deno.test("a trial is short", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.held = true;
  machine.fate = (items) => items.length > 1 ? failed("timeout") : null;
  trio.propose(leader, "c", "d");
  trio.run();
  machine.go();
  trio.run();
  assert.deepEqual(machine.batches, ["c d"]);
  trio.tick(3);
  assert.equal(machine.aborts, 0);
  trio.tick(2);
  assert.equal(machine.aborts, 1);
});

Deno.test("an entry that the machine refuses is replaced, the others go on", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.fate = (items) =>
    items.includes("bad")
      ? items.map((item, hash) =>
        item === "bad"
          ? { kind: "refused", reason: "too_large", detail: "" }
          : { kind: "prepared", answer: new Uint8Array(), hash }
      )
      : null;
  trio.propose(leader, "a", "bad", "c");
  trio.run();
  assert.deepEqual(machine.items, ["a", "c", "too_large bad"]);
});

Deno.test("a machine that fails twice without a cause hands leadership over", () => {
  const { trio, leader, machine } = preparingTrio();
  for (let round = 0; round < 2; round++) {
    let failures = 1;
    machine.fate = () => failures-- > 0 ? failed("internal") : null;
    // More than one, so that it may be any of them; each alone is well.
    trio.propose(leader, `a${round}`, `b${round}`);
    trio.run();
  }
  trio.run();
  trio.tick(4);
  assert.notEqual(leader.group.core.role, "leader");
});

Deno.test("what runs for too long is ended", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.held = true;
  trio.propose(leader, "a");
  trio.run();
  trio.tick(20);
  assert.equal(machine.aborts, 0, "it may run for a second");
  // Another entry of the batch has a time of its own.
  machine.preparing = 1;
  trio.tick(20);
  assert.equal(machine.aborts, 0);
  trio.tick(2);
  assert.equal(machine.aborts, 1);
  trio.tick(20);
  assert.equal(machine.aborts, 1, "once");
});

Deno.test("a member whose machine hangs and cannot be ended gives up leadership, and ends with a message", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.held = true;
  machine.abortable = false;
  const results = trio.propose(leader, "a");
  trio.run();
  trio.tick(22);
  assert.notEqual(leader.group.core.role, "leader");
  trio.tick(2);
  assert.equal(answers(results)[0], "unknown");
  const successor = trio.members.find(({ group }) =>
    group.core.role === "leader"
  )!;
  trio.tick(4);
  assert.deepEqual(successor.machine.items, ["timeout a"]);
  assert.ok(leader.fatal instanceof HungMachineError);
  assert.match(leader.fatal.message, /--allow-run or --allow-ffi/);
});

Deno.test("a batch that is committed and finds no room is applied later, and answered then", () => {
  const { trio, leader, machine } = preparingTrio();
  const full = Object.assign(new Error("full"), { code: "disk_full" });
  machine.commitFailure = full;
  machine.failure = full;
  const results = trio.propose(leader, "a");
  trio.run();
  assert.equal(leader.group.diskFull, true);
  assert.deepEqual([machine.batches, answers(results)], [
    ["a", "rollback"],
    [],
  ]);
  machine.failure = null;
  trio.tick(21);
  assert.deepEqual(answers(results), ["1"]);
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

Deno.test("without room nothing is proposed, and writes are refused", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.fate = () => Object.assign(new Error("full"), { code: "disk_full" });
  const results = trio.propose(leader, "a");
  trio.run();
  assert.ok(results[0]?.kind === "refused");
  assert.equal(results[0].reason, "disk_full");
  assert.equal(leader.group.diskFull, true);
  machine.fate = () => null;
  const later = trio.propose(leader, "b");
  trio.run();
  assert.equal(later[0]?.kind, "applied");
  assert.equal(leader.group.diskFull, false);
});

Deno.test("any other error of a preparation ends the member", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.fate = () => new Error("disk I/O error");
  trio.propose(leader, "a");
  trio.run();
  assert.match(leader.fatal!.message, /I\/O/);
});

Deno.test("a checkpoint waits for the transaction", () => {
  const { trio, leader, machine } = preparingTrio();
  let checkpoints = 0;
  const { checkpoint } = machine;
  machine.checkpoint = (done) => {
    assert.equal(machine.open, null);
    checkpoints++;
    checkpoint.call(machine, done);
  };
  for (const { log } of trio.members) log.held = true;
  trio.propose(leader, "a");
  trio.run();
  leader.group.checkpoint();
  trio.run();
  assert.equal(checkpoints, 0);
  for (const { log } of trio.members) log.release();
  trio.run();
  assert.equal(checkpoints, 1);
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

Deno.test("a deposed leader ends what it runs after a second if it can, and else lets it run to its limit", () => {
  for (const abortable of [true, false]) {
    const { trio, leader, machine } = preparingTrio({}, [], 5_000);
    machine.held = true;
    machine.abortable = abortable;
    trio.propose(leader, "a");
    trio.run();
    leader.group.transferLeadership("2.b");
    trio.run();
    assert.notEqual(leader.group.core.role, "leader");
    trio.tick(30);
    assert.equal(leader.fatal, null);
    assert.ok(abortable ? machine.aborts === 1 : machine.aborts > 1);
    trio.tick(80);
    assert.equal(leader.fatal === null, abortable);
  }
});
