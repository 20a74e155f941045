import assert from "node:assert/strict";
import { HungMachineError } from "../../src/group/run_watch.ts";
import { answers, failed, preparingTrio } from "./preparing_list.ts";

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

Deno.test("a member whose machine does not hear that it should end gives up leadership, too, and says so", () => {
  const { trio, leader, machine } = preparingTrio();
  machine.held = true;
  trio.propose(leader, "a");
  trio.run();
  trio.tick(22);
  assert.equal(machine.aborts, 1);
  for (let s = 0; s < 20; s++) {
    trio.tick(20);
    trio.run();
  }
  assert.ok(leader.fatal instanceof HungMachineError);
  assert.match(leader.fatal.message, /did not end within 15 s of being told/);
  assert.match(leader.fatal.message, /HQL_SQLITE_DRIVER=node/);
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
